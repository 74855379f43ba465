"""Calls through FreeSWITCH's call centre: what each action and quirk becomes."""

from __future__ import annotations

import json

import pytest

from pipeline.codec import freeswitch_agents, leg_book
from pipeline.codec.freeswitch import FreeswitchAdapter
from pipeline.domain.events import AgentState, customer_ref
from pipeline.domain.outcome import Handling, OutcomeKind
from tests.pbx_streams import (
    KEY,
    NUMBER,
    START,
    Fate,
    a_member,
    an_origin,
    fate,
    fates,
    freeswitch,
    read,
    times,
)

AVAILABLE, BREAK, MEAL = AgentState.AVAILABLE, AgentState.BREAK, AgentState.MEAL
RINGING, ON_CONTACT = AgentState.RINGING, AgentState.ON_CONTACT
AFTER_CALL_WORK, LOGGED_OUT = AgentState.AFTER_CALL_WORK, AgentState.LOGGED_OUT
OTHER = AgentState.OTHER
QUEUE = "support@default"
ANN = {"CC_Agent": "ann", "CC_Agent_System": "single_box"}


def an_adapter(wrapup_s: int = 0, **names: object) -> FreeswitchAdapter:
    return FreeswitchAdapter(an_origin(**names), wrapup_s=wrapup_s)


def at_ms(seconds: float) -> int:
    return int((START + seconds) * 1000)


def start(at: float = 5.25, number: int = 1) -> bytes:
    return freeswitch("member-queue-start", at, **a_member(number))


def offering(at: float = 6.5, agent: str = "ann", number: int = 1) -> bytes:
    return freeswitch("agent-offering", at, **a_member(number), CC_Agent=agent)


def pickup(at: float = 12.5, agent: str = "ann", number: int = 1) -> bytes:
    told = times(joined=5, called=6, answered=int(at))
    channel = f"channel-{agent}"
    return freeswitch(
        "bridge-agent-start", at, **a_member(number), CC_Agent=agent, CC_Agent_UUID=channel, **told
    )


def in_call(at: float = 12.75, agent: str = "ann") -> bytes:
    return freeswitch("agent-state-change", at, CC_Agent=agent, CC_Agent_State="In a queue call")


def end(at: float = 60.5, agent: str = "ann", **fields: object) -> bytes:
    told = times(joined=5, called=6, answered=12, terminated=int(at))
    return freeswitch("bridge-agent-end", at, **a_member(), CC_Agent=agent, **told, **fields)


def terminated(at: float = 60.5) -> bytes:
    told = times(joined=5, called=6, answered=12, leaving=int(at))
    fields = a_member(CC_Cause="Terminated", CC_Agent="ann")
    return freeswitch("member-queue-end", at, **fields, **told)


def cancel(at: float, reason: str, number: int = 1) -> bytes:
    fields = a_member(number, CC_Cause="Cancel", CC_Cancel_Reason=reason)
    return freeswitch("member-queue-end", at, **fields, **times(joined=5, leaving=int(at)))


def fail(at: float, cause: str, agent: str = "ann") -> bytes:
    told = times(joined=5, called=6, aborted=int(at))
    return freeswitch(
        "bridge-agent-fail", at, **a_member(), CC_Agent=agent, CC_Hangup_Cause=cause, **told
    )


def a_call() -> list[bytes]:
    return [start(), offering(), pickup(), in_call(), end(), terminated()]


ANSWERED = Fate(QUEUE, OutcomeKind.ANSWERED, 7_250, Handling(at_ms(60.5), 48_000, 0, 0))


def test_an_answered_call() -> None:
    found = read(an_adapter(), a_call())
    assert found.kinds() == ["queued", "offered", "answered", "ended"]
    assert fate(found.calls) == ANSWERED
    assert found.of("answered").agent == "ann"
    assert {event.contact_id for event in found.calls} == {"session-1"}


