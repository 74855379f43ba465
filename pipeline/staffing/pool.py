"""Who could help: people who are free anyway, and those whom another programme can spare.

A programme can spare who is beyond what its own goal takes, with a cushion for its own bad luck;
one that is behind its goal spares nobody beyond what brings it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, sqrt
from statistics import NormalDist

from pipeline.staffing.chain import clumping
from pipeline.staffing.day import DaySlot, Rest
from pipeline.staffing.erlang import Traffic
from pipeline.staffing.service import agents_needed


@dataclass(frozen=True, slots=True)
class Lent:
    """So many people, from and until (epoch milliseconds, half-open)."""

    start_ms: int
    end_ms: int
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """People who can be asked: when and how many, how soon they can take calls, what they cost.

    ``pace``: how long they take for a call, as a multiple of the queue's own handle time.
    ``cost_per_hour`` is in any unit, of one person; only comparisons matter.
    """

    name: str
    lent: tuple[Lent, ...]
    ramp_s: float = 0.0
    cost_per_hour: float = 1.0
    pace: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if any(span.people < 0 or span.start_ms >= span.end_ms for span in self.lent):
            msg = f"{self.name}: expected no negative people and spans that end after they start"
            raise ValueError(msg)
        if self.ramp_s < 0 or self.cost_per_hour < 0:
            msg = f"{self.name}: expected no negative ramp and cost"
            raise ValueError(msg)
        if self.pace <= 0:
            msg = f"{self.name}: pace: expected more than 0, got {self.pace:g}"
            raise ValueError(msg)

    def people(self, slot: DaySlot, now_ms: int) -> int:
        """Return how many can be on the phones throughout a slot, if asked now."""
        if slot.start_ms < self.ready_ms(now_ms):
            return 0
        covering = [
            span.people
            for span in self.lent
            if span.start_ms < slot.end_ms and span.end_ms > slot.start_ms
        ]
        covered = sum(
            min(span.end_ms, slot.end_ms) - max(span.start_ms, slot.start_ms)
            for span in self.lent
            if span.start_ms < slot.end_ms and span.end_ms > slot.start_ms
        )
        return min(covering, default=0) if covered == slot.end_ms - slot.start_ms else 0

    def ready_ms(self, now_ms: int) -> int:
        """Return the first instant at which they can take calls, if asked now."""
        return now_ms + round(self.ramp_s * 1000)


def spare(donor: Rest, *, confidence: float = 0.9) -> tuple[Lent, ...]:
    """Return whom a programme can spare, slot by slot, and still reach its own goal.

    Every slot keeps the agents that reach what the rest of its day has to reach, and as much more
    as its day's figure varies.
    """
    calls = sum(slot.calls for slot in donor.slots)
    needed = donor.goal.share - (donor.surplus / calls if calls else 0.0)
    keep = max(needed, donor.goal.share)
    if calls == 0 or keep >= 1:
        people = [0 if calls else floor(slot.agents) for slot in donor.slots]
        return _lent(donor, people)
    noise = 0.0
    for slot in donor.slots:
        traffic = _traffic(donor, slot)
        if traffic.rate_per_s:
            n = agents_needed(replace(donor.goal, share=keep), traffic)
            noise += slot.length_s * clumping(donor.goal, traffic, n)
    cushion = NormalDist().inv_cdf(confidence) * sqrt(noise) / calls
    goal = replace(donor.goal, share=min(keep + cushion, (1 + keep) / 2))
    busy = 1 + NormalDist().inv_cdf(confidence) * donor.volume_cv
    people = [
        max(0, floor(slot.agents - agents_needed(goal, _traffic(donor, slot, busy))))
        for slot in donor.slots
    ]
    return _lent(donor, people)


def _traffic(donor: Rest, slot: DaySlot, busy: float = 1.0) -> Traffic:
    return Traffic(
        rate_per_s=busy * slot.calls / slot.length_s,
        handle_s=slot.handle_s,
        patience_s=donor.patience_s,
    )


def _lent(donor: Rest, people: list[int]) -> tuple[Lent, ...]:
    return tuple(
        Lent(slot.start_ms, slot.end_ms, n) for slot, n in zip(donor.slots, people, strict=True)
    )
