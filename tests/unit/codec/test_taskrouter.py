"""Twilio TaskRouter: forms, JSON and CloudEvents; moves from queue to queue; reservations."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from pipeline.codec.names import Names
from pipeline.codec.taskrouter import TaskrouterAdapter
from pipeline.domain.events import AgentState, customer_ref
from pipeline.domain.outcome import OutcomeKind
from tests.adapted import KEY, Adapted, adapt, an_origin, outcome, seconds

START = 1_772_445_600
NUMBER = "+4930123456789"


def an_event(kind: str, second: float, **changes: Any) -> dict[str, Any]:
    """Return the parameters of a callback, ``second`` after the start."""
    event = {
        "EventType": kind,
        "Sid": f"EV-{kind}-{second}",
        "AccountSid": "AC1",
        "WorkspaceSid": "WS1",
        "Timestamp": str(int(START + second)),
        "TimestampMs": str(int((START + second) * 1000)),
        "TaskSid": "WT1",
        "TaskAttributes": json.dumps({"from": NUMBER, "caller": NUMBER, "direction": "inbound"}),
        "TaskQueueSid": "WQ1",
        "TaskQueueName": "orders",
        "WorkerSid": "WK1",
        "WorkerName": "ann",
        "ReservationSid": "WR1",
    }
    return event | changes


A_CALL = [
    an_event("task-queue.entered", 0),
    an_event("task.created", 0.2),
    an_event("workflow.entered", 0.2),
    an_event("reservation.created", 5),
    an_event("reservation.accepted", 12),
    an_event("reservation.wrapup", 102),
    an_event("task.wrapup", 102),
    an_event("reservation.completed", 132),
    an_event("task.completed", 132),
]


def told(*documents: Any, names: Names | None = None) -> Adapted:
    return adapt(TaskrouterAdapter, documents, an_origin(names))


def test_a_call_is_followed_from_queue_to_wrap_up() -> None:
    found = told(*A_CALL)
    assert seconds(found.only) == (12, 90, 0, 30)
    assert list(found.facts) == [("WT1", 1, "orders")]
    assert found.only.offers == {((START + 5) * 1000, "ann")}
    assert found.only.customer_ref == customer_ref(KEY, NUMBER)
    assert "30123456789" not in str(found.calls)
    assert found.skipped == {"no_fact:task.created": 1, "no_fact:workflow.entered": 1}


def as_form(event: dict[str, Any]) -> bytes:
    return urlencode(event).encode()


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")


def as_cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    payload = {snake(name): value for name, value in event.items()}
    payload["eventtype"] = payload.pop("event_type")
    return {
        "specversion": "1.0",
        "type": f"com.twilio.taskrouter.{event['EventType']}",
        "id": "NO1",
        "data": {"sid": "EV1", "payload": payload, "payload_type": "application/json"},
    }


def test_a_form_json_and_a_cloud_event_say_the_same() -> None:
    plain = told(*A_CALL)
    assert told(*map(as_form, A_CALL)).calls == plain.calls
    assert told(*map(as_cloud_event, A_CALL)).calls == plain.calls
    assert told([as_cloud_event(event) for event in A_CALL]).calls == plain.calls
    as_text = [as_cloud_event(event) for event in A_CALL]
    for event in as_text:
        event["data"]["payload"] = json.dumps(event["data"]["payload"])
    assert told(*as_text).calls == plain.calls


@pytest.mark.parametrize("order", list(itertools.permutations(range(0, 9, 2)))[::11])
def test_the_same_facts_come_in_any_order_and_any_number_of_times(order: tuple[int, ...]) -> None:
    documents = [A_CALL[i] for i in order]
    plain, mixed = told(*(A_CALL[i] for i in sorted(order))), told(*documents, *documents)
    assert mixed.facts == plain.facts


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [("2026-03-02T10:00:05.250Z", ""), (str(START + 5), str(START * 1000 + 5250))],
)
def test_a_time_may_be_iso_or_epoch_and_milliseconds_are_preferred(
    timestamp: str, milliseconds: str
) -> None:
    event = an_event("task-queue.entered", 0, Timestamp=timestamp, TimestampMs=milliseconds)
    assert told(event).only.queued_at == START * 1000 + 5250


@pytest.mark.parametrize(("kind", "reason"), [("timeout", "timeout"), ("rejected", "rejected")])
def test_a_reservation_that_a_worker_did_not_take_is_an_offer_let_ring(
    kind: str, reason: str
) -> None:
    found = told(A_CALL[0], A_CALL[3], an_event(f"reservation.{kind}", 20))
    (missed,) = [e for e in found.calls if e.type == "ring_no_answer"]
    assert (missed.agent, missed.reason) == ("ann", reason)
    assert outcome(found.only).kind is OutcomeKind.WAITING


@pytest.mark.parametrize("kind", ["canceled", "rescinded", "failed"])
def test_a_reservation_that_was_taken_back_is_nobodys_fault(kind: str) -> None:
    nobody = {"WorkerSid": "", "WorkerName": ""}
    found = told(
        A_CALL[0],
        an_event(f"reservation.{kind}", 20),
        an_event(f"reservation.{kind}", 20, **nobody),
    )
    assert found.told == ["queued"]
    assert [e.state for e in found.states] == [AgentState.LOGGED_OUT]
    assert found.skipped == {f"no_fact:reservation.{kind}": 1}


def test_reservations_are_a_source_of_their_own_for_what_a_worker_is_in() -> None:
    activity = an_event("worker.activity.update", 0, WorkerActivityName="Available")
    found = told(activity, *A_CALL)
    assert [(e.source, e.state) for e in found.states] == [
        ("acd", AgentState.AVAILABLE),
        ("acd/reservations", AgentState.RINGING),
        ("acd/reservations", AgentState.ON_CONTACT),
        ("acd/reservations", AgentState.AFTER_CALL_WORK),
        ("acd/reservations", AgentState.LOGGED_OUT),
    ]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("hangup", OutcomeKind.ABANDONED),
        ("Caller hung up", OutcomeKind.ABANDONED),
        ("", OutcomeKind.ABANDONED),
        ("Task TTL Exceeded", OutcomeKind.FLOWED_OUT),
        ("redirected to voicemail", OutcomeKind.FLOWED_OUT),
        ("callback requested", OutcomeKind.CALLBACK),
    ],
)
def test_why_a_task_was_canceled_decides_what_it_was(reason: str, kind: OutcomeKind) -> None:
    found = told(A_CALL[0], an_event("task.canceled", 30, TaskCanceledReason=reason))
    assert outcome(found.only).kind is kind
    assert found.anomalies == {}


def test_a_cancel_reason_that_nobody_knows_is_an_abandon_and_counted_but_not_passed_on() -> None:
    found = told(A_CALL[0], an_event("task.canceled", 30, TaskCanceledReason=f"about {NUMBER}"))
    assert outcome(found.only).kind is OutcomeKind.ABANDONED
    assert found.anomalies == {"unknown_cancel_reason": 1}
    assert NUMBER not in str(found.calls)


SECOND_QUEUE = {"TaskQueueSid": "WQ2", "TaskQueueName": "billing"}


@pytest.mark.parametrize(
    ("leaving", "reason"),
    [
        ([], "moved"),
        ([an_event("task-queue.timeout", 30)], "timeout"),
        ([an_event("task-queue.moved", 30)], "moved"),
        ([an_event("task-queue.moved", 30, **SECOND_QUEUE)], "moved"),
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_a_move_flows_out_of_one_queue_and_is_a_leg_in_the_next(
    leaving: list[dict[str, Any]],
    reason: str,
    is_late: bool,  # noqa: FBT001
) -> None:
    entered = an_event("task-queue.entered", 30, **SECOND_QUEUE)
    moves = [entered, *leaving] if is_late else [*leaving, entered]
    found = told(A_CALL[0], *moves, an_event("reservation.accepted", 40, **SECOND_QUEUE))
    first, second = outcome(found.of("orders")), outcome(found.of("billing"))
    assert (first.kind, first.wait_ms) == (OutcomeKind.FLOWED_OUT, 30_000)
    assert (second.kind, second.wait_ms) == (OutcomeKind.ANSWERED, 10_000)
    assert found.of("orders").flowed_out == ((START + 30) * 1000, min(reason, "moved"))


def test_coming_back_to_a_queue_is_another_leg_of_it() -> None:
    found = told(
        A_CALL[0],
        an_event("task-queue.entered", 30, **SECOND_QUEUE),
        an_event("task-queue.entered", 60),
        an_event("reservation.accepted", 70),
    )
    assert sorted(found.facts) == [
        ("WT1", 1, "billing"),
        ("WT1", 1, "orders"),
        ("WT1", 2, "orders"),
    ]
    assert outcome(found.facts["WT1", 2, "orders"]).wait_ms == 10_000
    assert outcome(found.facts["WT1", 1, "orders"]).kind is OutcomeKind.FLOWED_OUT


def test_a_workflow_that_gives_up_flows_out_though_the_task_is_canceled_next() -> None:
    found = told(
        A_CALL[0],
        an_event("workflow.timeout", 30),
        an_event("task.canceled", 30, TaskCanceledReason="hangup"),
    )
    assert outcome(found.only).kind is OutcomeKind.FLOWED_OUT


@pytest.mark.parametrize(
    ("mode", "to", "label"),
    [
        ("COLD", "WQ2", "blind:queue:billing"),
        ("WARM", "WK2", "attended:agent:bob"),
        ("", "", "blind:unknown"),
    ],
)
def test_a_completed_transfer_has_a_kind_and_a_target(mode: str, to: str, label: str) -> None:
    seen = an_event(
        "reservation.created", 1, TaskSid="WT9", WorkerSid="WK2", WorkerName="bob", **SECOND_QUEUE
    )
    handed = an_event("task.transfer-completed", 60, TransferMode=mode, TransferTo=to)
    found = told(seen, *A_CALL[:5], handed)
    assert found.of("orders").transferred == ((START + 60) * 1000, label)


@pytest.mark.parametrize(
    ("activity", "state", "reason"),
    [
        ("Available", AgentState.AVAILABLE, None),
        ("Offline", AgentState.LOGGED_OUT, None),
        ("Lunch", AgentState.MEAL, "Lunch"),
        ("Zen", AgentState.OTHER, "Zen"),
    ],
)
def test_an_activity_is_the_state_that_its_name_stands_for(
    activity: str, state: AgentState, reason: str | None
) -> None:
    event = an_event("worker.activity.update", 0, WorkerActivityName=activity)
    (found,) = told(event, names=Names(states={"lunch": AgentState.MEAL})).states
    assert (found.agent, found.state, found.reason) == ("ann", state, reason)


def test_names_are_mapped_by_sid_and_learned_from_earlier_events() -> None:
    bare = an_event("reservation.accepted", 12, TaskQueueName="", WorkerName="")
    seen = an_event("reservation.created", 5)
    assert told(A_CALL[0], seen, bare).of("orders").answered == ((START + 12) * 1000, "ann")
    names = Names(queues={"WQ1": "Bestellungen"}, agents={"WK1": "Anna"})
    found = told(A_CALL[0], bare, names=names)
    assert found.of("Bestellungen").answered == ((START + 12) * 1000, "Anna")


@pytest.mark.parametrize("attributes", ["{", "[1]", '{"from": 5}', "", '{"from": "client:bob"}'])
def test_attributes_without_a_number_give_no_reference(attributes: str) -> None:
    found = told(an_event("task-queue.entered", 0, TaskAttributes=attributes))
    assert found.only.customer_ref is None
    assert found.anomalies == ({"bad_task_attributes": 1} if attributes == "{" else {})


def test_of_an_outbound_task_the_customer_is_who_was_called() -> None:
    attributes = {"direction": "outbound", "from": "+18005550100", "to": NUMBER}
    event = an_event("task-queue.entered", 0, TaskAttributes=attributes)
    assert told(event).only.customer_ref == customer_ref(KEY, NUMBER)


def test_unknown_events_are_counted_and_what_lacks_a_part_is_rejected() -> None:
    nowhere = {"TaskQueueSid": "", "TaskQueueName": ""}
    found = told(
        an_event("task.teleported", 0),
        an_event("worker.capacity.update", 0),
        an_event("task-queue.created", 0),
        an_event("task-queue.entered", 0, TaskSid=""),
        an_event("task-queue.entered", 0, **nowhere),
        an_event("task-queue.entered", 0, Timestamp="", TimestampMs=""),
        {"EventType": None},
        b"Sid=%FF&EventType=task.canceled",
        b"hello",
        {
            "specversion": "1.0",
            "type": "com.twilio.taskrouter.task.canceled",
            "data": {"payload": 5},
        },
        {"specversion": "1.0", "type": "com.twilio.voice.call", "data": {}},
    )
    assert found.calls == []
    assert [r.reason for r in found.rejected] == [
        *("missing_field",) * 4,
        *("malformed_form", "malformed_json", "wrong_type"),
    ]
    assert found.skipped == {
        "unknown_event:task.teleported": 1,
        "no_fact:worker.capacity.update": 1,
        "no_fact:task-queue.created": 1,
        "unknown_event:com.twilio.voice.call": 1,
    }


def test_an_event_whose_entry_was_lost_still_finds_its_queue() -> None:
    found = told(A_CALL[4])
    assert found.of("orders").answered == ((START + 12) * 1000, "ann")


def test_no_more_tasks_are_known_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.codec.taskrouter.MOST_TASKS", 2)
    found = told(*(an_event("task-queue.entered", 0, TaskSid=f"WT{i}") for i in range(5)))
    assert found.anomalies == {"task_forgotten": 3}
    assert len(found.facts) == 5


def test_a_task_that_loops_for_ever_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.codec.taskrouter.MOST_ENTRIES", 3)
    found = told(*(an_event("task-queue.entered", i) for i in range(5)))
    assert [r.reason for r in found.rejected] == ["too_many_entries"] * 2