def as_json(record: bytes) -> bytes:
    pairs = [line.split(": ", 1) for line in record.decode().split("\n")]
    plain = {name: value.replace("%3A", ":").replace("%20", " ") for name, value in pairs}
    return json.dumps(plain | {"_body": "x"}).replace("%40", "@").replace("%2B", "+").encode()


def test_json_is_not_url_encoded_and_lines_are() -> None:
    assert read(an_adapter(), map(as_json, a_call())) == read(an_adapter(), a_call())


def test_an_event_may_still_be_in_the_sockets_envelope() -> None:
    plain = [
        f"Content-Length: {len(r)}\nContent-Type: text/event-plain\n\n".encode() + r
        for r in a_call()
    ]
    objects = [
        b"Content-Length: 9\r\nContent-Type: text/event-json\r\n\r\n" + as_json(r) for r in a_call()
    ]
    assert read(an_adapter(), plain) == read(an_adapter(), a_call())
    assert read(an_adapter(), objects) == read(an_adapter(), a_call())


def test_an_event_may_have_a_body() -> None:
    records = [r + b"\n\nCC-Action: nonsense\nno header at all" for r in a_call()]
    assert read(an_adapter(), records) == read(an_adapter(), a_call())


def test_a_callers_number_is_only_ever_a_hash() -> None:
    found = read(an_adapter(), a_call())
    assert found.of("queued").customer_ref == customer_ref(KEY, NUMBER)
    assert NUMBER.lstrip("+") not in repr(found)


def test_names_are_canonical() -> None:
    adapter = an_adapter(queues={QUEUE: "Support"}, agents={"ann": "a.smith"})
    found = read(adapter, a_call())
    assert {event.queue for event in found.calls} == {"Support"}
    assert {event.agent for event in found.states} == {"a.smith"}


# -- how a wait ends


@pytest.mark.parametrize(
    ("reason", "flowed_out"),
    [
        ("TIMEOUT", "timeout"),
        ("NO_AGENT_TIMEOUT", "no_agent_timeout"),
        ("EXIT_WITH_KEY", "exit_with_key"),
        ("SOMETHING_NEW", "something_new"),
    ],
)
def test_a_caller_whom_the_call_centre_let_go_flowed_out(reason: str, flowed_out: str) -> None:
    adapter = an_adapter()
    found = read(adapter, [start(), cancel(35.25, reason)])
    assert found.of("flowed_out").reason == flowed_out
    assert fate(found.calls).wait_ms == 30_000
    assert adapter.anomalies["unknown_cancel_reason"] == (reason == "SOMETHING_NEW")


@pytest.mark.parametrize("reason", ["BREAK_OUT", "NONE", ""])
def test_a_caller_who_left_for_no_other_reason_abandoned(reason: str) -> None:
    found = read(an_adapter(), [start(), cancel(35.25, reason)])
    assert found.kinds() == ["queued", "abandoned"]
    assert fate(found.calls) == Fate(QUEUE, OutcomeKind.ABANDONED, 30_000, None)


def test_an_abandoned_caller_who_resumes_is_another_contact_of_the_same_customer() -> None:
    """Facts are not retracted: the abandon stands, the second call waits from its own join."""
    adapter = an_adapter()
    again = a_member(CC_Member_Session_UUID="session-2")
    told = times(joined=5, called=60, answered=70)
    records = [
        start(),
        cancel(20, "BREAK_OUT"),
        freeswitch("member-queue-resume", 50, **again),
        freeswitch("bridge-agent-start", 70, **again, **ANN, **told),
        in_call(70.5),
    ]
    found = read(adapter, records)
    assert [(key[0], f.outcome, f.wait_ms) for key, f in fates(found.calls).items()] == [
        ("session-1", OutcomeKind.ABANDONED, 14_750),
        ("session-2", OutcomeKind.ANSWERED, 20_000),
    ]
    assert len({event.customer_ref for event in found.calls if event.type == "queued"}) == 1
    assert adapter.anomalies == {"resumed": 1}


