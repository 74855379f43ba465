"""When machines failed: incidents of telephony, network, power or systems, and what they cost.

An incident says that something failed, not how much of it. In a quarter hour in which calls were
answered, at least that share of it calls could be: so much is not blamed on the fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.domain.incident import Cause, Incident, IncidentKind
from pipeline.lake.queue_day import Quarter

_KINDS: Final = frozenset(
    {
        IncidentKind.TELEPHONY,
        IncidentKind.NETWORK,
        IncidentKind.POWER,
        IncidentKind.CLIENT_SYSTEM,
        IncidentKind.OUR_SYSTEM,
    }
)
"""Faults of machines, where an incident names no cause itself."""
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault within the window, ``[start_ms, end_ms)``."""

    name: str
    kind: IncidentKind
    start_ms: int
    end_ms: int


def faults_of(incidents: Iterable[Incident], window: Span, notes: list[str]) -> list[Fault]:
    """Return the faults of machines within a window; what lasts still lasts to its end."""
    found = []
    for incident in incidents:
        is_machine = incident.cause is Cause.MACHINE
        if is_machine or (incident.cause is None and incident.kind in _KINDS):
            start = max(window[0], incident.start_ms)
            end = window[1] if incident.end_ms is None else min(window[1], incident.end_ms)
            if start < end:
                found.append(Fault(incident.incident_id, incident.kind, start, end))
    if found:
        listed = ", ".join(f"{fault.name} ({fault.kind})" for fault in found)
        notes.append(f"faults: {listed}; while one lasted nobody is taken to be answered,")
        notes[-1] += " but for the share that was"
    return found


def clear_of(span: Span, faults: Sequence[Fault]) -> list[Span]:
    """Return the parts of a span without a fault, ascending."""
    found, at = [], span[0]
    for fault in sorted(faults, key=lambda fault: fault.start_ms):
        start, end = max(span[0], fault.start_ms), min(span[1], fault.end_ms)
        if start >= end:
            continue
        if start > at:
            found.append((at, start))
        at = max(at, end)
    if at < span[1]:
        found.append((at, span[1]))
    return found


def up_of(span: Span, faults: Sequence[Fault], quarter: Quarter | None) -> float:
    """Return the share of a span in which calls could be answered, as far as is known."""
    clear = sum(end - start for start, end in clear_of(span, faults)) / (span[1] - span[0])
    if clear == 1 or quarter is None or not quarter.counts["offered"]:
        return clear
    return max(clear, min(1.0, quarter.counts["answered"] / quarter.counts["offered"]))
