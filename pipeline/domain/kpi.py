"""The additive integer counts behind every KPI, and the ratios over them.

Counts add; ratios divide last and return ``None`` where there is nothing to divide by.
A *pane* is a 30-second half-open slice of event time; a rolling window is a sum of panes.
Field order is the wire order of the in-memory vectors; a released field is never moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pipeline.domain.wait_histogram import WAIT_FIELDS

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
    "out_of_hours",
    "refused_full",
    "refused_closed",
    "refused_empty",
    "refused_other",
    "dialed",
    "connected",
    "connected_live",
    "dialed_answered",
    "dialer_abandoned",
    *WAIT_FIELDS,
)
HANDLE_TIME_FIELDS: Final = ("handled", "talk_ms", "hold_ms", "acw_ms", "held", "no_answers")
COMPLAINT_SIGNAL_FIELDS: Final = (
    "complaints",
    "transfers",
    "long_holds",
    "transfers_blind",
    "transfers_attended",
    "transfers_to_queue",
    "transfers_to_agent",
    "transfers_external",
)

SERVICE_LEVEL: Final = "service-level"
HANDLE_TIME: Final = "handle-time"
COMPLAINT_SIGNALS: Final = "complaint-signals"
KPI_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    SERVICE_LEVEL: SERVICE_LEVEL_FIELDS,
    HANDLE_TIME: HANDLE_TIME_FIELDS,
    COMPLAINT_SIGNALS: COMPLAINT_SIGNAL_FIELDS,
}

ALWAYS_WRITTEN: Final[Mapping[str, int]] = {
    SERVICE_LEVEL: SERVICE_LEVEL_FIELDS.index("out_of_hours"),
    HANDLE_TIME: HANDLE_TIME_FIELDS.index("no_answers"),
    COMPLAINT_SIGNALS: COMPLAINT_SIGNAL_FIELDS.index("transfers_blind"),
}
"""How many leading fields every record has; of those after them, one that is absent is 0."""

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


def average_speed_of_answer_ms(counts: Counts) -> float | None:
    """Sum of the waits of answered legs over answered legs, milliseconds."""
    return ratio(counts["wait_answered_ms"], counts["answered"])


def average_handle_time_ms(counts: Counts) -> float | None:
    """Talk + hold + after-call work over handled legs, milliseconds per leg."""
    return ratio(counts["talk_ms"] + counts["hold_ms"] + counts["acw_ms"], counts["handled"])


def average_hold_of_held_ms(counts: Counts) -> float | None:
    """Hold time over the legs that were held, milliseconds (Amazon Connect's average)."""
    return ratio(counts["hold_ms"], counts["held"])


def average_hold_of_handled_ms(counts: Counts) -> float | None:
    """Hold time over all handled legs, milliseconds: the hold within AHT."""
    return ratio(counts["hold_ms"], counts["handled"])


def complaints_per_thousand(counts: Counts) -> float | None:
    """Complaints per 1,000 handled legs."""
    return ratio(1000 * counts["complaints"], counts["handled"])


def transfer_rate(counts: Counts) -> float | None:
    """Transferred legs over answered legs (0..1)."""
    return ratio(counts["transfers"], counts["answered"])


def no_answer_rate(counts: Counts) -> float | None:
    """Offers that agents let ring over all offers (0..1); one leg can be several of each."""
    return ratio(counts["no_answers"], counts["offers"])


def connect_rate(counts: Counts) -> float | None:
    """Outbound: reached a person over dialed (0..1), both at the instant of dialing."""
    return ratio(counts["connected_live"], counts["dialed"])


def dialer_abandon_rate(counts: Counts) -> float | None:
    """Outbound: persons reached without an agent within 2 s over persons reached (0..1)."""
    return ratio(counts["dialer_abandoned"], counts["connected_live"])


def first_contact_resolution(counts: Counts) -> float | None:
    """Contacts not followed by another of the same customer within the window (0..1).

    Over contacts whose customer is known. Provisional while the window of the last is not over.
    """
    return ratio(
        counts["identified_contacts"] - counts["repeated_contacts"], counts["identified_contacts"]
    )


def average_handle_time_per_contact_ms(counts: Counts) -> float | None:
    """Agent time of all legs of a contact over contacts handled, milliseconds per contact."""
    return ratio(counts["contact_handle_ms"], counts["contacts_handled"])
