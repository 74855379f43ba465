"""One session of a Genesys Cloud conversation: who, where, and the spans that its segments make."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from pipeline.codec.json_document import Part

_NOT_HANDLING: Final = frozenset({"monitoring", "coaching", "barging"})
"""Segments of a supervisor in somebody else's conversation: none of it is handling."""
_TALK: Final = frozenset({"interact", "hold", "parked"})
_WAITS_LATER: Final = frozenset({"scheduled", "delay"})
"""Segments before a callback is due: nobody waits yet."""
_DIALS: Final = frozenset({"dialing", "contacting"})
_SIGHT_ONLY: Final = frozenset({"cobrowse", "screenshare", "screenmonitoring"})
_AGENTS: Final = frozenset({"agent", "user"})
_CUSTOMERS: Final = frozenset({"customer", "external"})

Span = tuple[int, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What counts of a session; instants are epoch milliseconds, None what is not known."""

    place: tuple[int, int]
    """Which participant, and which of its sessions."""
    purpose: str
    user: str
    media: str
    is_outbound: bool
    is_first_party: bool
    """Whether it is the customer's: the first customer or external participant."""
    campaign: str
    queue: str
    begins: int | None
    ends: int | None
    created: int | None
    """When it began, the time before a callback is due included."""
    alerts: tuple[int, ...]
    let_ring: int | None
    """When the agent had let it ring."""
    talked: int | None
    """When talk began."""
    left: int | None
    """When talk and hold were over."""
    holds: tuple[Span, ...]
    wrapup: Span | None
    dialed: int | None
    disconnect: str
    flow_out: str
    disposition: str
    ani: str
    dnis: str
    destination: str
    metrics: dict[str, tuple[int, int | None]]
    """Name to value (milliseconds, or a count) and the instant it was written down."""

    @property
    def is_agent(self) -> bool:
        """Say whether it is an agent's."""
        return self.purpose in _AGENTS

    def metric(self, *names: str) -> int | None:
        """Return the value of the first of some metrics that the session has."""
        return next((self.metrics[name][0] for name in names if name in self.metrics), None)


@dataclass(frozen=True, slots=True)
class _Segment:
    kind: str
    start: int
    end: int | None
    queue: str
    disconnect: str


def sessions(record: Part, anomalies: Counter[str]) -> list[Session]:
    """Return the sessions of a conversation, but those that only watch or listen in."""
    found: list[Session] = []
    has_customer = False
    for i, participant in enumerate(record.parts("participants")):
        purpose = participant.text("purpose").lower()
        is_first_party = purpose in _CUSTOMERS and not has_customer
        has_customer |= is_first_party
        for k, part in enumerate(participant.parts("sessions")):
            segments = _segments(part, anomalies)
            if part.text("mediaType").lower() in _SIGHT_ONLY:
                continue
            if any(segment.kind in _NOT_HANDLING for segment in segments):
                anomalies["listened_in"] += 1
                continue
            who = (purpose, participant.text("userId"), is_first_party)
            found.append(_session(part, segments, (i, k), who))
    return found


def _segments(part: Part, anomalies: Counter[str]) -> list[_Segment]:
    """Return the segments of a session in order of time."""
    found = []
    for segment in part.parts("segments"):
        start = segment.instant("segmentStart")
        if start is None:
            anomalies["segment_without_start"] += 1
            continue
        end = segment.instant("segmentEnd")
        if end is not None and end < start:
            anomalies["time_backwards"] += 1
        kind, queue = segment.text("segmentType").lower(), segment.text("queueId")
        found.append(_Segment(kind, start, end, queue, segment.text("disconnectType")))
    return sorted(found, key=lambda s: (s.start, s.end is None, s.end or 0))


def _session(
    part: Part, segments: list[_Segment], place: tuple[int, int], who: tuple[str, str, bool]
) -> Session:
    metrics = {m.text("name"): (_value(m), m.instant("emitDate")) for m in part.parts("metrics")}
    alerts = [s for s in segments if s.kind == "alert"]
    talks = [s for s in segments if s.kind in _TALK]
    talked = next((s.start for s in talks if s.kind == "interact"), None)
    wraps = [s for s in segments if s.kind == "wrapup"]
    due = [s for s in segments if s.kind not in _WAITS_LATER]
    ends = [s.end for s in segments]
    is_over = bool(talks) and all(s.end is not None for s in talks)
    return Session(
        place=place,
        purpose=who[0],
        user=who[1],
        media=part.text("mediaType").lower(),
        is_outbound=part.text("direction").lower() == "outbound",
        is_first_party=who[2],
        campaign=part.text("outboundCampaignId"),
        queue=next((s.queue for s in segments if s.queue), ""),
        begins=due[0].start if due else None,
        ends=max((end for end in ends if end is not None), default=None) if all(ends) else None,
        created=segments[0].start if segments else None,
        alerts=tuple(s.start for s in alerts),
        let_ring=_let_ring(alerts, metrics),
        talked=talked,
        left=max(s.end or 0 for s in talks) if is_over else None,
        holds=tuple((s.start, s.end) for s in segments if s.kind == "hold"),
        wrapup=(wraps[0].start, wraps[-1].end) if wraps else None,
        dialed=next((s.start for s in segments if s.kind in _DIALS), None),
        disconnect=next((s.disconnect for s in reversed(segments) if s.disconnect), ""),
        flow_out=part.text("flowOutType"),
        disposition=part.text("dispositionName").lower(),
        ani=_address(part.get("ani")),
        dnis=_address(part.get("dnis")),
        destination=_address(part.get("destinationAddresses")),
        metrics=metrics,
    )


def _value(metric: Part) -> int:
    return metric.length_ms("value", unit_ms=1) or 0


def _let_ring(alerts: list[_Segment], metrics: dict[str, tuple[int, int | None]]) -> int | None:
    """Return when an agent had let a conversation ring; None: not so."""
    found = metrics.get("tNotResponding")
    if found is None:
        return None
    if not alerts:
        return found[1]
    return alerts[-1].start + found[0] if alerts[-1].end is None else alerts[-1].end


def _address(value: object) -> str:
    # Looked at with care: no message may show what stands here.
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""
