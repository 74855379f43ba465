"""Calls through Asterisk's queues: what each quirk of AMI becomes."""

from __future__ import annotations

import json

import pytest

from pipeline.codec import leg_book
from pipeline.codec.ami import AmiAdapter
from pipeline.codec.ami_leg import leg_number
from pipeline.domain.events import AgentState, TransferKind, customer_ref
from pipeline.domain.outcome import Handling, OutcomeKind
from tests.pbx_streams import (
    HEAD,
    KEY,
    NUMBER,
    START,
    Fate,
    a_call,
    ami,
    an_origin,
    as_json,
    caller,
    fate,
    fates,
    member,
    read,
    since_start,
    status,
)


def an_adapter(**names: object) -> AmiAdapter:
    return AmiAdapter(an_origin(**names))


def at_ms(seconds: float) -> int:
    return int((START + seconds) * 1000)


def test_an_answered_call_waits_until_its_agent_is_connected_and_talks_until_complete() -> None:
    found = read(an_adapter(), a_call())
    assert found.kinds() == ["queued", "offered", "answered", "ended"]
    assert fate(found.calls) == Fate(
        "sales", OutcomeKind.ANSWERED, 7_250, Handling(at_ms(60.5), 48_000, 0, 0)
    )
    assert found.of("ended").reason == "agent"
    assert found.of("answered").agent == "ann"


def test_a_message_as_json_gives_what_it_gives_as_lines() -> None:
    lines, objects = read(an_adapter(), a_call()), read(an_adapter(), map(as_json, a_call()))
    assert lines == objects


def test_lines_may_end_with_lf_alone_and_keys_may_be_of_any_case() -> None:
    records = [r.replace(b"\r\n", b"\n").replace(b"HoldTime", b"Holdtime") for r in a_call()]
    assert read(an_adapter(), records) == read(an_adapter(), a_call())


def test_the_names_before_asterisk_12_are_understood() -> None:
    """No Linkedid, other names: the caller's channel stands for the call."""
    who = {"Queue": "sales", "Uniqueid": f"{START}.1", "CallerIDNum": NUMBER}
    ann = {"Member": "SIP/ann", "MemberName": "ann", "BridgedChannel": f"{START}.2"}
    records = [
        ami("Join", 5, **who),
        ami("Leave", 10, **who),
        ami("AgentConnect", 12, **who, **ann, Holdtime=7, Ringtime=4),
        ami("AgentComplete", 60, **who, **ann, HoldTime=7, TalkTime=48, Reason="caller"),
    ]
    found = read(an_adapter(), records)
    assert fate(found.calls).wait_ms == 7_000
    assert found.at("offered") == [8]
    assert found.calls[0].contact_id == f"{START}.1"


def test_a_callers_number_is_only_ever_a_hash() -> None:
    found = read(an_adapter(), a_call())
    assert found.of("queued").customer_ref == customer_ref(KEY, NUMBER)
    assert NUMBER.lstrip("+") not in repr(found)


def test_names_are_canonical() -> None:
    adapter = an_adapter(queues={"sales": "Sales EMEA"}, agents={"ann": "a.smith"})
    found = read(adapter, a_call())
    assert {event.queue for event in found.calls} == {"Sales EMEA"}
    assert found.of("answered").agent == "a.smith"


# -- refusals


@pytest.mark.parametrize(
    ("value", "reason"),
    [("FULL", "full"), ("JOINEMPTY", "join_empty"), ("JOINUNAVAIL", "join_empty")],
)
def test_a_caller_who_is_not_let_in_is_refused(value: str, reason: str) -> None:
    who = caller()
    del who["Queue"]
    records = [
        ami("Newexten", 4, **who, Application="Queue", AppData="sales,t,,,30"),
        ami("VarSet", 4.1, **who, Variable="QUEUESTATUS", Value=value),
    ]
    found = read(an_adapter(), records)
    assert found.kinds() == ["refused"]
    refused = found.of("refused")
    assert (refused.queue, refused.reason) == ("sales", reason)
    assert refused.customer_ref == customer_ref(KEY, NUMBER)


def test_a_refusal_by_a_queue_that_no_dialplan_event_named_is_counted() -> None:
    adapter = an_adapter()
    record = ami("VarSet", 4.1, **caller(), Variable="QUEUESTATUS", Value="FULL")
    assert read(adapter, [record]).calls == []
    assert adapter.skipped == {"refused_by_unknown_queue:VarSet": 1}


