"""What another configuration makes of the same events: cell by cell, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.domain import kpi
from pipeline.domain.alert import Alert, AlertStatus
from pipeline.domain.fold import PartitionFold
from pipeline.domain.outbox import Outbox
from pipeline.domain.target import TargetHistory

Cell = tuple[str, str, str, int, int]
"""(client, site, queue, KPI index, pane start in ms)."""
Counts = tuple[int, ...]
QueueKey = tuple[str, str, str]
Histories = tuple[
    Callable[[str, str, str], TargetHistory], Callable[[str, str, str], TargetHistory]
]

KPIS: Final = tuple(kpi.KPI_FIELDS)
NOTHING: Final[tuple[Counts, ...]] = tuple((0,) * len(names) for names in kpi.KPI_FIELDS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One count of one pane that differs."""

    client: str
    site: str
    queue: str
    kpi: str
    pane_start_ms: int
    field: str
    before: int
    after: int


@dataclass(slots=True)
class QueueChange:
    """One queue under both configurations; index 0 is before, 1 after."""

    cells: int = 0
    changed: int = 0
    offered: list[int] = field(default_factory=lambda: [0, 0])
    numerator: list[int] = field(default_factory=lambda: [0, 0])
    denominator: list[int] = field(default_factory=lambda: [0, 0])


class Comparison:
    """Takes the outboxes of two folds of the same records, chunk by chunk."""

    def __init__(self, histories: Histories, on_changed: Callable[[Changed], None]) -> None:
        """Compare service levels by the targets before and after; tell of each change."""
        self._histories = histories
        self._on_changed = on_changed
        self._open: dict[Cell, list[Counts | None]] = {}
        self.queues: dict[QueueKey, QueueChange] = {}
        self.fired: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        """Alerts that fired, by rule, before and after."""
        self.firing: tuple[dict[tuple[str, ...], Alert], dict[tuple[str, ...], Alert]] = ({}, {})
        """Alerts not resolved so far, by what they judge and rule."""

    def note(self, side: int, box: Outbox) -> None:
        """Take what one fold (0: before, 1: after) says of a chunk."""
        for (queue, index, pane), counts in box.panes.items():
            cell = (queue.client, queue.site, queue.queue, index, pane)
            self._open.setdefault(cell, [None, None])[side] = tuple(counts)
        for alert in box.alerts:
            place = (alert.client, alert.site, alert.programme or "", alert.queue)
            where = (alert.scope, *place, alert.rule)
            if alert.status is AlertStatus.FIRING:
                self.fired[side][alert.rule] += 1
                self.firing[side][where] = alert
            else:
                self.firing[side].pop(where, None)

    def settle(self, folds: Sequence[PartitionFold]) -> None:
        """Judge the panes that all folds have forgotten, since nothing can change them any more."""
        queues = [fold.queues for fold in folds]
        for cell in list(self._open):
            client, site, queue, index, pane = cell
            key = (client, site, queue)
            if not any(key in known and pane in known[key].panes[index] for known in queues):
                self._judge(cell, self._open.pop(cell))

    def finish(self) -> None:
        """Judge the panes that are left."""
        for cell, sides in sorted(self._open.items()):
            self._judge(cell, sides)
        self._open.clear()

    def _judge(self, cell: Cell, sides: list[Counts | None]) -> None:
        client, site, queue, index, pane = cell
        before, after = (side or NOTHING[index] for side in sides)
        change = self.queues.setdefault((client, site, queue), QueueChange())
        change.cells += len(before)
        names = kpi.KPI_FIELDS[KPIS[index]]
        for name, old, new in zip(names, before, after, strict=True):
            if old != new:
                change.changed += 1
                self._on_changed(
                    Changed(
                        client=client,
                        site=site,
                        queue=queue,
                        kpi=KPIS[index],
                        pane_start_ms=pane,
                        field=name,
                        before=old,
                        after=new,
                    )
                )
        if KPIS[index] == kpi.SERVICE_LEVEL:
            for side, counts in enumerate((before, after)):
                named = dict(zip(names, counts, strict=True))
                self._add(change, side, (client, site, queue), pane, named)

    def _add(
        self, change: QueueChange, side: int, queue: QueueKey, pane: int, counts: Mapping[str, int]
    ) -> None:
        target = self._histories[side](*queue).at(pane)
        numerator, denominator = target.rules.service_level_parts(counts)
        change.offered[side] += target.rules.offered(counts)
        change.numerator[side] += numerator
        change.denominator[side] += denominator