def test_a_call_that_overflows_into_another_queue_is_another_leg_of_the_same_contact() -> None:
    other = a_member(2, "other@default", CC_Member_Session_UUID="session-1")
    records = [start(), cancel(35.25, "TIMEOUT"), freeswitch("member-queue-start", 36, **other)]
    found = read(an_adapter(), records)
    assert {event.contact_id for event in found.calls} == {"session-1"}
    assert len({event.leg for event in found.calls}) == 2


# -- agents and callers


def test_an_answer_is_told_once_the_caller_came_through() -> None:
    adapter = an_adapter()
    assert read(adapter, a_call()[:3], finish=False).kinds() == ["queued", "offered"]
    found = read(adapter, [in_call()], finish=False)
    assert found.at("answered") == [12.5]
    assert found.stands() == [(12.5, ON_CONTACT)]


def test_an_answer_is_told_by_the_end_of_the_bridge_or_of_the_input_at_the_latest() -> None:
    assert fate(read(an_adapter(), [*a_call()[:3], *a_call()[4:]]).calls) == ANSWERED
    assert read(an_adapter(), a_call()[:3]).at("answered") == [12.5]
    assert fate(read(an_adapter(), [*a_call()[:3], terminated()]).calls) == ANSWERED


def test_an_answer_is_told_after_a_minute_in_which_nothing_says_it_failed() -> None:
    adapter = an_adapter()
    later = freeswitch("agent-status-change", 72.5, CC_Agent="bob", CC_Agent_Status="Available")
    found = read(adapter, [*a_call()[:3], later], finish=False)
    assert found.at("answered") == [12.5]
    assert fate(read(adapter, [*a_call()[:2], end(200)]).calls).outcome is OutcomeKind.WAITING


def test_a_bridge_that_failed_was_no_answer_and_the_next_agent_may_answer() -> None:
    adapter = an_adapter()
    records = [
        *a_call()[:3],
        end(15.5, CC_Agent_Bridged="false"),
        offering(16, "bob"),
        pickup(20.25, "bob"),
        in_call(20.5, "bob"),
    ]
    found = read(adapter, records)
    assert found.of("answered").agent == "bob"
    assert fate(found.calls).wait_ms == 15_000
    assert adapter.anomalies == {"bridge_failed": 1}
    assert adapter.skipped["not_bridged:bridge-agent-end"] == 1


def test_a_caller_who_is_gone_when_the_agent_picks_up_abandoned() -> None:
    records = [*a_call()[:3], cancel(13, "BREAK_OUT"), end(15.5, CC_Agent_Bridged="false")]
    found = read(an_adapter(), records)
    assert fate(found.calls) == Fate(QUEUE, OutcomeKind.ABANDONED, 7_750, None)


def test_a_caller_who_hangs_up_just_as_the_bridge_stands_was_answered() -> None:
    records = [*a_call()[:3], cancel(13, "NONE"), end(13.5, CC_Agent_Bridged="true"), terminated()]
    found = read(an_adapter(), records)
    assert fate(found.calls)[1:3] == (OutcomeKind.ANSWERED, 7_250)
    late = read(an_adapter(), [*a_call()[:4], cancel(13, "NONE"), *a_call()[4:]])
    assert late.kinds() == ["queued", "offered", "answered", "ended"]


@pytest.mark.parametrize("cause", ["NO_ANSWER", "USER_BUSY", "CALL_REJECTED", "ALLOTTED_TIMEOUT"])
def test_an_offer_that_an_agent_did_not_take(cause: str) -> None:
    found = read(an_adapter(), [start(), offering(), fail(21.5, cause)])
    missed = found.of("ring_no_answer")
    assert (missed.agent, missed.reason, found.at("ring_no_answer")) == (
        "ann",
        cause.lower(),
        [21.5],
    )