def test_other_variables_and_applications_cost_no_reading() -> None:
    adapter = an_adapter()
    records = [
        ami("VarSet", None, **caller(), Variable="DIALSTATUS", Value="ANSWER"),
        ami("Newexten", None, **caller(queue="x"), Application="Playback", AppData="hello"),
    ]
    records[1] = records[1].replace(b"Queue", b"Other")
    assert read(adapter, records).rejected == []
    assert adapter.skipped == {"other_event:VarSet": 1, "other_event:Newexten": 1}


# -- rings


def test_ring_no_answer_is_in_milliseconds_and_the_next_agent_may_answer() -> None:
    who = caller()
    records = [
        ami("QueueCallerJoin", 5, **who),
        ami("AgentRingNoAnswer", 21.5, **who, **member("bob"), RingTime=15000),
        *a_call()[1:],
    ]
    found = read(an_adapter(), records)
    assert found.at("ring_no_answer") == [21.5]
    assert found.at("offered") == [6.5, 6.5]
    assert found.of("ring_no_answer").agent == "bob"


def test_a_queue_that_rings_all_stops_ringing_where_it_was_not_answered() -> None:
    who = caller()
    calls = a_call()
    calls.insert(2, ami("AgentCalled", 6.5, **who, **member("bob")))
    found = read(an_adapter(), calls)
    assert found.stands("bob") == [(6.5, AgentState.RINGING), (12.5, AgentState.AVAILABLE)]
    assert [event.agent for event in found.calls if event.type == "offered"] == ["ann", "bob"]


def test_an_agent_who_hangs_up_in_the_announcement_leaves_the_caller_waiting() -> None:
    """AgentDump: the caller has not left the queue, and another agent takes the call."""
    who = caller()
    adapter = an_adapter()
    records = [
        *a_call()[:2],
        ami("AgentDump", 11, **who, **member()),
        ami("AgentCalled", 80, **who, **member("bob")),
        ami("AgentConnect", 85, **who, **member("bob"), HoldTime=80, RingTime=5),
        ami("AgentComplete", 95, **who, **member("bob"), HoldTime=80, TalkTime=10, Reason="caller"),
    ]
    found = read(adapter, records)
    assert found.kinds() == ["queued", "offered", "offered", "answered", "ended"]
    assert fate(found.calls).wait_ms == 79_750
    assert adapter.anomalies["agent_dump"] == 1


def test_a_supervisor_who_listens_in_answers_nothing() -> None:
    adapter = an_adapter()
    records = a_call()
    records.insert(4, ami("ChanSpyStart", 20, SpyerUniqueid=f"{START}.77", SpyeeUniqueid="x"))
    assert read(adapter, records).kinds() == ["queued", "offered", "answered", "ended"]
    assert adapter.skipped["other_event:ChanSpyStart"] == 1


# -- legs of a call


def test_a_caller_who_comes_again_is_a_new_leg_of_the_same_call() -> None:
    who, other = caller(), caller(queue="service")
    records = [
        ami("Newstate", 1, Uniqueid=f"{START}.1"),
        ami("QueueCallerJoin", 5, **who),
        ami("QueueCallerLeave", 35, **who),
        ami("QueueCallerJoin", 36, **other),
        ami("QueueCallerAbandon", 46, **other, HoldTime=10),
        ami("VarSet", 46, **other, Variable="QUEUESTATUS", Value="TIMEOUT"),
        ami("QueueCallerJoin", 47, **who),
        ami("QueueCallerAbandon", 50, **who, HoldTime=3),
    ]
    found = read(an_adapter(), records)
    assert {key: (f.outcome, f.wait_ms) for key, f in fates(found.calls).items()} == {
        (f"{START}.1", 6, "sales"): (OutcomeKind.FLOWED_OUT, 30_000),
        (f"{START}.1", 37, "service"): (OutcomeKind.FLOWED_OUT, 10_000),
        (f"{START}.1", 48, "sales"): (OutcomeKind.ABANDONED, 3_000),
    }


