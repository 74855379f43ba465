"""The additive integer counts behind every KPI, and the ratios over them.

Counts add; ratios divide last and return ``None`` where there is nothing to divide by.
A *pane* is a 30-second half-open slice of event time; a rolling window is a sum of panes.
Field order is the wire order of the in-memory vectors; a released field is never moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

PANE_MS: Final = 30_000
WINDOWS_S: Final = (60, 300, 900, 1800)

SERVICE_LEVEL_FIELDS: Final = (
    "offered",
    "answered",
    "answered_within",
    "abandoned",
    "abandoned_within",
    "abandoned_short",
    "flowed_out",
    "flowed_out_within",
    "callbacks",
    "callbacks_within",
    "waiting_over",
    "wait_answered_ms",
    "abandoned_before_queue",
)
HANDLE_TIME_FIELDS: Final = ("handled", "talk_ms", "hold_ms", "acw_ms", "held")
COMPLAINT_SIGNAL_FIELDS: Final = ("complaints", "transfers", "long_holds")

SERVICE_LEVEL: Final = "service-level"
HANDLE_TIME: Final = "handle-time"
COMPLAINT_SIGNALS: Final = "complaint-signals"
KPI_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    SERVICE_LEVEL: SERVICE_LEVEL_FIELDS,
    HANDLE_TIME: HANDLE_TIME_FIELDS,
    COMPLAINT_SIGNALS: COMPLAINT_SIGNAL_FIELDS,
}

Counts = Mapping[str, int]


def pane_start(instant_ms: int) -> int:
    """Return the start of the pane that holds an instant (epoch milliseconds)."""
    return instant_ms - instant_ms % PANE_MS


def add_vectors(vectors: Iterable[Sequence[int]], width: int) -> list[int]:
    """Add integer vectors of one width; no vectors give the zero vector."""
    total = [0] * width
    for vector in vectors:
        for i, n in enumerate(vector):
            total[i] += n
    return total


def ratio(numerator: int, denominator: int) -> float | None:
    """Divide, or return None where there is nothing to divide by (never 0, 1 or NaN)."""
    return numerator / denominator if denominator else None


def service_level(counts: Counts) -> float | None:
    """Answered within the threshold over all offered (0..1): abandons and flow-outs are misses.

    Formula SL1 ("abandons negative", Cisco; COPC-based guides): ``answered_within / offered``.
    A call still waiting past the threshold is already offered and already a miss.
    """
    return ratio(counts["answered_within"], counts["offered"])


def abandon_rate(counts: Counts) -> float | None:
    """Abandoned over offered (0..1), short abandons included in both."""
    return ratio(counts["abandoned"], counts["offered"])


def average_speed_of_answer_ms(counts: Counts) -> float | None:
    """Sum of the waits of answered legs over answered legs, milliseconds."""
    return ratio(counts["wait_answered_ms"], counts["answered"])


def average_handle_time_ms(counts: Counts) -> float | None:
    """Talk + hold + after-call work over handled legs, milliseconds per leg."""
    return ratio(counts["talk_ms"] + counts["hold_ms"] + counts["acw_ms"], counts["handled"])
