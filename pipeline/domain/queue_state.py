"""What a fold keeps of one queue: its panes, and sums of days whose panes are forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pipeline.domain import kpi
from pipeline.domain.day_sums import DaySum, day_of
from pipeline.domain.forecast_book import QueueForecast
from pipeline.domain.running_sums import LONGEST_MS, NEVER, RunningSums
from pipeline.domain.target import ServiceTarget, TargetHistory

ALL_KPIS: Final = (1 << len(kpi.KPI_FIELDS)) - 1
_OFFERED: Final = 0
_WITHIN: Final = 2
_WIDTHS: Final = tuple(len(fields) for fields in kpi.KPI_FIELDS.values())


@dataclass(slots=True, eq=False)
class QueueState:
    """Panes of one queue; ``panes[i]`` maps pane start to counts of KPI i."""

    client: str
    site: str
    queue: str
    history: TargetHistory
    panes: tuple[dict[int, list[int]], ...] = field(default_factory=lambda: ({}, {}, {}))
    days: dict[int, DaySum] = field(default_factory=dict)
    """Of contract days (their ordinals) what was in panes that have been forgotten."""
    newest_pane: int = 0
    changed: int = ALL_KPIS
    """Of which KPIs panes changed since the rules were last evaluated: bit i for ``panes[i]``."""
    sums: RunningSums = field(default_factory=RunningSums)
    stale_ms: int = 0
    """The oldest service-level pane that changed since the sums were caught up."""
    forecast: QueueForecast | None = None
    """What was forecast of it, from files; no part of the state."""
    only_target: ServiceTarget | None = None
    """The target, where the queue has but one for all time."""

    def __post_init__(self) -> None:
        """Note whether dates matter."""
        if len(self.history.targets) == 1:
            self.only_target = self.history.targets[0]

    @property
    def key(self) -> str:
        """Return ``client/site/queue``, the first part of an output's key."""
        return f"{self.client}/{self.site}/{self.queue}"

    def open_pane(self, kpi_index: int, start: int) -> list[int]:
        """Add an empty pane and return its counts."""
        counts = self.panes[kpi_index][start] = [0] * _WIDTHS[kpi_index]
        if kpi_index == 0 and start > self.newest_pane:
            self.newest_pane = start
        self.touch(kpi_index, start)
        return counts

    def touch(self, kpi_index: int, start: int) -> None:
        """Note that a pane is about to change."""
        self.changed |= 1 << kpi_index
        if kpi_index == 0 and start < self.stale_ms:
            self.stale_ms = start

    def pair(self, end_ms: int, window_ms: int, first: int, second: int) -> tuple[int, int]:
        """Return the sums of two of the first service-level fields over a window.

        The window ends, exclusive, at a pane boundary, as all do.
        """
        if window_ms > LONGEST_MS:
            one, other = window_sums(self, 0, end_ms, window_ms, (first, second))
            return one, other
        self.sums.catch_up(self.panes[0], end_ms, self.stale_ms)
        self.stale_ms = NEVER
        return self.sums.pair(window_ms, first, second)


def window_counts(
    queue: QueueState, end_ms: int, window_ms: int, target: ServiceTarget
) -> tuple[int, int]:
    """Return the (denominator, numerator) of service level of a window, by a definition.

    The window ends, exclusive, at a pane boundary.
    """
    if target.is_within_over_offered:  # the common case, asked of every queue at every boundary
        return queue.pair(end_ms, window_ms, _OFFERED, _WITHIN)
    panes = queue.panes[0]
    starts = range(end_ms - window_ms, end_ms, kpi.PANE_MS)
    inside = (panes[start] for start in starts if start in panes)
    return service_level(kpi.add_vectors(inside, _WIDTHS[0]), target)


def service_level(counts: list[int], target: ServiceTarget) -> tuple[int, int]:
    """Return the (denominator, numerator) of service level of a pane's counts, or a sum of them."""
    if target.is_within_over_offered:
        return counts[0], counts[2]
    named = dict(zip(kpi.SERVICE_LEVEL_FIELDS, counts, strict=True))
    numerator, denominator = target.rules.service_level_parts(named)
    return denominator, numerator


def window_sums(
    queue: QueueState, kpi_index: int, end_ms: int, window_ms: int, fields: tuple[int, ...]
) -> list[int]:
    """Return the sums of some fields of a KPI's panes over a window."""
    panes = queue.panes[kpi_index]
    starts = range(end_ms - window_ms, end_ms, kpi.PANE_MS)
    inside = [panes[start] for start in starts if start in panes]
    return [sum([pane[index] for pane in inside]) for index in fields]


def remember(queue: QueueState, floor_ms: int) -> None:
    """Add to the sums of their days the panes before ``floor_ms``, which are about to go."""
    days = queue.days
    for start, pane in queue.panes[0].items():
        if start < floor_ms:
            target = queue.history.at(start)
            day = day_of(start, target.zone)
            counted, good = service_level(pane, target)
            found = days.setdefault(day.ordinal, DaySum())
            found.counted += counted
            found.good += good
            found.offered[day.half_hour] += pane[0]
    for start, pane in queue.panes[1].items():
        if start < floor_ms:
            day = day_of(start, queue.history.at(start).zone)
            found = days.setdefault(day.ordinal, DaySum())
            found.handled += pane[0]
            found.handle_ms += pane[1] + pane[2] + pane[3]


def so_far(queue: QueueState, at_ms: int, zone: str) -> tuple[int, int, int, int]:
    """Return counted and good of the contract day and of its month, up to an instant, exactly.

    By the contract's own formula, each call by the terms of its day.
    """
    today = day_of(max(at_ms - 1, 0), zone)
    first = today.ordinal - today.day_of_month + 1
    sums = [0, 0, 0, 0]
    for ordinal, found in queue.days.items():
        if first <= ordinal <= today.ordinal:
            _add(sums, found.counted, found.good, is_today=ordinal == today.ordinal)
    for start, pane in queue.panes[0].items():
        if start < at_ms:
            target = queue.history.at(start)
            ordinal = day_of(start, target.zone).ordinal
            if first <= ordinal <= today.ordinal:
                counted, good = service_level(pane, target)
                _add(sums, counted, good, is_today=ordinal == today.ordinal)
    return sums[0], sums[1], sums[2], sums[3]


def _add(sums: list[int], counted: int, good: int, *, is_today: bool) -> None:
    sums[2] += counted
    sums[3] += good
    if is_today:
        sums[0] += counted
        sums[1] += good