@pytest.mark.parametrize("cause", ["ORIGINATOR_CANCEL", "LOSE_RACE"])
def test_a_ringing_that_somebody_else_ended_is_no_fault_of_the_agent(cause: str) -> None:
    adapter = an_adapter()
    found = read(adapter, [start(), offering(), fail(21.5, cause)])
    assert found.kinds() == ["queued", "offered"]
    assert adapter.skipped == {"ringing_canceled:bridge-agent-fail": 1}


def test_an_offer_that_was_not_seen_began_when_the_agent_was_called() -> None:
    found = read(an_adapter(), [start(), fail(21.5, "NO_ANSWER")])
    assert found.at("offered") == [6.5]
    standby = pickup().replace(str(START + 6).encode(), b"0")
    assert read(an_adapter(), [start(), standby, in_call()]).at("offered") == []


def test_hold_of_the_agents_channel() -> None:
    def channel(name: str, at: float, unique: str = "channel-ann") -> bytes:
        stamp = int((START + at) * 1_000_000)
        head = f"Event-Name: {name}\nEvent-Date-Timestamp: {stamp}\nUnique-ID: {unique}\n"
        return (head + f"Caller-Caller-ID-Number: {NUMBER}").encode()

    adapter = an_adapter()
    records = [
        *a_call()[:4],
        channel("CHANNEL_HOLD", 20),
        channel("CHANNEL_HOLD", 21),
        channel("CHANNEL_UNHOLD", 30),
        channel("CHANNEL_UNHOLD", 31),
        channel("CHANNEL_HOLD", 32, "session-1"),
        channel("CHANNEL_UNHOLD", 33, "session-1"),
        channel("CHANNEL_HOLD", 50),
        *a_call()[4:],
        channel("CHANNEL_HOLD", 61),
    ]
    found = read(adapter, records)
    assert fate(found.calls).handling == Handling(at_ms(60.5), 27_500, 20_500, 0)
    assert sum(adapter.skipped.values()) == 7


# -- clocks and identity


def test_without_the_events_own_clock_the_actions_times_in_seconds_serve() -> None:
    """An export of CC fields alone: whole seconds, as the module reckons."""
    told = times(joined=5, called=6, answered=12)
    records = [
        freeswitch("bridge-agent-start", None, **a_member(), **ANN, **told),
        freeswitch("bridge-agent-end", None, **a_member(), **ANN, **told, **times(terminated=60)),
    ]
    found = read(an_adapter(), records)
    assert fate(found.calls) == Fate(
        QUEUE, OutcomeKind.ANSWERED, 7_000, Handling(at_ms(60), 48_000, 0, 0)
    )
    assert found.at("offered") == [6]


@pytest.mark.parametrize("begun", [1, 2, 3, 4, 5])
def test_a_leg_is_named_alike_wherever_reading_began(begun: int) -> None:
    whole = read(an_adapter(), a_call()).calls
    part = read(an_adapter(), a_call()[begun:]).calls
    assert {(e.contact_id, e.leg, e.queue) for e in part} == {
        (e.contact_id, e.leg, e.queue) for e in whole
    }
    assert fate(part).outcome is OutcomeKind.ANSWERED
    assert fate(part).wait_ms == 7_000
    assert fate(part).handling == Handling(at_ms(60.5), 48_000, 0, 0)


def test_a_stream_read_twice_gives_the_same_ids() -> None:
    once = read(an_adapter(), a_call())
    twice = read(an_adapter(), [*a_call(), *a_call()])
    assert set(twice.ids()) == set(once.ids())
    assert fate(twice.calls) == fate(once.calls)


def test_the_time_of_receipt_serves_in_the_last_place() -> None:
    bare = freeswitch("member-queue-start", None, **a_member())
    record = bare + f"\nVane-Received: {START + 5}.25".encode()
    assert read(an_adapter(), [record]).at("queued") == [5.25]


