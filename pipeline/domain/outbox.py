"""What folding records leads to: how each ended, and what readers have to be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.domain.alert import Alert
from pipeline.domain.events import CallEvent, Rejected
from pipeline.domain.queue_state import QueueState


@dataclass(slots=True)
class Counters:
    """The five ends of an input record; they add up to the offsets folded."""

    accepted: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0
    quarantined: int = 0

    @property
    def total(self) -> int:
        """Return how many records were folded."""
        return self.accepted + self.duplicate + self.late + self.rejected + self.quarantined


@dataclass(frozen=True, slots=True)
class LateEvent:
    """An event not admitted to the live numbers: ``behind_watermark`` or ``leg_closed``."""

    offset: int
    event: CallEvent
    reason: str


@dataclass(slots=True)
class Outbox:
    """What the records folded since the last ``take_outbox`` lead to."""

    panes: dict[tuple[QueueState, int, int], list[int]] = field(default_factory=dict)
    """(queue, KPI index, pane start) to its counts: the live list, not a copy."""
    alerts: list[Alert] = field(default_factory=list)
    late: list[LateEvent] = field(default_factory=list)
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)
    quarantined: list[tuple[int, CallEvent]] = field(default_factory=list)
