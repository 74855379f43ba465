"""Laws of the adapters of telephone systems: never raise, lose nothing, name alike, stay small."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codec.ami import AmiAdapter
from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.codec.encode import encode
from pipeline.codec.freeswitch import FreeswitchAdapter
from pipeline.codec.leg_book import SETTLE_MS
from pipeline.domain.events import Rejected
from tests.pbx_streams import (
    NUMBER,
    START,
    Read,
    a_member,
    ami,
    an_origin,
    as_json,
    caller,
    fates,
    freeswitch,
    member,
    read,
    status,
    times,
)

AnAdapter = AmiAdapter | FreeswitchAdapter
Draw = Callable[[random.Random, int], list[bytes]]


def an_ami_call(chance: random.Random, number: int) -> list[bytes]:
    """Return the messages of one call of some kind, in order of time."""
    began = chance.randrange(0, 600)
    unique = f"{START + began}.{number}"
    who = caller(number, Uniqueid=unique, Linkedid=unique)
    at = began + 1 + chance.random()
    waited = chance.randrange(1, 90)
    agent = chance.choice(["ann", "bob"])
    # A channel is of one call: that an agent has two would have two legs talk by it.
    line = member(agent, DestUniqueid=f"{unique}9")
    records = [ami("QueueCallerJoin", at, **who), ami("AgentCalled", at + 0.5, **who, **line)]
    then = at + waited
    match chance.choice(["answered", "abandoned", "timeout", "rang out", "transferred"]):
        case "abandoned":
            records.append(ami("QueueCallerAbandon", then, **who, HoldTime=waited))
        case "timeout":
            records.append(ami("QueueCallerAbandon", then, **who, HoldTime=waited))
            records.append(ami("QueueCallerLeave", then, **who))
            records.append(ami("VarSet", then, **who, Variable="QUEUESTATUS", Value="TIMEOUT"))
        case "rang out":
            rang = ami("AgentRingNoAnswer", then, **who, **line, RingTime=waited * 1000 - 500)
            records.append(rang)
        case kind:
            told = {"HoldTime": waited, "RingTime": 1}
            records.append(ami("QueueCallerLeave", then, **who))
            records.append(ami("AgentConnect", then, **who, **line, **told))
            records.append(ami("Hold", then + 1, Uniqueid=line["DestUniqueid"], Linkedid=unique))
            records.append(ami("Unhold", then + 3, Uniqueid=line["DestUniqueid"], Linkedid=unique))
            if kind == "transferred":
                moved = {"TransfererUniqueid": line["DestUniqueid"], "TransfereeUniqueid": unique}
                records.append(ami("BlindTransfer", then + 5, **moved, Extension="0301234567"))
            told = {"HoldTime": waited, "TalkTime": 30}
            done = ami("AgentComplete", then + 30, **who, **line, **told, Reason="caller")
            records.append(done)
    records.append(ami("Hangup", then + 31, **who))
    records.append(ami("QueueMemberStatus", then + 32, **status(agent, Wrapuptime=5)))
    return records


def a_freeswitch_call(chance: random.Random, number: int) -> list[bytes]:
    """Return the events of one member of some kind, in order of time."""
    at = chance.randrange(0, 600) + 0.25
    who, agent = a_member(number), {"CC_Agent": chance.choice(["ann", "bob"])}
    waited = chance.randrange(1, 90)
    then = at + waited
    told = times(joined=int(at), called=int(at), answered=int(then))
    records = [
        freeswitch("member-queue-start", at, **who),
        freeswitch("agent-offering", at + 0.5, **who, **agent),
    ]
    kind = chance.choice(["answered", "BREAK_OUT", "TIMEOUT", "EXIT_WITH_KEY", "failed"])
    if kind in {"answered", "failed"}:
        bridged = "true" if kind == "answered" else "false"
        over = times(terminated=int(then) + 30)
        state = {"CC_Agent_State": "In a queue call"}
        records.append(freeswitch("bridge-agent-start", then, **who, **agent, **told))
        if kind == "answered":
            records.append(freeswitch("agent-state-change", then + 0.1, **agent, **state))
        ended = {**who, **agent, **told, **over, "CC_Agent_Bridged": bridged}
        records.append(freeswitch("bridge-agent-end", then + 30, **ended))
    if kind == "answered":
        left = times(leaving=int(then) + 30)
        fields = {**who, **agent, **told, **left, "CC_Cause": "Terminated"}
        records.append(freeswitch("member-queue-end", then + 30, **fields))
    else:
        reason = "BREAK_OUT" if kind == "failed" else kind
        left = times(joined=int(at), leaving=int(then) + 31)
        fields = {**who, **left, "CC_Cause": "Cancel", "CC_Cancel_Reason": reason}
        records.append(freeswitch("member-queue-end", then + 31, **fields))
    return records


def ami_time(record: bytes) -> float:
    return float(record.split(b"Timestamp: ")[1].split(b"\r\n")[0])


def freeswitch_time(record: bytes) -> float:
    return float(record.split(b"Timestamp: ")[1].split(b"\n")[0])


KINDS = pytest.mark.parametrize("kind", ["ami", "freeswitch"])


def an_adapter(kind: str) -> AnAdapter:
    origin = an_origin(agents={"bob": "b.jones"})
    return AmiAdapter(origin) if kind == "ami" else FreeswitchAdapter(origin, wrapup_s=5)


def stream(kind: str, seed: int, calls: int = 6) -> list[bytes]:
    chance = random.Random(seed)  # noqa: S311 - a test's draw
    draw, time = (an_ami_call, ami_time) if kind == "ami" else (a_freeswitch_call, freeswitch_time)
    return sorted((r for n in range(1, calls + 1) for r in draw(chance, n)), key=time)


def account(adapter: AnAdapter, records: list[bytes]) -> Read:
    """Feed, and hold that every record is exactly one of taken, skipped, rejected."""
    found = read(adapter, records)
    told = adapter.taken + sum(adapter.skipped.values()) + len(found.rejected)
    assert told == len(records)
    for event in found.calls:
        assert not isinstance(decode_call_event(encode(event)), Rejected)
    for state in found.states:
        assert not isinstance(decode_agent_state(encode(state)), Rejected)
    return found


@KINDS
@given(records=st.lists(st.binary(max_size=200), max_size=20))
def test_arbitrary_bytes_never_raise_and_are_accounted_for(kind: str, records: list[bytes]) -> None:
    account(an_adapter(kind), records)


HEADERS = {
    "ami": (
        [
            *("QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon", "AgentCalled"),
            *("AgentConnect", "AgentComplete", "AgentDump", "AgentRingNoAnswer", "QueueEntry"),
            *("QueueMemberStatus", "QueueMemberRemoved", "BlindTransfer", "AttendedTransfer"),
            *("Hold", "Unhold", "Hangup", "VarSet", "Newexten", "AgentLogin", "Newstate"),
        ],
        [
            *("Timestamp", "Vane-Received", "Uniqueid", "Linkedid", "DestUniqueid", "Queue"),
            *("MemberName", "HoldTime", "TalkTime", "RingTime", "Wait", "Status", "Paused"),
            *("TransfererUniqueid", "TransfereeUniqueid", "TransfereeLinkedid", "Value"),
            *("OrigTransfererUniqueid", "SecondTransfererUniqueid", "Extension", "Agent"),
        ],
    ),
    "freeswitch": (
        [
            *("member-queue-start", "member-queue-resume", "member-queue-end", "agent-offering"),
            *("bridge-agent-start", "bridge-agent-end", "bridge-agent-fail", "agent-add"),
            *("agent-status-change", "agent-state-change", "members-count", "nonsense"),
        ],
        [
            *("Event-Date-Timestamp", "Vane-Received", "CC-Queue", "CC-Agent", "CC-Member-UUID"),
            *("CC-Member-Session-UUID", "CC-Agent-Called-Time", "CC-Agent-Answered-Time"),
            *("CC-Member-Joined-Time", "CC-Member-Leaving-Time", "CC-Bridge-Terminated-Time"),
            *("CC-Cause", "CC-Cancel-Reason", "CC-Agent-Bridged", "CC-Agent-Status"),
            *("CC-Agent-State", "CC-Hangup-Cause", "CC-Agent-UUID", "Unique-ID"),
        ],
    ),
}
VALUES = st.one_of(
    st.sampled_from(
        [
            *("", "0", "1", "-1", "ann", "sales", "1735689600.1", "1735689601.5", "true", "false"),
            *("1735689600", "1735689600123456", "Cancel", "Terminated", "BREAK_OUT", "Available"),
            *("In a queue call", "QUEUESTATUS", "FULL", "99999999999999999999", "253402300799"),
        ]
    ),
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12),
)


@KINDS
@given(data=st.data())
def test_any_headers_with_any_values_never_raise_and_are_accounted_for(
    kind: str, data: st.DataObject
) -> None:
    verbs, names = HEADERS[kind]
    verb = "Event" if kind == "ami" else "CC-Action"
    message = st.tuples(
        st.sampled_from(verbs), st.dictionaries(st.sampled_from(names), VALUES, max_size=18)
    )
    drawn = data.draw(st.lists(message, max_size=15))
    records = [
        "\r\n".join([f"{verb}: {what}", *(f"{k}: {v}" for k, v in fields.items())]).encode()
        for what, fields in drawn
    ]
    account(an_adapter(kind), records)


@KINDS
@given(seed=st.integers(0, 2**32), data=st.data())
def test_disorder_repeats_and_cuts_never_raise_and_are_accounted_for(
    kind: str, seed: int, data: st.DataObject
) -> None:
    whole = stream(kind, seed)
    chance = random.Random(seed)  # noqa: S311 - a test's draw
    records = [*whole, *chance.choices(whole, k=len(whole) // 3)]
    chance.shuffle(records)
    cut = data.draw(st.integers(0, 400))
    records += [record[:cut] for record in chance.sample(whole, k=min(5, len(whole)))]
    found = account(an_adapter(kind), records)
    numbers = (NUMBER.lstrip("+"), "0301234567")
    assert not any(number in repr(found) for number in numbers)


@KINDS
@given(seed=st.integers(0, 2**32))
def test_a_stream_has_the_same_ids_and_fates_at_every_reading(kind: str, seed: int) -> None:
    records = stream(kind, seed)
    once, again = account(an_adapter(kind), records), account(an_adapter(kind), records)
    assert once == again
    assert len(set(once.ids())) == len(once.ids())
    repeated = [copy for record in records for copy in (record, record)]
    doubled = account(an_adapter(kind), repeated)
    assert set(doubled.ids()) == set(once.ids())
    assert fates(doubled.calls) == fates(once.calls)


@given(seed=st.integers(0, 2**32))
def test_ami_is_read_alike_as_lines_and_as_objects(seed: int) -> None:
    records = stream("ami", seed)
    objects = [as_json(record) for record in records]
    assert account(an_adapter("ami"), records) == account(an_adapter("ami"), objects)


@KINDS
@given(seed=st.integers(0, 2**32), data=st.data())
def test_a_reader_that_begins_in_the_middle_names_legs_as_one_that_saw_all(
    kind: str, seed: int, data: st.DataObject
) -> None:
    records = stream(kind, seed)
    begun = data.draw(st.integers(0, len(records)))
    whole = {(e.contact_id, e.leg, e.queue) for e in read(an_adapter(kind), records).calls}
    part = {(e.contact_id, e.leg, e.queue) for e in read(an_adapter(kind), records[begun:]).calls}
    assert part <= whole


@KINDS
def test_the_books_are_empty_once_the_calls_are_over(kind: str) -> None:
    adapter = an_adapter(kind)
    records = stream(kind, 7, calls=500)
    found = [event for record in records for event in adapter.feed(record)]
    last = max(e.occurred_at_ms for e in found if not isinstance(e, Rejected))
    later = (last + 3 * SETTLE_MS) / 1000 - START
    more = (
        [ami("QueueMemberAdded", later + n * 100, **status("zoe", Paused=n % 2)) for n in range(3)]
        if kind == "ami"
        else [
            freeswitch("agent-status-change", later + n * 100, CC_Agent="zoe", CC_Agent_Status=s)
            for n, s in enumerate(["Available", "On Break", "Available"])
        ]
    )
    for record in more:
        adapter.feed(record)
    assert adapter.anomalies["never_ended"] == 0
    book = adapter._calls.book if isinstance(adapter, AmiAdapter) else adapter._calls
    assert len(book) == 0
