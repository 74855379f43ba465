"""What a receiver of alerts has to be, and what it is handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

AlertRecord: TypeAlias = Mapping[str, Any]
"""A record of ``kpi.alerts`` as ``schemas/events/kpi.alerts.v1.schema.json`` has it."""


class Sink(Protocol):
    """Somewhere alerts can be delivered to."""

    @property
    def name(self) -> str:
        """Return what it is called in metrics, the log, and its consumer group."""
        ...

    @property
    def batch(self) -> int:
        """Return the most alerts that one delivery may hold."""
        ...

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Deliver the alerts, all or none, in their order.

        Raises:
            TransientError: not delivered; trying again may help. A ``ReceiverBusy`` says when.
            AlertRefused: not delivered, and trying the same again cannot help.
        """
        ...


@runtime_checkable
class StandingSink(Sink, Protocol):
    """A sink whose receiver forgets: it has to be told again what has not ended."""

    @property
    def again_s(self) -> float:
        """Return how often, in seconds."""
        ...

    def restore(self, alerts: Sequence[tuple[AlertRecord, float]]) -> None:
        """Take over a partition: all its alerts so far, with when (epoch s) each was appended."""
        ...

    def forget(self) -> None:
        """Leave everything to other workers."""
        ...

    def standing(self) -> int:
        """Return how many alerts fire."""
        ...

    async def send_again(self) -> None:
        """Tell what has not ended; raises as ``send`` does."""
        ...
