"""Where a partition goes on: from a snapshot of the same basis, from the first offset, or nowhere.

A state that the log can no longer continue (trimmed, or topic made anew) is a loud stop: there is
never a silent gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from faust.types import TP

from pipeline.config_files import AlertRules, Targets
from pipeline.domain.fold import PartitionFold
from pipeline.domain.fold_state import load
from pipeline.domain.forecast_book import QueueForecast, QueueKey
from pipeline.errors import StateLost
from pipeline.streams.snapshots import LEG_PACKING, label

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Basis:
    """What numbers are computed by, besides the events: the same basis, the same numbers.

    Forecasts are no part of the hash: each holds from when it was issued on, so a newer one changes
    nothing that has been folded (docs/alerting.md).
    """

    targets: Targets
    rules: AlertRules
    forecasts: Mapping[QueueKey, QueueForecast] = field(default_factory=dict)

    @property
    def config_hash(self) -> str:
        """Sixteen hex digits that change with any target or rule."""
        return f"{self.targets.version[:8]}{self.rules.version[:8]}"

    def new_fold(self, first: int) -> PartitionFold:
        """Return a fold that has seen nothing and begins at offset ``first``."""
        return PartitionFold(
            self.targets.history,
            self.rules.rules,
            first_offset=first,
            packing=LEG_PACKING,
            forecasts=self.forecasts,
        )

    def load(self, state: dict[str, Any]) -> PartitionFold:
        """Return the fold of a snapshot's state."""
        return load(
            state, self.targets.history, self.rules.rules, LEG_PACKING, forecasts=self.forecasts
        )


def fold_of(
    envelope: dict[str, Any] | None, tp: TP, begin: int, end: int, basis: Basis
) -> PartitionFold:
    """Return the fold that goes on from a snapshot (None: there is none), in a log of [begin, end).

    Raises:
        StateLost: the log does not hold what would have to be folded.
    """
    if envelope is None:
        return basis.new_fold(begin)
    state = envelope["state"]
    offset, first = state["next_offset"], state["first_offset"]
    where = f"partition {tp.partition} of {tp.topic}"
    if offset > end:
        msg = (
            f"{where}: the snapshot goes on at offset {offset} but the log ends at {end}: "
            "was the topic made anew? Delete the snapshots topic with it to start again."
        )
        raise StateLost(msg)
    if label(envelope).is_usable(basis.config_hash):
        if offset < begin:
            msg = (
                f"{where}: the snapshot goes on at offset {offset} but the log starts at "
                f"{begin}: {begin - offset} records are gone. Rebuild the live numbers from "
                "the landed files: vane replay --from-landing --switch"
            )
            raise StateLost(msg)
        return basis.load(state)
    if begin > first:
        msg = (
            f"{where}: config or state version changed ({envelope['config_hash']} to "
            f"{basis.config_hash}), so the log must be folded again from offset {first}, but "
            f"it starts at {begin}. Undo the change, or: vane replay --from-landing --switch"
        )
        raise StateLost(msg)
    log.warning("config or state version changed: folding again", partition=tp.partition)
    return basis.new_fold(first)