def test_a_length_below_nought_is_counted_and_taken_as_nought() -> None:
    adapter = an_adapter()
    wrong = pickup(3.5)
    found = read(adapter, [wrong, in_call(4)])
    assert found.at("queued") == found.at("answered") == [3.5]
    assert adapter.anomalies == {"negative_duration": 2}


# -- agents


def agent(action: str, at: float, name: str = "ann", **fields: str) -> bytes:
    return freeswitch(action, at, CC_Agent=name, **fields)


def is_status(at: float, status: str) -> bytes:
    return agent("agent-status-change", at, CC_Agent_Status=status)


def is_state(at: float, state: str) -> bytes:
    return agent("agent-state-change", at, CC_Agent_State=state)


def test_a_day_of_an_agent() -> None:
    records = [
        agent("agent-add", 0, CC_Agent_Type="callback"),
        is_status(1, "Available"),
        start(5.25),
        is_state(6.4, "Receiving"),
        *a_call()[1:],
        is_state(60.6, "Waiting"),
        is_status(100, "On Break"),
        is_status(200, "Available (On Demand)"),
        is_state(210, "Idle"),
        is_state(220, "Waiting"),
        is_status(300, "Logged Out"),
    ]
    adapter = an_adapter()
    found = read(adapter, records)
    assert found.stands() == [
        (0, LOGGED_OUT),
        (1, AVAILABLE),
        (6.4, RINGING),
        (12.5, ON_CONTACT),
        (60.5, AVAILABLE),
        (100, BREAK),
        (200, AVAILABLE),
        (210, OTHER),
        (220, AVAILABLE),
        (300, LOGGED_OUT),
    ]
    assert [e.reason for e in found.states if e.reason] == ["On Break", "Idle"]


def test_status_and_state_may_be_named_otherwise() -> None:
    adapter = an_adapter(states={"on break": MEAL, "idle": AFTER_CALL_WORK})
    records = [is_status(1, "On Break"), is_status(2, "Available (On Demand)"), is_state(3, "Idle")]
    assert read(adapter, records).stands() == [(1, MEAL), (2, AVAILABLE), (3, AFTER_CALL_WORK)]


def test_answers_to_queries_tell_status_and_state_too() -> None:
    adapter = an_adapter()
    records = [
        agent("agent-status-get", 1, CC_Agent_Status="Available"),
        agent("agent-state-get", 2, CC_Agent_State="Reserved"),
        agent("agent-add", 3, CC_Agent_Type="callback"),
        agent("agent-uuid-get", 4, CC_Agent_UUID="x"),
        agent("agent-contact-change", 5, CC_Agent_Contact="user/0301234567"),
        agent("agent-max-no-answer", 6, CC_Agent_No_Answer_Count="3"),
        freeswitch("members-count", None, CC_Queue=QUEUE, CC_Count="3"),
    ]
    assert read(adapter, records).stands() == [(1, AVAILABLE), (2, RINGING)]
    assert adapter.skipped == {
        "no_change:agent-add": 1,
        "context:agent-uuid-get": 1,
        "context:agent-contact-change": 1,
        "context:agent-max-no-answer": 1,
        "context:members-count": 1,
    }


def test_a_state_alone_says_nothing_of_an_agent_whose_status_is_not_known() -> None:
    adapter = an_adapter()
    assert read(adapter, [is_state(1, "Waiting")]).states == []
    assert adapter.skipped == {"no_change:agent-state-change": 1}


def test_an_agent_who_goes_on_break_within_a_call_is_on_it_until_it_ends() -> None:
    records = [*a_call()[:4], is_status(30, "On Break"), *a_call()[4:]]
    assert read(an_adapter(), records).stands() == [(12.5, ON_CONTACT), (60.5, BREAK)]


def test_wrapup_lasts_as_configured() -> None:
    found = read(an_adapter(10), [is_status(0, "Available"), *a_call(), is_state(60.6, "Waiting")])
    assert fate(found.calls).handling == Handling(at_ms(70.5), 48_000, 0, 10_000)
    assert found.stands()[-2:] == [(60.5, AFTER_CALL_WORK), (70.5, AVAILABLE)]