def test_a_leg_is_named_alike_whether_its_join_was_seen_or_not() -> None:
    """Reading begins in the middle of a call: HoldTime and TalkTime say when it joined."""
    whole = read(an_adapter(), a_call()).calls
    for begun in (2, 3, 4):
        part = read(an_adapter(), a_call()[begun:]).calls
        assert {(e.contact_id, e.leg, e.queue) for e in part} == {
            (e.contact_id, e.leg, e.queue) for e in whole
        }
        assert part[0].type == "queued"
        assert fate(part).outcome is OutcomeKind.ANSWERED
        assert fate(part).wait_ms == 7_000
    last = read(an_adapter(), a_call()[4:])
    assert last.at("queued") == [5.5]
    assert last.at("answered") == [12.5]


def test_what_a_second_reader_tells_merges_with_what_the_first_told() -> None:
    """A restart within a call: the same ids where the same was seen, one leg in all."""
    first = read(an_adapter(), a_call()[:2], finish=False)
    second = read(an_adapter(), a_call()[3:])
    (found,) = fates([*first.calls, *second.calls]).values()
    assert found.outcome is OutcomeKind.ANSWERED
    assert found.handling == Handling(at_ms(60.5), 48_000, 0, 0)
    assert set(second.ids()) & set(read(an_adapter(), a_call()).ids()) == {
        event.event_id for event in second.calls if event.type in {"answered", "ended"}
    } | {event.event_id for event in second.states if event.state != AgentState.RINGING}


def test_events_of_legs_that_cannot_be_named_are_counted() -> None:
    who = caller()
    adapter = an_adapter()
    records = [
        ami("AgentCalled", 6, **who, **member()),
        ami("AgentRingNoAnswer", 7, **who, **member(), RingTime=1000),
        ami("QueueCallerLeave", 8, **who),
        ami("AgentDump", 9, **who, **member()),
        ami("QueueCallerAbandon", 10, **who),
        ami("AgentConnect", 11, **who, **member()),
        ami("AgentComplete", 12, **who, **member(), TalkTime=3),
    ]
    assert read(adapter, records).calls == []
    assert sum(adapter.skipped.values()) == 7
    assert all(reason.startswith("no_leg:") for reason in adapter.skipped)


def test_the_number_of_a_leg_is_the_second_of_the_call_in_which_it_joined() -> None:
    assert leg_number("1735689600.1", "q", 1_735_689_600_999) == 1
    assert leg_number("pbx-2-1735689600.1", "q", 1_735_689_661_000) == 62
    odd = leg_number("no-time-in-it", "q", 1_735_689_600_000)
    assert odd == leg_number("no-time-in-it", "q", 1_735_689_600_999) > 0
    assert odd != leg_number("no-time-in-it", "q", 1_735_689_601_000)
    assert leg_number("1735689600.1", "q", 1_735_689_599_000) > 0


def test_a_snapshot_tells_of_the_callers_who_wait() -> None:
    entry = {"Queue": "sales", "Position": 1, "Uniqueid": f"{START}.1", "CallerIDNum": NUMBER}
    adapter = an_adapter()
    records = [
        ami("QueueEntry", None, **entry, Wait=20, Vane_Received=f"{START + 25.5}"),
        ami("QueueCallerJoin", 30, **caller(2)),
        ami("QueueEntry", None, **(entry | {"Uniqueid": f"{START}.2"}), Wait=1)
        + f"\r\nVane-Received: {START + 31}".encode(),
        ami("QueueCallerAbandon", 40, **caller(), HoldTime=34),
    ]
    found = read(adapter, records, finish=False)
    assert found.kinds() == ["queued", "queued", "abandoned"]
    assert found.at("queued") == [5.5, 30]
    assert fates(found.calls)[f"{START}.1", 6, "sales"].outcome is OutcomeKind.ABANDONED
    assert adapter.skipped["no_change:QueueEntry"] == 1


# -- transfers and holds


def transfer(at: float, **fields: object) -> bytes:
    values = {
        "Result": "Success",
        "TransfererUniqueid": member()["DestUniqueid"],
        "TransfererLinkedid": f"{START}.1",
        "TransfereeUniqueid": f"{START}.1",
        "TransfereeLinkedid": f"{START}.1",
        "Extension": "202",
    }
    return ami("BlindTransfer", at, **(values | fields))


def test_a_blind_transfer_ends_the_agents_part() -> None:
    records = a_call()
    records.insert(4, transfer(40))
    found = read(an_adapter(), records)
    handed = found.of("transferred")
    assert (handed.transfer_kind, handed.transfer_target) == (TransferKind.BLIND, "202")
    assert fate(found.calls).handling == Handling(at_ms(40), 27_500, 0, 0)
    assert found.of("ended").reason == "transfer"


