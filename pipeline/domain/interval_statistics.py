"""Statistics of a queue and of an agent per interval, from hourly rows and rows per call.

Figures are sums of integers; whoever prints them divides last. The hourly rows say how calls
ended, the call rows how long they waited: numerator and denominator of a figure may so come from
different rows, as they do in wazo-call-logd (``database/queries/queue_stat.py``), whose formulas
these are. Calls found closed stand in no denominator. Names of endings are the row's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from pipeline.domain.statistics_frame import Frames

ANSWERED: Final = "answered"
ABANDONED: Final = "abandoned"

ENDINGS: Final = (
    *("total", ANSWERED, ABANDONED, "closed", "full", "joinempty", "leaveempty"),
    *("divert_ca_ratio", "divert_waittime", "timeout"),
)
"""What an hourly row of a queue counts; ``total`` counts the calls received."""


@dataclass(frozen=True, slots=True)
class QueueHour:
    """How the calls of one queue ended that came in from ``at_ms`` on, for an hour."""

    at_ms: int
    queue: int
    counts: tuple[int, ...]
    """In the order of ``ENDINGS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCall:
    """One call: when it came, how it ended, how long it waited and was talked with."""

    at_ms: int
    queue: int
    status: str
    wait_ms: int = 0
    talk_ms: int = 0
    agent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHour:
    """How an agent spent the hour from ``at_ms`` on; for one queue, or in all where it is None."""

    at_ms: int
    agent: int
    queue: int | None = None
    login_ms: int = 0
    pause_ms: int = 0
    wrapup_ms: int = 0


@dataclass(slots=True)
class QueueFigures:
    """Sums of one queue over an interval; the properties are sums of them."""

    total: int = 0
    answered: int = 0
    abandoned: int = 0
    closed: int = 0
    full: int = 0
    joinempty: int = 0
    leaveempty: int = 0
    divert_ca_ratio: int = 0
    divert_waittime: int = 0
    timeout: int = 0
    wait_ms: int = 0
    answered_within: int = 0

    @property
    def saturated(self) -> int:
        """Return the calls that met a full queue or were diverted: too many waiting, too long."""
        return self.full + self.divert_ca_ratio + self.divert_waittime

    @property
    def blocked(self) -> int:
        """Return the calls that found no agent, or lost the last one while waiting."""
        return self.joinempty + self.leaveempty

    @property
    def waited(self) -> int:
        """Return the calls that waited: answered, abandoned, left by the last agent, timed out."""
        return self.answered + self.abandoned + self.leaveempty + self.timeout

    @property
    def answerable(self) -> int:
        """Return the calls that could have been answered; neither closed nor diverted ones."""
        return self.waited + self.full + self.joinempty


@dataclass(slots=True)
class AgentFigures:
    """Sums of one agent over an interval, and the same for each queue, by its id."""

    answered: int = 0
    talk_ms: int = 0
    login_ms: int = 0
    pause_ms: int = 0
    wrapup_ms: int = 0
    queues: dict[int, AgentFigures] = field(default_factory=dict)

    def of(self, queue: int) -> AgentFigures:
        """Return the figures of a queue."""
        return self.queues.setdefault(queue, AgentFigures())


@dataclass(slots=True)
class WaitBucket:
    """Calls that waited ``[min_ms, max_ms)``; no end if it is None."""

    min_ms: int
    max_ms: int | None
    answered: int = 0
    abandoned: int = 0


def queue_figures(
    hours: Iterable[QueueHour],
    calls: Iterable[QueueCall],
    frames: Frames,
    *,
    threshold_ms: int | None = None,
) -> list[QueueFigures]:
    """Return one queue's sums per frame; answered within is a wait ``<=`` the threshold."""
    found = [QueueFigures() for _ in frames.listed]
    for hour in hours:
        for place in frames.of(hour.at_ms):
            _add_hour(found[place], hour)
    for call in calls:
        in_time = threshold_ms is not None and call.wait_ms <= threshold_ms
        for place in frames.of(call.at_ms):
            found[place].wait_ms += call.wait_ms
            found[place].answered_within += in_time and call.status == ANSWERED
    return found


def _add_hour(figures: QueueFigures, hour: QueueHour) -> None:
    for name, count in zip(ENDINGS, hour.counts, strict=True):
        setattr(figures, name, getattr(figures, name) + count)


def wait_buckets(
    calls: Iterable[QueueCall], frames: Frames, thresholds_ms: Sequence[int]
) -> list[list[WaitBucket]]:
    """Return, per frame, the answered and the abandoned calls of one queue by how long they waited.

    Thresholds cut the waits from 0 on into half-open spans; the last has no end.
    """
    edges = [0, *sorted(set(thresholds_ms)), None]
    found = [_buckets(edges) for _ in frames.listed]
    for call in calls:
        if call.status not in {ANSWERED, ABANDONED}:
            continue
        for place in frames.of(call.at_ms):
            for bucket in found[place]:
                if bucket.min_ms <= call.wait_ms and (
                    bucket.max_ms is None or call.wait_ms < bucket.max_ms
                ):
                    bucket.answered += call.status == ANSWERED
                    bucket.abandoned += call.status == ABANDONED
    return found


def _buckets(edges: Sequence[int | None]) -> list[WaitBucket]:
    return [WaitBucket(low, high) for low, high in pairwise(edges) if low is not None]


def agent_figures(
    hours: Iterable[AgentHour], calls: Iterable[QueueCall], frames: Frames
) -> list[AgentFigures]:
    """Return one agent's sums per frame; a queue has some where there is a row of it."""
    found = [AgentFigures() for _ in frames.listed]
    for hour in hours:
        for place in frames.of(hour.at_ms):
            figures = found[place] if hour.queue is None else found[place].of(hour.queue)
            figures.login_ms += hour.login_ms
            figures.pause_ms += hour.pause_ms
            figures.wrapup_ms += hour.wrapup_ms
    for call in calls:
        if call.status != ANSWERED:
            continue
        for place in frames.of(call.at_ms):
            for figures in (found[place], found[place].of(call.queue)):
                figures.answered += 1
                figures.talk_ms += call.talk_ms
    return found