@pytest.mark.parametrize(
    ("cut", "state"),
    [
        (is_status(64, "On Break"), BREAK),
        (is_status(64, "Logged Out"), LOGGED_OUT),
        (is_state(64, "In a queue call"), ON_CONTACT),
    ],
)
def test_wrapup_is_cut_by_the_next_call_a_pause_or_a_logout(cut: bytes, state: AgentState) -> None:
    found = read(an_adapter(10), [is_status(0, "Available"), *a_call(), cut], finish=False)
    assert found.at("wrapup_ended") == [64]
    assert found.stands()[-1] == (64, state)


def test_wrapup_runs_out_with_the_stream() -> None:
    records = [is_status(0, "Available"), *a_call(), is_state(90, "Receiving")]
    found = read(an_adapter(10), records, finish=False)
    assert found.stands()[-3:] == [(60.5, AFTER_CALL_WORK), (70.5, AVAILABLE), (90, RINGING)]


# -- bounds and messages


def test_a_leg_of_which_nothing_is_heard_is_let_go_and_counted() -> None:
    adapter = an_adapter()
    later = leg_book.MAX_AGE_MS / 1000 + 100
    read(adapter, [*a_call()[:4], start(13, 2), is_status(later, "Available")], finish=False)
    assert adapter.anomalies == {"never_ended": 2}
    calls = adapter._calls
    assert [len(calls), calls._by_channel, calls._picked_up] == [0, {}, {}]


def test_a_leg_that_is_over_leaves_nothing_behind() -> None:
    adapter = an_adapter()
    read(adapter, [*a_call(), is_status(1000, "Available")], finish=False)
    calls = adapter._calls
    assert [len(calls), calls._by_channel, calls._picked_up] == [0, {}, {}]
    assert adapter.anomalies == {}


def test_the_books_hold_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leg_book, "MOST_LEGS", 3)
    monkeypatch.setattr(freeswitch_agents, "MOST_AGENTS", 2)
    adapter = an_adapter()
    read(adapter, [start(n, n) for n in range(1, 6)], finish=False)
    read(adapter, [agent("agent-add", n, f"a{n}") for n in range(1, 5)])
    assert adapter.anomalies == {"book_full": 2, "time_went_back": 1}
    assert len(adapter._calls) == 3
    assert list(adapter._agents._agents) == ["a3", "a4"]


def test_what_is_no_event_of_ours_is_skipped_by_reason() -> None:
    adapter = an_adapter()
    records = [
        b"Content-Type: auth/request",
        b"Content-Type: command/reply\nReply-Text: +OK accepted",
        b"",
        b"Event-Name: HEARTBEAT\nEvent-Info: System%20Ready",
        b"Event-Name: CUSTOM\nEvent-Subclass: sofia%3A%3Aregister",
        b"Event-Name: CUSTOM\nEvent-Subclass: sofia%3A%3Aregister\nCC-Action: x",
        b"Event-Name: CHANNEL_CREATE\nvariable_music: HOLD",
        b"Event-Name: CUSTOM\nCC-Action:",
        freeswitch("agent-tea-break", 1, CC_Agent="ann"),
    ]
    assert read(adapter, records) == ([], [], [])
    assert adapter.skipped == {
        "response": 2,
        "blank": 1,
        "other_event:HEARTBEAT": 1,
        "other_event:CUSTOM": 1,
        "other_event:sofia::register": 1,
        "other_event:CHANNEL_CREATE": 1,
        "unknown_verb:none": 1,
        "unknown_verb:agent-tea-break": 1,
    }


