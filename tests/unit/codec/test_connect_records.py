"""Amazon Connect contact records: the newest copy stands, and Connect's durations come out."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from pipeline.codec.adapter import Origin
from pipeline.codec.connect_contact import leg_number
from pipeline.codec.connect_records import ConnectRecordAdapter
from pipeline.codec.names import Names
from pipeline.domain.events import customer_ref
from pipeline.domain.outbound import dial
from pipeline.domain.outcome import OutcomeKind
from tests.adapted import KEY, adapt, an_origin, outcome, seconds

ARN = "arn:aws:connect:eu-central-1:1:instance/i"
NUMBER = "+4930123456789"


def at(time: str) -> str:
    return f"2026-03-02T{time}Z"


def a_record(**changes: Any) -> dict[str, Any]:
    """Return a call that waited 40 s, talked 180 s, was held 20 s and wrapped up for 30 s."""
    record: dict[str, Any] = {
        "ContactId": "c-1",
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": at("10:00:00"),
        "ConnectedToSystemTimestamp": at("10:00:00"),
        "DisconnectTimestamp": at("10:04:40"),
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "LastUpdateTimestamp": at("10:06:00"),
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": NUMBER},
        "Queue": {
            "ARN": f"{ARN}/queue/q1",
            "Name": "orders",
            "EnqueueTimestamp": at("10:00:40"),
            "DequeueTimestamp": at("10:01:20"),
            "Duration": 40,
        },
        "Agent": {
            "ARN": f"{ARN}/agent/a1",
            "Username": "ann",
            "ConnectedToAgentTimestamp": at("10:01:20"),
            "AgentInteractionDuration": 180,
            "CustomerHoldDuration": 20,
            "NumberOfHolds": 2,
            "AfterContactWorkStartTimestamp": at("10:04:40"),
            "AfterContactWorkEndTimestamp": at("10:05:10"),
            "AfterContactWorkDuration": 30,
        },
    }
    return record | changes


def an_unanswered(**changes: Any) -> dict[str, Any]:
    return a_record(Agent=None) | changes


def test_connects_own_durations_come_out() -> None:
    found = adapt(ConnectRecordAdapter, [a_record()])
    assert seconds(found.only) == (40, 180, 20, 30)
    assert found.only.answered is not None
    assert found.only.answered[1] == "ann"


def test_interaction_excludes_hold_and_ends_before_an_external_party_hangs_up() -> None:
    record = a_record(
        DisconnectTimestamp=at("11:00:00"),
        TransferCompletedTimestamp=at("10:04:40"),
        TransferredToEndpoint={"Type": "TELEPHONE_NUMBER", "Address": "+18005550100"},
    )
    found = adapt(ConnectRecordAdapter, [record])
    assert seconds(found.only) == (40, 180, 20, 30)
    assert found.only.transferred is not None
    kind, _, target = found.only.transferred[1].partition(":")
    assert (kind, target[:9]) == ("blind", "external:")
    assert "5550100" not in target


def test_whole_seconds_of_two_clocks_may_differ_by_one() -> None:
    record = a_record()
    record["Agent"]["ConnectedToAgentTimestamp"] = at("10:01:21")
    assert seconds(adapt(ConnectRecordAdapter, [record]).only) == (40, 180, 20, 30)


def test_an_answer_long_after_the_queue_is_counted_as_odd_and_believed() -> None:
    record = a_record()
    record["Agent"]["ConnectedToAgentTimestamp"] = at("10:01:30")
    found = adapt(ConnectRecordAdapter, [record])
    assert seconds(found.only)[0] == 50
    assert found.anomalies == {"dequeued_apart_from_answer": 1}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_newest_copy_stands_in_any_order(order: tuple[int, ...]) -> None:
    copies = [
        a_record(LastUpdateTimestamp=at("10:06:00"), DisconnectReason="OTHER"),
        a_record(LastUpdateTimestamp=at("12:00:00"), DisconnectReason="TELECOM_PROBLEM"),
        a_record(LastUpdateTimestamp=at("11:00:00"), DisconnectReason="OTHER"),
    ]
    found = adapt(ConnectRecordAdapter, [copies[i] for i in order])
    assert found.only.ended is not None
    assert found.only.ended[1] == "telecom_problem"
    assert found.skipped == {"superseded": 2}


def test_a_copy_that_says_nothing_new_is_counted_and_not_told_again() -> None:
    once, twice = (adapt(ConnectRecordAdapter, [a_record()] * n) for n in (1, 2))
    assert once.calls == twice.calls
    assert twice.skipped == {"repeated": 1}


def test_two_copies_of_one_second_stand_alike_in_any_order() -> None:
    copies = [a_record(), a_record(DisconnectReason="OTHER")]
    one, other = (adapt(ConnectRecordAdapter, order) for order in (copies, copies[::-1]))
    assert one.calls == other.calls


def test_a_record_that_grows_after_delivery_repeats_its_facts_with_their_ids() -> None:
    early = a_record()
    early["Agent"] = {
        k: v for k, v in early["Agent"].items() if not k.startswith("AfterContactWork")
    }
    late = a_record(LastUpdateTimestamp=at("12:00:00"))
    adapter = ConnectRecordAdapter(an_origin(), most_held=1)
    others = [a_record(ContactId=f"other-{i}") for i in range(2)]
    found = adapt(lambda _: adapter, [early, others[0], late, others[1]])
    assert found.anomalies == {"grew_after_delivery": 1}
    own = [e for e in found.calls if e.contact_id == "c-1"]
    assert sorted({e.type for e in own}) == sorted(
        {e.type for e in adapt(ConnectRecordAdapter, [late]).calls}
    )
    for kind in ("queued", "answered", "ended"):
        assert len({e.event_id for e in own if e.type == kind}) == 1
    assert seconds(next(f for leg, f in found.facts.items() if leg[0] == "c-1"))[3] == 30


def test_no_more_contacts_are_held_than_fit() -> None:
    adapter = ConnectRecordAdapter(an_origin(), most_held=3)
    found = adapt(lambda _: adapter, [a_record(ContactId=f"c-{i}") for i in range(10)])
    assert len(found.facts) == 10
    assert len(adapter._held) == 0


@pytest.mark.parametrize("method", ["MONITOR", "EXTERNAL_OUTBOUND"])
def test_a_leg_that_only_listens_or_was_called_in_is_not_handled(method: str) -> None:
    found = adapt(ConnectRecordAdapter, [a_record(InitiationMethod=method)])
    assert (found.calls, found.skipped) == ([], {method.lower(): 1})


def test_an_unknown_method_is_used_and_counted() -> None:
    found = adapt(ConnectRecordAdapter, [a_record(InitiationMethod="PIGEON")])
    assert seconds(found.only) == (40, 180, 20, 30)
    assert found.anomalies == {"unknown_initiation_method:PIGEON": 1}


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("CUSTOMER_DISCONNECT", OutcomeKind.ABANDONED),
        (None, OutcomeKind.ABANDONED),
        ("CONTACT_FLOW_DISCONNECT", OutcomeKind.FLOWED_OUT),
        ("TELECOM_PROBLEM", OutcomeKind.FLOWED_OUT),
    ],
)
def test_who_took_an_unanswered_call_out_of_the_queue(reason: str, kind: OutcomeKind) -> None:
    found = outcome(adapt(ConnectRecordAdapter, [an_unanswered(DisconnectReason=reason)]).only)
    assert (found.kind, found.wait_ms) == (kind, 40_000)


def test_a_caller_who_hangs_up_in_the_menu_abandons_before_the_queue() -> None:
    found = adapt(ConnectRecordAdapter, [an_unanswered(Queue=None)])
    assert found.only.before_queue == {1_772_445_880_000}


def test_a_call_that_a_flow_ends_is_no_leg() -> None:
    record = an_unanswered(Queue=None, DisconnectReason="CONTACT_FLOW_DISCONNECT")
    assert adapt(ConnectRecordAdapter, [record]).skipped == {"never_queued": 1}


def chain(second: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    first = a_record(NextContactId="c-2") | changes
    return [
        first,
        second | {"ContactId": "c-2", "InitialContactId": "c-1", "PreviousContactId": "c-1"},
    ]


def test_a_queue_transfer_flows_out_of_one_queue_and_is_a_leg_in_the_next() -> None:
    queue = a_record()["Queue"] | {"Name": "billing"}
    records = chain(a_record(InitiationMethod="QUEUE_TRANSFER", Queue=queue), Agent=None)
    found = adapt(ConnectRecordAdapter, records)
    assert outcome(found.of("orders")).kind is OutcomeKind.FLOWED_OUT
    assert found.of("orders").flowed_out == (1_772_445_680_000, "queue_transfer")
    assert outcome(found.of("billing")).kind is OutcomeKind.ANSWERED
    assert {leg[:2] for leg in found.facts} == {("c-1", 1), ("c-1", leg_number("c-2", "c-1"))}


def test_a_callback_is_no_abandon_and_a_contact_of_its_own_queue_wait() -> None:
    callback = a_record(InitiationMethod="CALLBACK", InitiationTimestamp=at("10:01:10"))
    callback["Queue"] = callback["Queue"] | {"Name": "callbacks", "Duration": 10}
    callback["Queue"]["EnqueueTimestamp"] = at("10:01:10")
    callback["Queue"]["DequeueTimestamp"] = at("10:01:20")
    found = adapt(ConnectRecordAdapter, chain(callback, Agent=None))
    first, second = outcome(found.of("orders")), outcome(found.of("callbacks"))
    assert (first.kind, first.wait_ms) == (OutcomeKind.CALLBACK, 30_000)
    assert (second.kind, second.wait_ms) == (OutcomeKind.ANSWERED, 10_000)


def test_who_went_on_elsewhere_has_not_abandoned_even_if_the_next_record_is_missing() -> None:
    found = adapt(ConnectRecordAdapter, [an_unanswered(NextContactId="c-2")])
    assert outcome(found.only).kind is OutcomeKind.FLOWED_OUT


@pytest.mark.parametrize(("answered", "kind"), [("10:04:50", "blind"), ("10:04:00", "attended")])
def test_a_transfer_is_attended_if_the_next_agent_was_there_before_this_one_left(
    answered: str, kind: str
) -> None:
    second = a_record(InitiationMethod="TRANSFER")
    second["Queue"] = {"Name": "billing", "EnqueueTimestamp": at("10:03:50"), "Duration": None}
    second["Queue"]["DequeueTimestamp"] = at(answered)
    second["Agent"] |= {"Username": "bob", "ConnectedToAgentTimestamp": at(answered)}
    found = adapt(ConnectRecordAdapter, chain(second))
    assert found.of("orders").transferred == (1_772_445_880_000, f"{kind}:queue:billing")


def test_a_transfer_through_an_agents_own_queue_is_a_transfer_to_the_agent() -> None:
    second = a_record(InitiationMethod="TRANSFER")
    second["Queue"] |= {"Name": None, "ARN": f"{ARN}/queue/agent/a2"}
    second["Agent"] |= {"Username": "bob"}
    found = adapt(ConnectRecordAdapter, chain(second))
    assert found.of("orders").transferred == (1_772_445_880_000, "attended:agent:bob")


def test_a_transfer_whose_next_record_is_missing_is_told_without_its_target() -> None:
    found = adapt(ConnectRecordAdapter, [a_record(NextContactId="c-2")])
    assert found.only.transferred == (1_772_445_880_000, "blind:unknown")


@pytest.mark.parametrize(
    ("detected", "connected"),
    [
        ("HUMAN_ANSWERED", "human"),
        ("VOICEMAIL_BEEP", "machine"),
        ("AMD_UNRESOLVED", "unknown"),
        ("SIT_TONE_BUSY", None),
        ("AMD_UNANSWERED", None),
    ],
)
def test_a_campaign_call_is_dialed_and_connected_by_what_was_detected(
    detected: str, connected: str | None
) -> None:
    record = a_record(InitiationMethod="API", AnsweringMachineDetectionStatus=detected)
    facts = adapt(ConnectRecordAdapter, [record]).only
    assert facts.dialed_at == 1_772_445_600_000
    assert (facts.connected[1] if facts.connected else None) == connected


def test_an_agents_own_call_is_dialed_but_waits_in_no_queue() -> None:
    record = a_record(InitiationMethod="OUTBOUND", ConnectedToSystemTimestamp=at("10:01:30"))
    found = adapt(ConnectRecordAdapter, [record])
    attempt = dial(found.only)
    assert attempt is not None
    assert (attempt.is_connected, attempt.is_answered, attempt.is_abandoned) == (True, True, False)
    assert found.only.queued_at is None
    assert [leg[2] for leg in found.facts] == ["orders"]


def test_a_call_that_nobody_picked_up_ends_unconnected() -> None:
    record = an_unanswered(InitiationMethod="OUTBOUND", ConnectedToSystemTimestamp=None)
    attempt = dial(adapt(ConnectRecordAdapter, [record]).only)
    assert attempt is not None
    assert not attempt.is_connected


def test_a_chat_is_not_dialed_though_it_came_by_api() -> None:
    found = adapt(ConnectRecordAdapter, [a_record(InitiationMethod="API", Channel="CHAT")])
    assert found.only.dialed_at is None
    assert seconds(found.only) == (40, 180, 20, 30)


def test_the_callers_number_is_a_hash_and_stands_nowhere() -> None:
    found = adapt(ConnectRecordAdapter, [a_record()])
    assert found.only.customer_ref == customer_ref(KEY, NUMBER)
    assert "30123456789" not in str(found.calls)


@pytest.mark.parametrize("endpoint", [NUMBER, [NUMBER], {"Address": NUMBER}])
def test_a_third_party_of_another_shape_is_not_shown_either(endpoint: object) -> None:
    found = adapt(ConnectRecordAdapter, [a_record(TransferredToEndpoint=endpoint)])
    assert found.only.transferred == (1_772_445_880_000, "blind:external:unknown")
    assert "30123456789" not in f"{found.calls}{found.rejected}"


@pytest.mark.parametrize("endpoint", [None, {}, {"Type": "VOIP", "Address": "bob"}, "text", 5])
def test_a_customer_without_a_number_has_no_reference(endpoint: object) -> None:
    assert (
        adapt(ConnectRecordAdapter, [a_record(CustomerEndpoint=endpoint)]).only.customer_ref is None
    )


@pytest.mark.parametrize("key", ["orders", f"{ARN}/queue/q1", "q1"])
def test_a_queue_is_mapped_by_name_by_arn_or_by_id(key: str) -> None:
    names = Names(queues={key: "Bestellungen"}, agents={"a1": "Anna"})
    found = adapt(ConnectRecordAdapter, [a_record()], an_origin(names))
    assert found.of("Bestellungen").answered == (1_772_445_680_000, "Anna")


def test_a_duration_without_its_start_gives_the_start() -> None:
    record = a_record()
    del record["Queue"]["EnqueueTimestamp"]
    assert seconds(adapt(ConnectRecordAdapter, [record]).only) == (40, 180, 20, 30)


def test_without_an_interaction_the_wrap_up_begins_where_the_talk_ends() -> None:
    record = a_record()
    del record["Agent"]["AgentInteractionDuration"]
    assert seconds(adapt(ConnectRecordAdapter, [record]).only) == (40, 180, 20, 30)


def test_a_record_without_a_last_update_is_the_oldest_copy() -> None:
    dateless = a_record(LastUpdateTimestamp=None, DisconnectReason="OTHER")
    found = adapt(ConnectRecordAdapter, [a_record(), dateless])
    assert found.only.ended == (1_772_445_880_000, "customer_disconnect")
    assert found.anomalies == {"no_last_update": 1}


@pytest.mark.parametrize(
    ("changes", "reason", "part"),
    [
        ({"ContactId": None}, "missing_field", "ContactId"),
        ({"ContactId": ["x"]}, "wrong_type", "ContactId"),
        ({"DisconnectTimestamp": "yesterday"}, "bad_time", "DisconnectTimestamp"),
        ({"DisconnectTimestamp": "2026-03-02T10:00:00"}, "bad_time", "zone"),
        ({"Queue": {"Duration": -1}}, "bad_value", "Queue.Duration"),
        ({"Queue": "orders"}, "wrong_type", "Queue"),
        (
            {"Agent": {"ConnectedToAgentTimestamp": 5e9, "AgentInteractionDuration": "long"}},
            "wrong_type",
            "Agent.AgentInteractionDuration",
        ),
    ],
)
def test_what_cannot_be_used_is_rejected_by_name_and_the_rest_goes_on(
    changes: dict[str, Any], reason: str, part: str
) -> None:
    found = adapt(ConnectRecordAdapter, [a_record(**changes), a_record(ContactId="good")])
    (rejected,) = found.rejected
    assert rejected.reason == reason
    assert part in rejected.message
    assert {leg[0] for leg in found.facts} == {"good"}


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"[1]", b"7", b"[" * 100_000])
def test_what_is_no_record_is_rejected(raw: bytes) -> None:
    assert len(adapt(ConnectRecordAdapter, [raw]).rejected) == 1


def test_a_list_of_records_is_as_many_records() -> None:
    found = adapt(ConnectRecordAdapter, [[a_record(), a_record(ContactId=None)], b" ", []])
    assert (len(found.facts), len(found.rejected)) == (1, 1)
    assert found.skipped == {"blank": 1, "empty_list": 1}


def test_a_source_may_be_mapped_without_names() -> None:
    origin = Origin(client="acme", source="connect", customer_key=KEY, site="north")
    (event, *_) = adapt(ConnectRecordAdapter, [a_record()], origin).calls
    assert (event.client, event.site, event.source) == ("acme", "north", "connect")


def test_records_written_one_after_the_other_are_as_many_records() -> None:
    one, two = (json.dumps(a_record(ContactId=name)).encode() for name in ("c-1", "c-2"))
    for joined in (one + two, one + b"\n" + two, one + b"  " + two + b"\n"):
        found = adapt(ConnectRecordAdapter, [joined])
        assert {leg[0] for leg in found.facts} == {"c-1", "c-2"}
        assert found.rejected == []


def test_of_records_one_after_the_other_the_last_may_be_cut_off() -> None:
    one, two = (json.dumps(a_record(ContactId=name)).encode() for name in ("c-1", "c-2"))
    found = adapt(ConnectRecordAdapter, [one + two[:50]])
    assert {leg[0] for leg in found.facts} == {"c-1"}
    assert [(r.reason, r.raw) for r in found.rejected] == [("cut_off", two[:50])]


def test_a_copy_of_a_contact_already_told_is_counted_by_what_it_is() -> None:
    adapter = ConnectRecordAdapter(an_origin(), most_held=1)
    copies = [a_record(), a_record(LastUpdateTimestamp=at("10:05:00"))]
    found = adapt(lambda _: adapter, [a_record(), a_record(ContactId="c-2"), *copies])
    assert found.skipped == {"repeated": 1, "superseded": 1}
    assert len([e for e in found.calls if e.type == "queued"]) == 2


def test_a_caller_sent_outside_from_the_queue_flows_out() -> None:
    endpoint = {"Type": "TELEPHONE_NUMBER", "Address": "+18005550100"}
    found = adapt(ConnectRecordAdapter, [an_unanswered(TransferredToEndpoint=endpoint)])
    assert found.only.flowed_out == (1_772_445_680_000, "transferred_external")


def test_an_agent_who_called_the_customer_back_later_has_not_transferred() -> None:
    records = chain(a_record(InitiationMethod="CALLBACK"))
    assert adapt(ConnectRecordAdapter, records).facts["c-1", 1, "orders"].transferred is None


def test_a_wrap_up_without_its_start_begins_when_the_talk_is_over() -> None:
    record = a_record()
    del record["Agent"]["AfterContactWorkStartTimestamp"]
    assert seconds(adapt(ConnectRecordAdapter, [record]).only) == (40, 180, 20, 30)


def test_a_wrap_up_without_its_length_ends_when_it_says() -> None:
    record = a_record()
    del record["Agent"]["AfterContactWorkDuration"]
    assert seconds(adapt(ConnectRecordAdapter, [record]).only) == (40, 180, 20, 30)


def test_no_wrap_up_is_no_wrap_up() -> None:
    record = a_record()
    record["Agent"] = {k: v for k, v in record["Agent"].items() if not k.startswith("AfterContact")}
    assert seconds(adapt(ConnectRecordAdapter, [record]).only) == (40, 180, 20, 0)


def test_a_queue_left_before_it_was_entered_and_an_answer_after_the_end_are_odd() -> None:
    left = an_unanswered()
    left["Queue"] |= {"Duration": None, "DequeueTimestamp": at("09:00:00")}
    late = a_record(DisconnectTimestamp=at("10:01:00"))
    late["Agent"] = {"Username": "ann", "ConnectedToAgentTimestamp": at("10:01:20")}
    for record in (left, late):
        assert adapt(ConnectRecordAdapter, [record]).anomalies == {"time_backwards": 1}


def test_an_answer_without_a_queue_is_odd() -> None:
    found = adapt(ConnectRecordAdapter, [a_record(Queue=None)])
    assert found.anomalies == {"answered_without_queue": 1}
    assert found.only.queued_at is None


def test_an_answer_by_an_agent_without_a_name_is_an_answer() -> None:
    record = a_record()
    del record["Agent"]["Username"], record["Agent"]["ARN"]
    found = adapt(ConnectRecordAdapter, [record])
    assert found.only.answered == (1_772_445_680_000, "unknown")
    assert found.anomalies == {"no_agent_named": 1}


def test_a_queue_without_its_end_ends_with_the_answer_or_the_call() -> None:
    answered, left = a_record(), an_unanswered()
    for record in (answered, left):
        record["Queue"] |= {"Duration": None, "DequeueTimestamp": None}
    found = adapt(ConnectRecordAdapter, [answered])
    assert (seconds(found.only), found.anomalies) == ((40, 180, 20, 30), {})
    assert outcome(adapt(ConnectRecordAdapter, [left]).only).wait_ms == 240_000