def test_behind_a_local_channel_the_talk_does_not_run_on_after_a_transfer() -> None:
    """FreePBX 124: app_queue goes on for an hour; the transfer names the call by its Linkedid."""
    adapter = an_adapter()
    hour = {"HoldTime": 7, "TalkTime": 3600, "Reason": "caller"}
    records = [
        *a_call()[:4],
        transfer(40, TransfererUniqueid=f"{START}.55", TransfereeUniqueid=f"{START}.54"),
        ami("AgentComplete", 3612.5, **caller(), **member(), **hour),
    ]
    found = read(adapter, records)
    assert fate(found.calls).handling == Handling(at_ms(40), 27_500, 0, 0)


def test_a_completion_told_long_after_the_transfer_is_counted() -> None:
    adapter = an_adapter()
    records = a_call()
    records.insert(4, transfer(40))
    read(adapter, records)
    assert adapter.anomalies["talk_ran_on"] == 1
    assert adapter.skipped["no_change:AgentComplete"] == 1


def test_a_transfer_told_after_the_completion_still_counts() -> None:
    found = read(an_adapter(), [*a_call(), transfer(60.6)])
    assert found.kinds()[-2:] == ["ended", "transferred"]


@pytest.mark.parametrize(
    ("extension", "target"),
    [
        ("sales", "queue:Sales EMEA"),
        ("+49 30 12345678", f"external:{customer_ref(KEY, '493012345678')}"),
        ("", "unknown"),
        ("voicemail", "voicemail"),
    ],
)
def test_a_target_has_no_telephone_number_in_it(extension: str, target: str) -> None:
    adapter = an_adapter(queues={"sales": "Sales EMEA"})
    records = [*a_call()[:4], transfer(40, Extension=extension)]
    assert read(adapter, records).of("transferred").transfer_target == target


def test_a_transfer_that_failed_or_that_the_caller_made_hands_nothing_over() -> None:
    adapter = an_adapter()
    records = [
        *a_call()[:4],
        transfer(40, Result="Fail"),
        transfer(41, TransfererUniqueid=f"{START}.1", TransfereeUniqueid=f"{START}.9"),
        transfer(42, TransfererUniqueid="a", TransfereeUniqueid="b", TransfererLinkedid="c",
                 TransfereeLinkedid="d"),
    ]  # fmt: skip
    assert "transferred" not in read(adapter, records).kinds()
    assert adapter.skipped["transfer_failed:BlindTransfer"] == 1
    assert adapter.skipped["no_leg:BlindTransfer"] == 2


def attended(at: float, **fields: object) -> bytes:
    values = {
        "Result": "Success",
        "OrigTransfererUniqueid": member()["DestUniqueid"],
        "OrigTransfererLinkedid": f"{START}.1",
        "SecondTransfererUniqueid": f"{START + 20}.30",
        "SecondTransfererLinkedid": f"{START + 20}.30",
        "TransfereeUniqueid": f"{START}.1",
        "TransfereeLinkedid": f"{START}.1",
        "TransferTargetCallerIDNum": "202",
        "DestType": "Bridge",
    }
    return ami("AttendedTransfer", at, **(values | fields))


def test_an_attended_transfer_to_a_colleague() -> None:
    found = read(an_adapter(), [*a_call()[:4], attended(45)])
    handed = found.of("transferred")
    assert (handed.transfer_kind, handed.transfer_target) == (TransferKind.ATTENDED, "202")
    assert fate(found.calls).handling == Handling(at_ms(45), 32_500, 0, 0)


def test_hold_is_inside_the_talk_and_not_part_of_it() -> None:
    phone = {"Uniqueid": member()["DestUniqueid"], "Linkedid": f"{START}.1"}
    adapter = an_adapter()
    records = [
        *a_call()[:4],
        ami("Hold", 20, **phone),
        ami("Hold", 21, **phone),
        ami("Unhold", 30, **phone),
        ami("Unhold", 31, **phone),
        ami("Hold", 50, **phone),
        a_call()[4],
    ]
    found = read(adapter, records)
    assert fate(found.calls).handling == Handling(at_ms(60.5), 27_500, 20_500, 0)
    assert adapter.skipped["no_change:Hold"] == adapter.skipped["no_change:Unhold"] == 1
    assert [e.hold_seq for e in found.calls if e.hold_seq] == [START + 20] * 2 + [START + 50] * 2


