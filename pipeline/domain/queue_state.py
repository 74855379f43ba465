"""What a fold keeps of one queue: its panes and where its alert rules stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pipeline.domain import alert, kpi
from pipeline.domain.target import ServiceTarget, TargetHistory

_WIDTHS: Final = tuple(len(fields) for fields in kpi.KPI_FIELDS.values())


@dataclass(slots=True, eq=False)
class QueueState:
    """Panes and alert states of one queue; ``panes[i]`` maps pane start to counts of KPI i."""

    client: str
    site: str
    queue: str
    history: TargetHistory
    panes: tuple[dict[int, list[int]], ...] = field(default_factory=lambda: ({}, {}, {}))
    alerts: dict[str, alert.AlertState] = field(default_factory=dict)
    newest_pane: int = 0
    changed: bool = True
    """Whether service-level panes changed since the rules were last evaluated."""
    evaluated_with: ServiceTarget | None = None
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
        return counts


def window_counts(
    queue: QueueState, end_ms: int, window_ms: int, target: ServiceTarget
) -> tuple[int, int]:
    """Return the (denominator, numerator) of service level of a window, by a definition.

    The window ends, exclusive, at a pane boundary.
    """
    panes = queue.panes[0]
    starts = range(end_ms - window_ms, end_ms, kpi.PANE_MS)
    if target.is_within_over_offered:  # the common case, asked of every queue at every boundary
        offered = within = 0
        for start in starts:
            pane = panes.get(start)
            if pane is not None:
                offered += pane[0]
                within += pane[2]
        return offered, within
    inside = (panes[start] for start in starts if start in panes)
    total = kpi.add_vectors(inside, _WIDTHS[0])
    counts = dict(zip(kpi.SERVICE_LEVEL_FIELDS, total, strict=True))
    numerator, denominator = target.rules.service_level_parts(counts)
    return denominator, numerator
