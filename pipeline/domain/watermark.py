"""What time it is by the log, and which events are still admitted.

Everything here is a function of the log alone (event times, sources, broker append times), so
that a replay admits exactly what the first run admitted. No wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

GRACE_MS: Final = 2 * 3_600_000
"""An event further behind the watermark than this is late: landed, but not in the live number."""

CLOCK_AHEAD_MS: Final = 5_000
"""An event stamped further ahead of the broker's append time than this is quarantined."""

IDLE_SOURCE_MS: Final = 60_000
"""A source silent for this long in log append time no longer holds the watermark back."""


def is_clock_ahead(occurred_at_ms: int, appended_at_ms: int) -> bool:
    """Say whether the source's clock was ahead when the broker appended the record."""
    return occurred_at_ms > appended_at_ms + CLOCK_AHEAD_MS


@dataclass(slots=True)
class Watermark:
    """Event time up to which a partition is believed complete: it never goes back.

    The minimum over active sources of the newest admitted event time of each. ``ms`` is 0
    before the first event. ``sources`` maps a source to [newest event time, last append time].
    """

    ms: int = 0
    sources: dict[str, list[int]] = field(default_factory=dict)

    def candidate(self, source: str, occurred_at_ms: int, appended_at_ms: int) -> int:
        """Note an admitted event; return the watermark it leads to (not yet taken)."""
        sources = self.sources
        seen = sources.get(source)
        if seen is None:
            sources[source] = [occurred_at_ms, appended_at_ms]
        else:
            seen[1] = appended_at_ms
            if occurred_at_ms <= seen[0]:
                return self.ms  # it moves only with an event that is its source's newest
            seen[0] = occurred_at_ms
        newest = occurred_at_ms
        if len(sources) > 1:
            alive = appended_at_ms - IDLE_SOURCE_MS
            for at, appended in sources.values():  # as min() would, without a generator
                if at < newest and appended >= alive:
                    newest = at
        return max(self.ms, newest)
