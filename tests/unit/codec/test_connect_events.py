"""Amazon Connect contact events: best effort, repeated, in no order, and yet one story."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pipeline.codec.connect_contact import leg_number
from pipeline.codec.connect_events import ConnectContactEventAdapter
from pipeline.domain.events import customer_ref
from pipeline.domain.outbound import dial
from pipeline.domain.outcome import OutcomeKind
from tests.adapted import KEY, adapt, outcome, seconds

ARN = "arn:aws:connect:eu-central-1:1:instance/i"
NUMBER = "+4930123456789"
QUEUE = {"queueArn": f"{ARN}/queue/q1", "queueType": "STANDARD"}
AGENT = {"agentArn": f"{ARN}/agent/a1", "connectedToAgentTimestamp": "2026-03-02T10:00:30.500Z"}
LEG = ("c-1", 1, f"{ARN}/queue/q1")


def at(time: str) -> str:
    return f"2026-03-02T{time}Z"


def an_event(kind: str, time: str, **changes: Any) -> dict[str, Any]:
    detail = {
        "eventType": kind,
        "contactId": "c-1",
        "channel": "VOICE",
        "initiationMethod": "INBOUND",
        "initiationTimestamp": at("10:00:00"),
        "customerEndpoint": {"type": "TELEPHONE_NUMBER", "address": NUMBER},
    }
    return {
        "version": "0",
        "id": f"{kind}-{time}",
        "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect",
        "time": at(time),
        "detail": detail | changes,
    }


def a_call(**changes: Any) -> list[dict[str, Any]]:
    """Return a call that waited 20 s, was talked to for 90 s and wrapped up for 10 s."""
    queue = QUEUE | {"enqueueTimestamp": at("10:00:10.500")}
    wrapped = AGENT | {
        "afterContactWorkStartTimestamp": at("10:02:00.500"),
        "afterContactWorkEndTimestamp": at("10:02:10.500"),
    }
    ends = {"disconnectTimestamp": at("10:02:00.500"), "disconnectReason": "CUSTOMER_DISCONNECT"}
    return [
        an_event("INITIATED", "10:00:00", **changes),
        an_event("QUEUED", "10:00:10", queueInfo=queue, **changes),
        an_event("CONNECTED_TO_AGENT", "10:00:30", queueInfo=queue, agentInfo=AGENT, **changes),
        an_event("DISCONNECTED", "10:02:00", queueInfo=queue, agentInfo=AGENT, **ends, **changes),
        an_event("COMPLETED", "10:02:10", queueInfo=queue, agentInfo=wrapped, **ends, **changes),
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_a_call_has_the_same_facts_in_any_order_and_any_number_of_times(
    order: tuple[int, ...],
) -> None:
    plain = adapt(ConnectContactEventAdapter, a_call())
    assert seconds(plain.only) == (20, 90, 0, 10)
    documents = [a_call()[i] for i in order]
    mixed = adapt(ConnectContactEventAdapter, documents + documents)
    assert mixed.facts == plain.facts
    assert {e.event_id for e in mixed.calls} == {e.event_id for e in plain.calls}


@pytest.mark.parametrize("lost", range(5))
def test_what_a_lost_event_said_a_later_one_says_too(lost: int) -> None:
    documents = a_call()
    del documents[lost]
    found = adapt(ConnectContactEventAdapter, documents)
    assert seconds(found.only)[:3] == (20, 90, 0)
    assert seconds(found.only)[3] == (0 if lost == 4 else 10)


def test_an_event_is_taken_bare_too_with_fields_in_the_case_of_the_documentation() -> None:
    event = {
        "EventType": "QUEUED",
        "ContactId": "c-1",
        "InitiationMethod": "INBOUND",
        "QueueInfo": {"ARN": f"{ARN}/queue/q1", "EnqueueTimestamp": at("10:00:10")},
    }
    assert list(adapt(ConnectContactEventAdapter, [event]).facts) == [LEG]


def test_without_times_of_its_own_the_envelopes_time_stands() -> None:
    bare = {"agentArn": f"{ARN}/agent/a1"}
    documents = [
        an_event("QUEUED", "10:00:10", queueInfo=QUEUE),
        an_event("CONNECTED_TO_AGENT", "10:00:30", queueInfo=QUEUE, agentInfo=bare),
        an_event("DISCONNECTED", "10:01:30", queueInfo=QUEUE, agentInfo=bare),
    ]
    assert seconds(adapt(ConnectContactEventAdapter, documents).only) == (20, 60, 0, 0)


def test_holds_are_told_as_one() -> None:
    held = AGENT | {"agentInitiatedHoldDuration": 15}
    documents = [*a_call()[:3], an_event("DISCONNECTED", "10:02:00.500", agentInfo=held)]
    assert seconds(adapt(ConnectContactEventAdapter, documents).only) == (20, 75, 15, 0)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("CUSTOMER_DISCONNECT", OutcomeKind.ABANDONED),
        ("CONTACT_FLOW_DISCONNECT", OutcomeKind.FLOWED_OUT),
    ],
)
def test_who_ends_a_wait_decides_what_it_was(reason: str, kind: OutcomeKind) -> None:
    gone = an_event("DISCONNECTED", "10:00:40.500", queueInfo=QUEUE, disconnectReason=reason)
    found = outcome(adapt(ConnectContactEventAdapter, [a_call()[1], gone]).only)
    assert (found.kind, found.wait_ms) == (kind, 30_000)


def test_a_caller_who_never_queued_abandons_before_the_queue() -> None:
    gone = an_event("DISCONNECTED", "10:00:05", disconnectReason="CUSTOMER_DISCONNECT")
    found = adapt(ConnectContactEventAdapter, [gone])
    assert found.only.before_queue is not None
    assert found.only.customer_ref == customer_ref(KEY, NUMBER)


def successor(kind: str, method: str, time: str) -> dict[str, Any]:
    return an_event(
        kind,
        time,
        contactId="c-2",
        initialContactId="c-1",
        previousContactId="c-1",
        initiationMethod=method,
        initiationTimestamp=at(time),
        queueInfo={"queueArn": f"{ARN}/queue/q2", "enqueueTimestamp": at(time)},
    )


@pytest.mark.parametrize(
    ("method", "kind"),
    [("QUEUE_TRANSFER", OutcomeKind.FLOWED_OUT), ("CALLBACK", OutcomeKind.CALLBACK)],
)
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_what_comes_next_says_what_became_of_a_wait_in_any_order(
    method: str, kind: OutcomeKind, order: tuple[int, ...]
) -> None:
    documents = [
        a_call()[1],
        an_event(
            "DISCONNECTED", "10:00:41", queueInfo=QUEUE, disconnectReason="CUSTOMER_DISCONNECT"
        ),
        successor("INITIATED", method, "10:00:40.500"),
        successor("QUEUED", method, "10:00:40.500"),
    ]
    found = adapt(ConnectContactEventAdapter, [documents[i] for i in order])
    first = outcome(found.of(f"{ARN}/queue/q1"))
    assert (first.kind, first.wait_ms) == (kind, 30_000)
    legs = {leg[:2] for leg in found.facts}
    assert legs == {("c-1", 1), ("c-1", leg_number("c-2", "c-1"))}


def test_an_agents_transfer_names_the_queue_it_went_to() -> None:
    documents = [*a_call(), successor("QUEUED", "TRANSFER", "10:01:50")]
    found = adapt(ConnectContactEventAdapter, documents).of(f"{ARN}/queue/q1")
    assert found.transferred is not None
    assert found.transferred[1] == f"blind:queue:{ARN}/queue/q2"


def test_a_campaign_call_waits_for_its_queue_to_be_told() -> None:
    api = {"initiationMethod": "API", "connectedToSystemTimestamp": at("10:00:05")}
    human = api | {"answeringMachineDetectionStatus": "HUMAN_ANSWERED"}
    documents = [
        an_event("INITIATED", "10:00:00", **api),
        an_event("CONNECTED_TO_SYSTEM", "10:00:05", **human),
        *(document | {"detail": document["detail"] | api} for document in a_call()[1:]),
    ]
    found = adapt(ConnectContactEventAdapter, documents)
    attempt = dial(found.only)
    assert attempt is not None
    assert (attempt.is_live, attempt.is_answered, attempt.is_abandoned) == (True, True, True)


@pytest.mark.parametrize("is_ended", [True, False])
def test_a_call_that_an_agent_dialed_is_in_no_queue(is_ended: bool) -> None:  # noqa: FBT001
    own = {"initiationMethod": "OUTBOUND"}
    machine = own | {"answeringMachineDetectionStatus": "VOICEMAIL_BEEP"}
    documents = [
        an_event("INITIATED", "10:00:00", **own),
        an_event("CONNECTED_TO_SYSTEM", "10:00:05", **machine),
        *[an_event("DISCONNECTED", "10:00:30", **own)] * is_ended,
    ]
    found = adapt(ConnectContactEventAdapter, documents)
    assert list(found.facts) == [("c-1", 1, "unqueued")]
    assert found.only.connected is not None
    assert found.only.connected[1] == "machine"
    assert (found.only.ended is not None) == is_ended


def test_nobody_picked_up_is_no_connection() -> None:
    own = {"initiationMethod": "OUTBOUND", "answeringMachineDetectionStatus": "SIT_TONE_BUSY"}
    documents = [an_event(k, "10:00:00", **own) for k in ("INITIATED", "CONNECTED_TO_SYSTEM")]
    found = adapt(ConnectContactEventAdapter, documents)
    assert found.only.connected is None
    assert found.skipped == {"no_fact:CONNECTED_TO_SYSTEM": 1}


def test_events_that_say_nothing_of_a_leg_are_counted_by_kind() -> None:
    documents = [
        an_event("INITIATED", "10:00:00"),
        an_event("CONTACT_DATA_UPDATED", "10:00:01"),
        an_event("BRAND_NEW", "10:00:02"),
        an_event("QUEUED", "10:00:03", initiationMethod="MONITOR"),
        an_event("QUEUED", "10:00:03") | {"detail-type": "Contact Lens Post Call Rules Matched"},
    ]
    found = adapt(ConnectContactEventAdapter, documents)
    assert found.calls == []
    assert found.skipped == {
        "no_fact:INITIATED": 1,
        "no_fact:CONTACT_DATA_UPDATED": 1,
        "unknown_event:BRAND_NEW": 1,
        "monitor": 1,
        "detail_type:Contact Lens Post Call Rules Matched": 1,
    }


@pytest.mark.parametrize("kind", ["QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED"])
def test_an_event_without_any_time_is_rejected(kind: str) -> None:
    event = an_event(kind, "10:00:00", queueInfo=QUEUE)
    del event["time"]
    (rejected,) = adapt(ConnectContactEventAdapter, [event]).rejected
    assert rejected.reason == "missing_field"


def test_no_more_contacts_are_known_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.codec.connect_events.MOST_KNOWN", 2)
    own = {"initiationMethod": "OUTBOUND"}
    documents = [an_event("INITIATED", "10:00:00", contactId=f"c-{i}", **own) for i in range(5)]
    found = adapt(ConnectContactEventAdapter, documents)
    assert found.anomalies == {"contact_forgotten": 3, "dialing_forgotten": 3}
    assert len(found.facts) == 5


def test_what_is_said_of_a_contact_that_never_shows_is_counted() -> None:
    document = successor("INITIATED", "CALLBACK", "10:00:40.500")
    found = adapt(ConnectContactEventAdapter, [document])
    assert (found.calls, found.anomalies) == ([], {"predecessor_unseen": 1})
