"""Hypothesis strategies for call events and for the logs that carry them."""

from __future__ import annotations

from hypothesis import strategies as st

from pipeline.domain.events import BEFORE_QUEUE, CallEvent, EventType, Rejected
from pipeline.domain.fold import Record
from tests.factories import NOON, an_event

SECOND = 1000
HOUR = 3_600_000

# Few distinct instants, some equal, some at a threshold or pane edge, some hours apart.
instants = st.one_of(
    st.integers(0, 90).map(lambda s: s * SECOND),
    st.sampled_from([0, 1, 19_999, 20_000, 20_001, 29_999, 30_000, 5_000, 5_001]),
    st.integers(0, 20 * 12).map(lambda n: n * HOUR // 12),
)


@st.composite
def call_events(draw: st.DrawFn) -> CallEvent:
    """Draw one event of one of a few legs, at an instant that suits a test."""
    kind = draw(st.sampled_from(list(EventType)))
    fields: dict[str, object] = {
        "contact_id": draw(st.sampled_from(["c1", "c2", "c3"])),
        "queue": draw(st.sampled_from(["service", "service", "orders"])),
        "source": draw(st.sampled_from(["acd", "acd", "ivr"])),
    }
    if kind in {EventType.OFFERED, EventType.RING_NO_ANSWER, EventType.ANSWERED}:
        fields["agent"] = draw(st.sampled_from(["ann", "bob"]))
    if kind in {EventType.HOLD_STARTED, EventType.HOLD_ENDED}:
        fields["hold_seq"] = draw(st.integers(1, 2))
    if kind is EventType.ABANDONED:
        fields["reason"] = draw(st.sampled_from([None, BEFORE_QUEUE]))
    if kind is EventType.ENDED:
        fields["reason"] = draw(st.sampled_from([None, "agent", "caller"]))
    return an_event(kind, draw(instants), **fields)


@st.composite
def logs(draw: st.DrawFn, *, min_size: int = 1, max_size: int = 60) -> list[Record]:
    """Draw a partition's log: disorder, repeats, late events, fast clocks and bad records.

    Most events are in rough order of time; append times never go back, as a broker's do not.
    """
    events = draw(st.lists(call_events(), min_size=min_size, max_size=max_size))
    if draw(st.booleans()):
        jitter = draw(st.integers(0, 3 * HOUR))
        order = draw(st.permutations(range(len(events))))
        events = [
            event
            for _, _, event in sorted(
                (e.occurred_at_ms + (order[i] * jitter) // (len(events) or 1), i, e)
                for i, e in enumerate(events)
            )
        ]
    repeats = draw(st.lists(st.integers(0, len(events) - 1), max_size=5))
    records: list[CallEvent | Rejected] = list(events)
    for source in repeats:
        records.insert(draw(st.integers(0, len(records))), events[source])
    if draw(st.booleans()):
        bad = Rejected(reason="malformed_json", message="no", raw=b"{")
        records.insert(draw(st.integers(0, len(records))), bad)
    appended = NOON + draw(st.sampled_from([0, 10 * HOUR, 30 * HOUR]))
    log: list[Record] = []
    for offset, record in enumerate(records):
        appended += draw(st.sampled_from([0, 0, 10, 1000, 61_000]))
        log.append((offset, appended, record))
    return log


@st.composite
def one_leg_logs(draw: st.DrawFn) -> list[Record]:
    """Draw the log of one queued leg whose outcome and completion change again and again."""
    kinds = [
        *(EventType.ANSWERED, EventType.ENDED, EventType.ABANDONED, EventType.FLOWED_OUT),
        *(EventType.WRAPUP_STARTED, EventType.WRAPUP_ENDED, EventType.QUEUED),
    ]
    events = [
        an_event(draw(st.sampled_from(kinds)), draw(st.integers(0, 90)) * SECOND)
        for _ in range(draw(st.integers(1, 12)))
    ]
    return [
        (offset, NOON + HOUR, event)
        for offset, event in enumerate([an_event("queued", 0), *events])
    ]


cuts = st.lists(st.integers(1, 7), min_size=1, max_size=12)
"""Chunk sizes, used in a cycle."""