def test_a_hold_by_a_phone_behind_a_local_channel_is_found_by_the_call() -> None:
    phone = {"Uniqueid": f"{START}.77", "Linkedid": f"{START}.1"}
    records = [*a_call()[:4], ami("Hold", 20, **phone), ami("Unhold", 30, **phone)]
    assert read(an_adapter(), records).kinds()[-2:] == ["hold_started", "hold_ended"]


def test_a_callers_own_hold_is_none_of_the_agents() -> None:
    adapter = an_adapter()
    mine = {"Uniqueid": f"{START}.1", "Linkedid": f"{START}.1"}
    records = [*a_call()[:4], ami("Hold", 20, **mine), ami("Unhold", 21, **mine)]
    assert "hold_started" not in read(adapter, records).kinds()
    assert adapter.skipped["no_leg:Hold"] == 1


# -- streams with holes


def test_a_hang_up_ends_what_the_queue_does_not_end_within_a_minute() -> None:
    """Events of class agent were lost, or filtered out."""
    adapter = an_adapter()
    records = [
        *a_call()[:4],
        ami("Hangup", 60, **caller()),
        ami("QueueCallerJoin", 61, **caller(2)),
        ami("Hangup", 70, **caller(2)),
        ami("QueueMemberAdded", 200, **status("bob")),
    ]
    found = read(adapter, records)
    assert [(f.outcome, f.wait_ms) for f in fates(found.calls).values()] == [
        (OutcomeKind.ANSWERED, 7_250),
        (OutcomeKind.ABANDONED, 9_000),
    ]
    assert found.at("ended") == [60]
    assert adapter.anomalies == {"end_not_told": 1, "abandon_not_told": 1}


def test_a_leg_of_which_nothing_is_heard_is_let_go_and_counted() -> None:
    adapter = an_adapter()
    later = leg_book.MAX_AGE_MS / 1000 + 100
    records = [*a_call()[:4], ami("QueueMemberAdded", later, **status("bob"))]
    found = read(adapter, records, finish=False)
    assert adapter.anomalies == {"never_ended": 1}
    assert len(adapter._calls.book) == 0
    assert found.stands()[-1] == (12.5, AgentState.ON_CONTACT)
    assert read(adapter, [ami("QueueMemberAdded", later + 1, **status())]).stands() == [
        (later + 1, AgentState.AVAILABLE)
    ]


def test_the_book_holds_a_bounded_number_of_legs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg_book, "MOST_LEGS", 3)
    adapter = an_adapter()
    records = [ami("QueueCallerJoin", n, **caller(n)) for n in range(1, 6)]
    read(adapter, records, finish=False)
    assert adapter.anomalies == {"book_full": 2}
    book = adapter._calls.book
    assert len(book) == len(book._by_caller) == len(book._by_contact) == 3


def test_a_leg_that_is_over_leaves_nothing_behind() -> None:
    adapter = an_adapter()
    records = [*a_call(), ami("QueueMemberAdded", 1000, **status("bob"))]
    read(adapter, records, finish=False)
    book = adapter._calls.book
    assert [len(book), book._by_caller, book._by_contact, book._by_agent_channel] == [0, {}, {}, {}]


# -- messages


def test_what_is_no_event_of_ours_is_skipped_by_reason() -> None:
    adapter = an_adapter()
    records = [
        HEAD.encode(),
        b"Response: Success\r\nActionID: 7\r\nMessage: Authentication accepted",
        b'{"Response": "Success"}',
        b"",
        b" \r\n",
        ami("Newstate", None, Uniqueid="1"),
        ami("QueueParams", None, Queue="sales"),
    ]
    found = read(adapter, records)
    assert found == ([], [], [])
    assert adapter.skipped == {
        "response": 3,
        "blank": 2,
        "other_event:Newstate": 1,
        "other_event:QueueParams": 1,
    }


