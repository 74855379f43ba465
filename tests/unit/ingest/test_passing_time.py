"""What later records, or the end, would decide is told when the source's time has come so far."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from pipeline.codec.adapter import Holding
from pipeline.codec.ami import AmiAdapter
from pipeline.codec.connect_records import SETTLE_MS, SUCCESSOR_MS
from pipeline.codec.freeswitch import FreeswitchAdapter
from pipeline.codec.leg_book import SETTLE_MS as PBX_SETTLE_MS
from pipeline.ingest.blocks import Blocks
from pipeline.ingest.formats import FORMATS, Format, of
from pipeline.ingest.intake import Intake
from pipeline.ingest.tally import Tally
from tests.adapted import an_origin
from tests.pbx_streams import START, a_member, ami, caller, freeswitch, member, times

Event = dict[str, Any]
WRAPUP_S: Final = 30


class Run:
    """A live input read once, and what it gave so far."""

    def __init__(self, form: Format) -> None:
        self.intake = Intake(form, an_origin(), Tally(), topic=str)
        self.stream = self.intake.open("live", is_live=True)
        self.events: list[Event] = []

    def feed(self, data: bytes) -> Run:
        self.events += [json.loads(message.value) for message in self.stream.feed(data)]
        return self

    def wait(self, waited_ms: int) -> Run:
        self.events += [json.loads(message.value) for message in self.intake.wait(waited_ms)]
        return self

    def finish(self) -> Run:
        self.events += [json.loads(message.value) for message in self.stream.end()]
        for messages in (self.stream.finish(), self.intake.finish()):
            self.events += [json.loads(message.value) for message in messages]
        return self

    def stop(self) -> int:
        """Stop, and return how much is undecided."""
        self.stream.stop()
        self.intake.stop()
        assert self.intake.tally.adds_up
        return self.intake.tally.anomalies["undecided_at_stop"]

    @property
    def told(self) -> list[str]:
        return [event.get("type") or event["state"] for event in self.events]

    @property
    def ids(self) -> set[str]:
        return {event["event_id"] for event in self.events}


def blocks(*messages: bytes) -> bytes:
    return b"".join(message + b"\r\n\r\n" for message in messages)


def a_record(contact: str, minute: int, **changes: Any) -> bytes:
    """Return the record of a call that was answered, written at a minute past ten."""
    record: Event = {
        "ContactId": contact,
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-03-02T09:50:00Z",
        "DisconnectTimestamp": "2026-03-02T09:55:00Z",
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "LastUpdateTimestamp": f"2026-03-02T10:{minute:02}:00Z",
        "Queue": {"Name": "orders", "EnqueueTimestamp": "2026-03-02T09:50:10Z", "Duration": 20},
        "Agent": {
            "Username": "ann",
            "ConnectedToAgentTimestamp": "2026-03-02T09:50:30Z",
            "AgentInteractionDuration": 60,
        },
    }
    return json.dumps(record | changes).encode() + b"\n"


def a_dialed_call() -> bytes:
    event = {
        "eventType": "INITIATED",
        "contactId": "c-1",
        "initiationMethod": "OUTBOUND",
        "channel": "VOICE",
        "initiationTimestamp": "2026-03-02T10:00:00Z",
    }
    return json.dumps({"time": "2026-03-02T10:00:00Z", "detail": event}).encode() + b"\n"


def a_queue_log() -> bytes:
    lines = (
        f"{START}|NONE|sales|ann|ADDMEMBER|",
        f"{START}|c1|sales|NONE|ENTERQUEUE||+4930901820|1",
        f"{START + 5}|c1|sales|ann|CONNECT|5|a1|3",
        f"{START + 65}|c1|sales|ann|COMPLETECALLER|5|60|1",
        f"{START + 65}|c1|sales|ann|WRAPUPSTART|{WRAPUP_S}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def a_caller_who_gave_up() -> bytes:
    who = caller()
    return blocks(
        ami("VarSet", 1, Uniqueid="1.1", Variable="X", Value="1"),
        ami("QueueCallerJoin", 5, **who),
        ami("QueueCallerAbandon", 35, **who, OriginalPosition=1, HoldTime=30),
    )


def a_talk_in_asterisk() -> bytes:
    who = caller() | member()
    return blocks(
        ami("QueueCallerJoin", 5, **caller()),
        ami("AgentConnect", 15, **who, HoldTime=10, RingTime=4),
        ami("AgentComplete", 75, **who, HoldTime=10, TalkTime=60, Reason="caller"),
    )


def a_pickup() -> bytes:
    told = times(joined=5, called=6, answered=12)
    return blocks(
        freeswitch("agent-status-change", 1, CC_Agent="ann", CC_Agent_Status="Available"),
        freeswitch("member-queue-start", 5, **a_member()),
        freeswitch("bridge-agent-start", 12, **a_member(), CC_Agent="ann", **told),
    )


def a_talk_in_freeswitch() -> bytes:
    told = times(joined=5, called=6, answered=12, terminated=60)
    end = freeswitch("bridge-agent-end", 60, **a_member(), CC_Agent="ann", **told)
    return a_pickup() + blocks(end)


with_wrapup = {
    "ami": Format("ami", "", Blocks, of(lambda o: AmiAdapter(o, wrapup_s=WRAPUP_S))),
    "freeswitch": Format("fs", "", Blocks, of(lambda o: FreeswitchAdapter(o, wrapup_s=WRAPUP_S))),
}

CASES: Final[dict[str, tuple[Format, Callable[[], bytes], int, list[str]]]] = {
    "ami: a caller who gave up": (
        *(FORMATS["ami"], a_caller_who_gave_up, PBX_SETTLE_MS),
        ["abandoned"],
    ),
    "ami: a wrap-up": (
        *(with_wrapup["ami"], a_talk_in_asterisk, WRAPUP_S * 1000),
        ["wrapup_ended", "available"],
    ),
    "freeswitch: a pick-up": (
        *(FORMATS["freeswitch"], a_pickup, PBX_SETTLE_MS),
        ["answered", "on_contact"],
    ),
    "freeswitch: a wrap-up": (
        *(with_wrapup["freeswitch"], a_talk_in_freeswitch, WRAPUP_S * 1000),
        ["wrapup_ended", "available"],
    ),
    "queue_log: a wrap-up": (
        *(FORMATS["queue_log"], a_queue_log, WRAPUP_S * 1000),
        ["available"],
    ),
    "connect-records: a contact": (
        *(FORMATS["connect-records"], lambda: a_record("c-1", 0), SETTLE_MS),
        ["queued", "offered", "answered", "ended"],
    ),
    "connect-events: a dialed call": (
        *(FORMATS["connect-events"], a_dialed_call, SETTLE_MS),
        ["dialed"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_source_that_falls_silent_has_told_everything_after_a_bounded_time(case: str) -> None:
    form, stream, horizon_ms, late = CASES[case]
    run = Run(form).feed(stream())
    before = len(run.events)
    assert run.wait(horizon_ms - 1).events[before:] == []
    assert run.wait(1).told[before:] == late
    assert run.stop() == 0


@pytest.mark.parametrize("case", CASES)
def test_what_is_younger_than_that_is_undecided_at_a_stop_and_comes_when_run_again(
    case: str,
) -> None:
    form, stream, horizon_ms, late = CASES[case]
    stopped = Run(form).feed(stream()).wait(horizon_ms - 1)
    assert stopped.stop() == len(late)
    again = Run(form).feed(stream()).wait(horizon_ms)
    assert len(again.ids - stopped.ids) == len(late)
    assert again.ids == Run(form).feed(stream()).finish().ids


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_decided_before_the_source_has_said_what_time_it_is(case: str) -> None:
    form = CASES[case][0]
    assert isinstance(form.reader(an_origin(), ""), Holding)
    run = Run(form).wait(1 << 40)
    assert (run.events, run.stop()) == ([], 0)


def test_records_that_come_begin_the_waiting_anew() -> None:
    run = Run(FORMATS["connect-records"]).feed(a_record("c-1", 0)).wait(SETTLE_MS - 1)
    run.feed(a_record("c-2", 10)).wait(5 * 60_000)
    assert {event["contact_id"] for event in run.events} == {"c-1"}
    assert run.stop() == 4


def test_a_newer_copy_replaces_what_is_still_held_and_is_waited_for_itself() -> None:
    untalked = {"Agent": {"Username": "ann", "ConnectedToAgentTimestamp": "2026-03-02T09:50:30Z"}}
    run = Run(FORMATS["connect-records"]).feed(a_record("c-1", 0, **untalked)).wait(60_000)
    run.feed(a_record("c-1", 14)).wait(SETTLE_MS - 1)
    assert run.events == []
    ended = [event for event in run.wait(1).events if event["type"] == "ended"]
    assert [event["occurred_at_ms"] for event in ended] == [1_772_445_090_000]


def a_transfer(minute: int = 0) -> bytes:
    return a_record("c-1", minute, NextContactId="c-2")


def a_successor(minute: int, method: str = "TRANSFER") -> bytes:
    return a_record("c-2", minute, InitialContactId="c-1", InitiationMethod=method)


def test_a_transfer_waits_for_the_record_of_what_it_became() -> None:
    run = Run(FORMATS["connect-records"]).feed(a_transfer()).wait(SUCCESSOR_MS - 1)
    assert run.events == []
    run.feed(a_successor(59)).wait(SETTLE_MS)
    (transfer,) = [event for event in run.events if event["type"] == "transferred"]
    assert transfer["transfer_target"] == "queue:orders"
    assert run.stop() == 0


def test_a_transfer_whose_other_side_comes_too_late_is_told_twice_the_second_time_in_full() -> None:
    run = Run(FORMATS["connect-records"]).feed(a_transfer()).wait(SUCCESSOR_MS)
    assert run.told.count("transferred") == 1
    run.feed(a_successor(59))
    targets = [event["transfer_target"] for event in run.events if event["type"] == "transferred"]
    assert targets == ["unknown", "queue:orders"]
    run.feed(a_successor(58)).finish()
    assert run.told.count("transferred") == 2


def test_a_callback_that_comes_too_late_is_told_to_have_been_asked_for() -> None:
    left = a_record("c-1", 0, NextContactId="c-2", Agent=None)
    run = Run(FORMATS["connect-records"]).feed(left).wait(SUCCESSOR_MS)
    assert run.told == ["queued", "flowed_out"]
    assert run.feed(a_successor(59, "CALLBACK")).told == [
        "queued",
        "flowed_out",
        "callback_requested",
    ]


def test_a_contact_whose_record_says_no_update_is_timed_by_what_happened() -> None:
    run = Run(FORMATS["connect-records"]).feed(a_record("c-1", 0, LastUpdateTimestamp=None))
    assert run.wait(SETTLE_MS - 1).events == []
    assert run.wait(1).told[-1] == "ended"


def test_messages_that_say_nothing_of_queues_do_not_stop_the_clock() -> None:
    run = Run(FORMATS["ami"]).feed(a_caller_who_gave_up())
    for second in range(0, PBX_SETTLE_MS, 1000):
        run.feed(blocks(ami("Newchannel", 36 + second / 1000, Uniqueid="2.2"))).wait(1000)
    assert run.told == ["queued", "abandoned"]


def test_a_file_that_is_over_is_waited_for_no_longer() -> None:
    run = Run(FORMATS["queue_log_table"])
    run.feed(b"time,callid,queuename,agent,event,data1\n")
    run.feed(b"1735689600,NONE,sales,ann,ADDMEMBER,\n1735689600,c1,sales,ann,WRAPUPSTART,30\n")
    assert run.finish().told == ["available", "after_call_work", "available"]
    assert run.wait(1 << 40).told == ["available", "after_call_work", "available"]