@pytest.mark.parametrize(
    ("record", "reason", "words"),
    [
        (freeswitch("member-queue-start", None, **a_member()), "no_time", "Event-Date-Timestamp"),
        (start().replace(b"Timestamp: 17", b"Timestamp: x"), "bad_time", "microseconds"),
        (freeswitch("member-queue-start", 1, CC_Queue="q"), "missing_field", "cc-member-uuid"),
        (freeswitch("member-queue-start", 1, CC_Member_UUID="m"), "missing_field", "cc-queue"),
        (freeswitch("agent-offering", 1, **a_member()), "missing_field", "cc-agent"),
        (freeswitch("member-queue-end", 1, **a_member()), "missing_field", "cc-cause"),
        (
            freeswitch("member-queue-end", 1, **a_member(), CC_Cause="Bored"),
            "bad_value",
            "Terminated or Cancel, got 'bored'",
        ),
        (pickup().replace(str(START + 5).encode(), b"soon"), "bad_time", "cc-member-joined-time"),
        (b"hello", "no_event", "Event-Name"),
        (b"{}", "no_event", "Event-Name"),
        (b'{"CC-Action": ', "malformed_json", "JSON"),
        (b"{", "malformed_json", "JSON"),
        (b"CC-Action: x\nCC-Que", "malformed_line", "line 2"),
        (b"CC-Action: " + b"x" * 300_000, "too_large", "262144"),
    ],
)
def test_an_event_of_no_use_is_rejected_with_what_was_expected(
    record: bytes, reason: str, words: str
) -> None:
    adapter = an_adapter()
    (rejected,) = read(adapter, [record]).rejected
    assert rejected.reason == reason
    assert words in rejected.message
    assert not adapter.skipped


def test_a_rejected_event_is_kept_without_what_names_the_caller() -> None:
    record = freeswitch("member-queue-start", None, **a_member())
    record += b"\nCaller-ANI: 0301234567\nvariable_sip_from_user: 0301234567\nCaller-Username: 030"
    (rejected,) = read(an_adapter(), [record]).rejected
    assert b"030" not in rejected.raw
    assert b"Evelyn" not in rejected.raw
    assert NUMBER.lstrip("+").encode() not in rejected.raw
    assert b"CC-Member-UUID: member-1" in rejected.raw


def test_text_that_is_not_utf8_is_read_all_the_same() -> None:
    adapter = an_adapter()
    records = [r.replace(b"Evelyn", b"J\xfcrgen") for r in a_call()]
    assert read(adapter, records) == read(an_adapter(), a_call())
    assert adapter.anomalies == {"not_utf8": 5}


def test_every_event_is_accounted_for() -> None:
    adapter = an_adapter()
    records = [*a_call(), b"", b"junk", b"Event-Name: HEARTBEAT"]
    found = read(adapter, records)
    assert adapter.taken + sum(adapter.skipped.values()) + len(found.rejected) == len(records)
    assert adapter.taken == 4


def test_a_bridge_told_again_changes_nothing() -> None:
    adapter = an_adapter()
    read(adapter, [*a_call()[:4], pickup(), end(), end(), terminated()], finish=False)
    assert adapter.skipped == {
        "context:bridge-agent-start": 1,
        "no_change:bridge-agent-start": 1,
        "no_change:bridge-agent-end": 1,
        "context:member-queue-end": 1,
    }


def test_an_answer_that_was_told_too_soon_ends_with_its_bridge() -> None:
    """Another call of the same agent put the state to In a queue call."""
    adapter = an_adapter()
    found = read(adapter, [*a_call()[:4], end(15.5, CC_Agent_Bridged="false")])
    assert fate(found.calls).handling == Handling(at_ms(15.5), 3_000, 0, 0)
    assert adapter.anomalies == {"bridge_failed": 1}


def test_an_agent_whose_bridge_failed_is_known_by_the_last_channel_only() -> None:
    adapter = an_adapter()
    failed = end(15.5, CC_Agent_Bridged="false")
    read(adapter, [*a_call()[:3], failed, pickup(20, "bob"), in_call(21, "bob")], finish=False)
    assert list(adapter._calls._by_channel) == ["channel-bob"]