@pytest.mark.parametrize(
    ("record", "reason", "words"),
    [
        (ami("QueueCallerJoin", None, **caller()), "no_time", "Timestamp"),
        (ami("QueueCallerJoin", 1).replace(b"17356", b"x"), "bad_time", "timestamp: expected"),
        (ami("QueueCallerJoin", 1, Queue="q"), "missing_field", "uniqueid"),
        (ami("QueueCallerJoin", 1, Uniqueid="1.1"), "missing_field", "queue"),
        (ami("AgentConnect", 1, **caller()), "missing_field", "membername"),
        (
            ami("QueueCallerAbandon", 9, **caller(), HoldTime=-3),
            "bad_number",
            "holdtime: expected a whole number from 0 on, got '-3'",
        ),
        (ami("QueueEntry", 9, **caller()), "missing_field", "wait"),
        (b"hello", "no_event", "Event"),
        (b'{"a": 1}', "no_event", "Event"),
        (b'{"a": ', "malformed_json", "JSON"),
        (b'{"Event": "Hangup", "Uni', "malformed_json", "JSON"),
        (b"Event: Hangup\r\nUniqueid", "malformed_line", "line 2"),
        (b'{"x": "\\"", "Event": "Hangup", "event": "Join"}', "no_time", "Timestamp"),
        (b'{"Event": "Join", "Event": "Hangup"}', "malformed_message", "one event"),
        (b"Event: Hangup\r\n" + b"x" * 300_000, "too_large", "262144"),
    ],
)
def test_a_message_of_no_use_is_rejected_with_what_was_expected(
    record: bytes, reason: str, words: str
) -> None:
    adapter = an_adapter()
    (rejected,) = read(adapter, [record]).rejected
    assert rejected.reason == reason
    assert words in rejected.message
    assert not adapter.skipped


@pytest.mark.parametrize("is_json", [False, True])
def test_a_rejected_message_is_kept_without_what_names_the_caller(
    is_json: bool,  # noqa: FBT001 - a case
) -> None:
    who = caller(ConnectedLineName='"Bob" <0151234567>', Exten="0151234567", DialString="0151")
    record = ami("QueueCallerJoin", None, **who, AppData="x,0151234567")
    (rejected,) = read(an_adapter(), [as_json(record) if is_json else record]).rejected
    assert NUMBER.encode() not in rejected.raw
    assert b"0151" not in rejected.raw
    assert b"Evelyn" not in rejected.raw
    assert b"sales" in rejected.raw
    if is_json:
        assert json.loads(rejected.raw)["CallerIDNum"] == "*"


def test_a_length_that_is_not_needed_may_be_bad() -> None:
    adapter = an_adapter()
    records = [r.replace(b"RingTime: 4", b"RingTime: -4") for r in a_call()]
    del records[1]
    found = read(adapter, records)
    assert found.kinds() == ["queued", "answered", "ended"]
    assert adapter.anomalies == {"bad_number": 1}


def test_text_that_is_not_utf8_is_read_all_the_same() -> None:
    adapter = an_adapter()
    records = [r.replace(b"Evelyn", b"J\xfcrgen") for r in a_call()]
    assert read(adapter, records) == read(an_adapter(), a_call())
    assert adapter.anomalies == {"not_utf8": 5}


def test_the_time_of_receipt_serves_where_asterisk_gives_none() -> None:
    records = [r.replace(b"Timestamp", b"Vane-Received") for r in a_call()]
    assert read(an_adapter(), records) == read(an_adapter(), a_call())


def test_asterisks_own_time_comes_before_the_time_of_receipt() -> None:
    records = [r + f"\r\nVane-Received: {START + 999}".encode() for r in a_call()]
    assert read(an_adapter(), records) == read(an_adapter(), a_call())


def test_time_that_goes_back_is_counted() -> None:
    adapter = an_adapter()
    read(adapter, [ami("QueueCallerJoin", 5, **caller()), ami("Hangup", 4, **caller(9))])
    assert adapter.anomalies == {"time_went_back": 1}


def test_a_stream_read_twice_gives_the_same_ids() -> None:
    twice = read(an_adapter(), [*a_call(), *a_call()])
    once = read(an_adapter(), a_call())
    assert set(twice.ids()) == set(once.ids())
    assert fate(twice.calls) == fate(once.calls)


def test_hundreds_of_unknown_events_are_counted_as_one_in_the_end() -> None:
    adapter = an_adapter()
    read(adapter, [ami(f"Made{n}Up", None) for n in range(600)])
    assert adapter.skipped["other_event:*"] == 100
    assert sum(adapter.skipped.values()) == 600


def test_every_message_is_accounted_for() -> None:
    adapter = an_adapter()
    records = [*a_call(), b"", b"junk", ami("Newstate", 1)]
    found = read(adapter, records)
    assert adapter.taken + sum(adapter.skipped.values()) + len(found.rejected) == len(records)
    assert adapter.taken == 4
    assert since_start(found.calls[0].occurred_at_ms) == 5.25
