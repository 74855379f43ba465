"""By which rules an agent's time is counted: dated terms of one client, as values.

What the numbers mean stands in ``agent_session`` (when a login ends), ``ledger`` (which of
several states counts) and ``agent_time`` (what is productive, billable, paid).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pipeline.domain.events import AgentState

STATES: Final[tuple[AgentState, ...]] = tuple(
    state for state in AgentState if state is not AgentState.LOGGED_OUT
)
"""The states that are time logged in, in the order marts have them."""

PRECEDENCE: Final = (
    AgentState.ON_CONTACT,
    AgentState.AFTER_CALL_WORK,
    AgentState.RINGING,
    AgentState.TRAINING,
    AgentState.MEETING,
    AgentState.BREAK,
    AgentState.MEAL,
    AgentState.BACK_OFFICE,
    AgentState.AVAILABLE,
    AgentState.OTHER,
)


class Measure(StrEnum):
    """What time logged in is counted for."""

    PRODUCTIVE = "productive"
    BILLABLE = "billable"
    PAID = "paid"


class Ringing(StrEnum):
    """Where the time of a ringing offer goes in occupancy."""

    OCCUPIED = "occupied"
    IDLE = "idle"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureTerms:
    """What counts for one measure.

    ``states`` holds names of states, and ``state:reason`` for what counts with that reason only.
    ``caps`` limits the time of a state per business day, milliseconds, in order of time.
    ``counts_presumed`` says whether time that only a missing logout makes counts.
    A business day with less than ``minimum_login_ms`` logged in counts for nothing.
    """

    states: frozenset[str]
    caps: Mapping[AgentState, int] = field(default_factory=dict)
    counts_presumed: bool = True
    minimum_login_ms: int = 0

    def counts(self, state: AgentState, reason: str | None) -> bool:
        """Say whether a state with its reason counts at all."""
        named = reason is not None and f"{state}:{reason}" in self.states
        return named or state in self.states


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTimeTerms:
    """All rules in force at one time.

    ``precedence`` ranks simultaneous states of several sources. ``lost_after_ms`` is for how long
    a sign of life holds in a source that sends heart-beats; ``longest_silence_ms`` in one that
    does not (None: until the next event). ``adherence`` maps a scheduled activity to the states
    that keep to it; ``logged_out`` may be one of them.
    """

    precedence: tuple[AgentState, ...] = PRECEDENCE
    lost_after_ms: int = 240_000
    longest_silence_ms: int | None = None
    ringing: Ringing = Ringing.NEITHER
    measures: Mapping[Measure, MeasureTerms]
    adherence: Mapping[str, frozenset[AgentState]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a precedence that does not rank every state once, and a missing measure."""
        if sorted(self.precedence) != sorted(STATES):
            missing = sorted(str(state) for state in set(STATES) - set(self.precedence))
            msg = f"precedence must name every state once; missing {missing}"
            raise ValueError(msg)
        if set(self.measures) != set(Measure):
            wanted, got = (sorted(map(str, names)) for names in (Measure, self.measures))
            msg = f"measures must be {wanted}, got {got}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class AgentTermHistory:
    """The terms of one client, ascending: ``starts_ms[i]`` is when ``terms[i]`` takes force.

    Half-open validity; an instant before the first start takes the first terms.
    """

    starts_ms: tuple[int, ...]
    terms: tuple[AgentTimeTerms, ...]

    def __post_init__(self) -> None:
        """Refuse an empty, unequal or unsorted history."""
        if not self.terms or len(self.starts_ms) != len(self.terms):
            msg = f"need one start per terms, got {self.starts_ms} for {len(self.terms)}"
            raise ValueError(msg)
        if list(self.starts_ms) != sorted(set(self.starts_ms)):
            msg = f"starts must ascend, got {self.starts_ms}"
            raise ValueError(msg)

    def at(self, instant_ms: int) -> AgentTimeTerms:
        """Return the terms in force at an instant (epoch milliseconds UTC)."""
        return self.terms[max(0, bisect_right(self.starts_ms, instant_ms) - 1)]
