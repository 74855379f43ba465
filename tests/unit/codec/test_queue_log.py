"""The quirks of queue_log, each as a log of its own: lines in, events out."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.codec.adapter import Adapter, Origin
from pipeline.codec.names import Names
from pipeline.codec.queue_log import QueueLogAdapter, QueueLogTableAdapter
from pipeline.codec.queue_log_fields import ARGUMENTS, read_line
from pipeline.codec.queue_log_stitcher import Stitcher
from pipeline.domain.events import AgentState, AgentStateEvent, CallEvent, Rejected, customer_ref
from pipeline.domain.refusal import Refusal, refusal_of

KEY = b"test-key"
T = 1_700_000_000


def origin(**fields: Any) -> Origin:
    return Origin(**({"client": "acme", "source": "pbx", "customer_key": KEY} | fields))


def told(*lines: str, adapter: QueueLogAdapter | None = None) -> list[Any]:
    """Return what an adapter tells of lines; a leading number is seconds after T."""
    adapter = adapter or QueueLogAdapter(origin())
    found: list[Any] = []
    for line in lines:
        seconds, _, rest = line.partition("|")
        found += adapter.feed(f"{T + int(seconds)}|{rest}".encode())
    return found


def story(*lines: str, adapter: QueueLogAdapter | None = None) -> list[str]:
    """Return the call events of lines, one text each: what, when, whose leg, by or why."""
    return [brief(e) for e in told(*lines, adapter=adapter) if isinstance(e, CallEvent)]


def brief(e: CallEvent) -> str:
    more = [e.agent, e.reason, e.transfer_kind, e.transfer_target]
    at = (e.occurred_at_ms / 1000) - T
    text = f"{e.type} {at:g} {e.contact_id}/{e.leg}@{e.queue}"
    return " ".join([text, *(str(m) for m in more if m is not None)])


def states(*lines: str, adapter: QueueLogAdapter | None = None) -> list[str]:
    return [
        f"{e.agent} {e.state} {(e.occurred_at_ms / 1000) - T:g}"
        + (f" {e.reason}" if e.reason else "")
        for e in told(*lines, adapter=adapter)
        if isinstance(e, AgentStateEvent)
    ]


def test_it_is_an_adapter_and_handles_every_verb_that_it_documents() -> None:
    adapter: Adapter = QueueLogAdapter(origin())
    assert adapter.skipped == {}
    stitcher = Stitcher(note=print, over=print, spent=print)
    assert set(stitcher.handlers) == set(ARGUMENTS)


def test_an_answered_call() -> None:
    assert story(
        "0|c1|q|NONE|ENTERQUEUE||4930123456|1",
        "10|c1|q|Ann|CONNECT|10|c1.b|4",
        "132|c1|q|Ann|COMPLETECALLER|10|122|1",
    ) == [
        "queued 0 c1/1@q",
        "offered 6 c1/1@q Ann",
        "answered 10 c1/1@q Ann",
        "ended 132 c1/1@q caller",
    ]


def test_a_callers_number_is_a_keyed_hash_on_the_first_event_and_nowhere_else() -> None:
    adapter = QueueLogAdapter(origin())
    events = told("0|c1|q|NONE|ENTERQUEUE||+49 30 123456|1|Erika", adapter=adapter)
    assert events[0].customer_ref == customer_ref(KEY, "4930123456")
    assert "123456" not in repr(events).replace(events[0].customer_ref, "")


def test_lengths_are_believed_where_clock_readings_are_a_second_off() -> None:
    assert story(
        "0|c1|q|NONE|ENTERQUEUE||1|1",
        "11|c1|q|Ann|CONNECT|10|b|4",
        "133|c1|q|Ann|COMPLETEAGENT|10|121|1",
    )[-2:] == ["answered 10 c1/1@q Ann", "ended 131 c1/1@q agent"]


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("9|c1|q|NONE|ABANDON|1|1|9", "abandoned 9 c1/1@q"),
        ("9|c1|q|NONE|EXITWITHTIMEOUT|1|1|9", "flowed_out 9 c1/1@q timeout"),
        ("9|c1|q|NONE|EXITEMPTY|1|1|9", "flowed_out 9 c1/1@q left_empty"),
        ("9|c1|q|NONE|LEAVEEMPTY", "flowed_out 9 c1/1@q left_empty"),
        ("9|c1|q|NONE|EXITWITHKEY|2|1|1|9", "callback_requested 9 c1/1@q"),
        ("9|c1|q|NONE|WITHDRAW|1|1|9|moved", "flowed_out 9 c1/1@q withdrawn"),
        ("9|c1|q|Ann|SYSCOMPAT", "flowed_out 9 c1/1@q syscompat"),
    ],
)
def test_ways_out_of_the_queue(line: str, event: str) -> None:
    assert story("0|c1|q|NONE|ENTERQUEUE||1|1", line) == ["queued 0 c1/1@q", event]


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        ("FULL", Refusal.FULL),
        ("DIVERT_CA_RATIO", Refusal.FULL),
        ("DIVERT_HOLDTIME", Refusal.FULL),
        ("CLOSED", Refusal.CLOSED),
        ("JOINEMPTY", Refusal.EMPTY),
    ],
)
def test_refusals_have_words_that_the_domain_knows(verb: str, kind: Refusal) -> None:
    (event,) = told(f"0|c1|q|NONE|{verb}")
    assert event.type == "refused"
    assert refusal_of(event.reason) is kind


def test_ringnoanswer_is_in_milliseconds_and_connects_ring_time_in_seconds() -> None:
    assert story(
        "0|c1|q|NONE|ENTERQUEUE||1|1",
        "20|c1|q|Bob|RINGNOANSWER|15000",
        "30|c1|q|Ann|CONNECT|30|b|5",
    )[1:] == [
        "offered 5 c1/1@q Bob",
        "ring_no_answer 20 c1/1@q Bob",
        "offered 25 c1/1@q Ann",
        "answered 30 c1/1@q Ann",
    ]


def test_an_abandon_may_name_the_agent_whose_announcement_was_playing() -> None:
    adapter = QueueLogAdapter(origin())
    lines = ("0|c1|q|NONE|ENTERQUEUE||1|1", "9|c1|q|Ann|ABANDON|1|1|9")
    assert story(*lines, adapter=adapter)[1:] == ["abandoned 9 c1/1@q"]
    assert adapter.anomalies == {"abandoned_at_an_agent": 1}


def test_an_agent_who_dumps_the_caller_let_it_ring_and_the_caller_waits_on() -> None:
    assert story(
        "0|c1|q|NONE|ENTERQUEUE||1|1",
        "9|c1|q|Bob|AGENTDUMP",
        "15|c1|q|Ann|CONNECT|15|b|5",
    )[1:] == [
        "offered 9 c1/1@q Bob",
        "ring_no_answer 9 c1/1@q Bob agent_dump",
        "offered 10 c1/1@q Ann",
        "answered 15 c1/1@q Ann",
    ]


def test_an_overflow_is_a_second_leg_of_the_same_contact() -> None:
    assert story(
        "0|c1|q1|NONE|ENTERQUEUE||1|1",
        "60|c1|q1|NONE|EXITWITHTIMEOUT|1|1|60",
        "60|c1|q2|NONE|ENTERQUEUE||1|1",
        "70|c1|q2|Ann|CONNECT|10|b|5",
    ) == [
        "queued 0 c1/1@q1",
        "flowed_out 60 c1/1@q1 timeout",
        "queued 60 c1/2@q2",
        "offered 65 c1/2@q2 Ann",
        "answered 70 c1/2@q2 Ann",
    ]


def test_a_call_that_enters_again_has_left_the_queue_before() -> None:
    adapter = QueueLogAdapter(origin())
    found = story(
        "0|c1|q1|NONE|ENTERQUEUE||1|1",
        "10|c1|q1|Ann|CONNECT|10|b|5",
        "50|c1|q2|NONE|ENTERQUEUE||1|1",
        "900|c1|q1|Ann|COMPLETECALLER|10|890|1",
        adapter=adapter,
    )
    assert "ended 50 c1/1@q1 entered_again" in found
    assert adapter.anomalies["entered_again_while_open"] == 1


@pytest.mark.parametrize(
    ("line", "kind", "target"),
    [
        ("70|c1|q|Ann|BLINDTRANSFER|200|ctx|10|60|1", "blind", "200"),
        ("70|c1|q|Ann|TRANSFER|200|ctx|10|60", "blind", "200"),
        ("70|c1|q|Ann|ATTENDEDTRANSFER|BRIDGE|200@ctx|10|60|1", "attended", "200"),
        ("70|c1|q|Ann|ATTENDEDTRANSFER|LINK|chan-a|chan-b|10|60|1", "attended", "chan-a"),
        ("70|c1|q|Ann|ATTENDEDTRANSFER|LINK|chan-a|chan-b|10|60\\|1", "attended", "chan-a"),
        ("70|c1|q|Ann|BLINDTRANSFER|q|queues|10|60|1", "blind", "queue:q"),
        ("70|c1|q|Ann|BLINDTRANSFER|desk|ctx|10|60|1", "blind", "queue:front desk"),
    ],
)
def test_transfers_tell_their_kind_their_target_and_the_end_of_the_talk(
    line: str, kind: str, target: str
) -> None:
    names = Names(queues={"desk": "front desk"})
    found = story(
        "0|c1|q|NONE|ENTERQUEUE||1|1",
        "10|c1|q|Ann|CONNECT|10|b|5",
        line,
        adapter=QueueLogAdapter(origin(names=names)),
    )
    assert found[-2:] == [
        f"transferred 70 c1/1@q {kind} {target}",
        "ended 70 c1/1@q transfer",
    ]


def test_the_number_a_call_is_transferred_to_reaches_no_event() -> None:
    found = told(
        "0|c1|q|NONE|ENTERQUEUE||1|1",
        "10|c1|q|Ann|CONNECT|10|b|5",
        "70|c1|q|Ann|BLINDTRANSFER|00493012345678|ctx|10|60|1",
    )
    assert "12345678" not in repr(found)
    transferred = next(e for e in found if isinstance(e, CallEvent) and e.type == "transferred")
    assert transferred.transfer_target is not None
    assert transferred.transfer_target.startswith("external:")


def test_an_attended_transfer_swaps_call_ids() -> None:
    """Asterisk issue 759: told under the consult call's id; the first call goes on under its own,
    in the second queue, without another ENTERQUEUE."""
    adapter = QueueLogAdapter(origin())
    assert story(
        "0|orig|1501|NONE|ENTERQUEUE||1|1",
        "12|orig|1501|PJSIP/7009|CONNECT|12|orig.b|11",
        "131|cons|1509|NONE|ENTERQUEUE||7009|1",
        "132|cons|1501|PJSIP/7009|ATTENDEDTRANSFER|APP|Queue|12|120|1",
        "138|orig|1509|PJSIP/7051|CONNECT|7|cons.b|6",
        "311|orig|1509|PJSIP/7051|COMPLETEAGENT|7|173|1",
        adapter=adapter,
    ) == [
        "queued 0 orig/1@1501",
        "offered 1 orig/1@1501 PJSIP/7009",
        "answered 12 orig/1@1501 PJSIP/7009",
        "queued 131 cons/1@1509",
        "transferred 132 orig/1@1501 attended queue:1509",
        "ended 132 orig/1@1501 transfer",
        "offered 132 cons/1@1509 PJSIP/7051",
        "answered 138 cons/1@1509 PJSIP/7051",
        "ended 311 cons/1@1509 agent",
    ]
    assert adapter.anomalies == {"call_id_swapped": 1}


def test_an_answer_without_an_entry_is_a_leg_that_entered_as_long_before_as_it_waited() -> None:
    adapter = QueueLogAdapter(origin())
    assert story("20|c1|q|Ann|CONNECT|7|b|5", adapter=adapter) == [
        "queued 13 c1/1@q",
        "offered 15 c1/1@q Ann",
        "answered 20 c1/1@q Ann",
    ]
    assert adapter.anomalies == {"no_queue_entry": 1}


def test_an_end_without_entry_and_answer_tells_all_three() -> None:
    assert story("406|c1|q|Ann|COMPLETECALLER|10|300|1") == [
        "queued 96 c1/1@q",
        "offered 106 c1/1@q Ann",
        "answered 106 c1/1@q Ann",
        "ended 406 c1/1@q caller",
    ]


def test_an_agent_on_two_calls_is_counted_as_odd_local_channels_hide_transfers() -> None:
    adapter = QueueLogAdapter(origin())
    told(
        "0|c1|q|NONE|ENTERQUEUE||1|1",
        "5|c1|q|Ann|CONNECT|5|b|5",
        "100|c2|q|NONE|ENTERQUEUE||1|1",
        "105|c2|q|Ann|CONNECT|5|b|5",
        "3605|c1|q|Ann|COMPLETECALLER|5|3600|1",
        adapter=adapter,
    )
    assert adapter.anomalies == {"agent_on_two_calls": 1}


def test_repeated_lines_tell_nothing_twice() -> None:
    adapter = QueueLogAdapter(origin())
    lines = (
        "0|c1|q|NONE|ENTERQUEUE||1|1",
        "10|c1|q|Ann|CONNECT|10|b|5",
        "20|c1|q|Ann|COMPLETEAGENT|10|10|1",
    )
    once = story(*lines, adapter=adapter)
    assert story(*lines, "20|c1|q|Ann|COMPLETEAGENT|10|10|4", adapter=adapter) == []
    assert len(once) == 4
    assert adapter.anomalies["repeated"] == 4


@pytest.mark.parametrize("end", ["|", "||", "\r"])
def test_a_trailing_bar_or_return_is_nothing(end: str) -> None:
    line = f"9|c1|q|NONE|ABANDON|1|1|9{end}"
    assert story("0|c1|q|NONE|ENTERQUEUE||1|1", line)[-1] == "abandoned 9 c1/1@q"


def test_an_escaped_bar_belongs_to_its_field() -> None:
    assert read_line(f"{T}|c|q|A|PAUSE|10\\|1")[1] == [str(T), "c", "q", "A", "PAUSE", "10|1"]


def test_a_fraction_of_a_second_is_kept() -> None:
    assert read_line("1700000000.123456|c|q|NONE|FULL")[0] == 1_700_000_000_123


def test_empty_lengths_fall_back_on_clock_readings() -> None:
    adapter = QueueLogAdapter(origin())
    assert story(
        "0|c1|q|NONE|ENTERQUEUE",
        "8|c1|q|Ann|CONNECT||b|",
        "20|c1|q|Ann|COMPLETEAGENT||",
        adapter=adapter,
    )[-2:] == ["answered 8 c1/1@q Ann", "ended 20 c1/1@q agent"]
    assert adapter.anomalies == {"wait_missing": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1700000000|c1|q|NONE", "missing_fields"),
        (b"yesterday|c1|q|NONE|FULL", "bad_time"),
        (b"1700000000|c1|q|Ann|CONNECT", "missing_fields"),
        (b"1700000000|c1|q|Ann|COMPLETEAGENT|5", "missing_fields"),
        (b"1700000000|c1|q|Ann|ATTENDEDTRANSFER|LINK|a|b|5", "missing_fields"),
        (b"1700000000|c1|q|Ann|CONNECT|-3|b|1", "negative_length"),
        (b"1700000000|c1|q|Ann|COMPLETEAGENT|3|ten|1", "bad_length"),
        (b"1700000000|NONE|q|NONE|ENTERQUEUE||1|1", "no_call_id"),
        (b"1700000000|c1|NONE|NONE|ENTERQUEUE||1|1", "no_queue"),
        (b"1700000000|c1|q|NONE|CONNECT|3|b|1", "no_agent"),
        (b"1700000000|c1|q|J\xfcrgen|CONNECT|3|b|1", "not_utf8"),
    ],
)
def test_a_line_that_cannot_be_used_says_why_and_the_rest_goes_on(line: bytes, reason: str) -> None:
    adapter = QueueLogAdapter(origin())
    (found,) = adapter.feed(line)
    assert isinstance(found, Rejected)
    assert (found.reason, found.raw) == (reason, line)
    assert "expected" in found.message
    assert len(adapter.feed(b"1700000001|c1|q|NONE|ENTERQUEUE||1|1")) == 1


def test_verbs_that_say_nothing_and_unknown_ones_are_counted_by_name() -> None:
    adapter = QueueLogAdapter(origin())
    for verb in ("CONFIGRELOAD", "DID|030123", "NEWVERB", "4930123456", ""):
        assert told(f"0|c|q|NONE|{verb}", adapter=adapter) == []
    assert adapter.feed(b"   ") == []
    assert adapter.skipped == {
        "verb:CONFIGRELOAD": 1,
        "verb:DID": 1,
        "unknown_verb:NEWVERB": 1,
        "unknown_verb:(not a verb)": 2,
        "blank": 1,
    }


def test_a_member_of_two_queues_is_logged_in_until_the_last_and_paused_only_in_both() -> None:
    assert states(
        "0|NONE|q1|Ann|ADDMEMBER|",
        "1|NONE|q2|Ann|ADDMEMBER|",
        "10|NONE|q1|Ann|PAUSE|lunch",
        "20|NONE|q2|Ann|PAUSE|lunch",
        "30|NONE|q1|Ann|UNPAUSE|",
        "40|NONE|q1|Ann|REMOVEMEMBER|",
        "50|NONE|q2|Ann|REMOVEMEMBER|",
    ) == [
        "Ann available 0",
        "Ann break 20 lunch",
        "Ann available 30",
        "Ann break 40",
        "Ann logged_out 50",
    ]


def test_a_member_added_paused_takes_no_calls() -> None:
    assert states("0|NONE|q|Ann|ADDMEMBER|PAUSED") == ["Ann break 0"]


@pytest.mark.parametrize("kind", ["AGENT", "AGENTCALLBACK"])
def test_both_kinds_of_login(kind: str) -> None:
    assert states(
        f"0|NONE|NONE|Agent/1|{kind}LOGIN|SIP/1",
        "10|NONE|NONE|Agent/1|PAUSEALL|meal",
        f"20|NONE|NONE|Agent/1|{kind}LOGOFF|SIP/1|20|CommandLogoff",
        "21|NONE|NONE|Agent/1|UNPAUSEALL|",
    ) == ["Agent/1 available 0", "Agent/1 meal 10 meal", "Agent/1 logged_out 20"]


def test_pause_reasons_have_the_states_that_the_origin_names() -> None:
    names = Names(states={"coaching": AgentState.TRAINING})
    adapter = QueueLogAdapter(origin(names=names))
    assert states("0|NONE|NONE|A|PAUSEALL|Coaching", adapter=adapter) == ["A training 0 Coaching"]


def test_an_agent_is_on_a_contact_then_in_wrap_up_then_available_again() -> None:
    adapter = QueueLogAdapter(origin())
    assert states(
        "0|NONE|q|Ann|ADDMEMBER|",
        "5|c1|q|NONE|ENTERQUEUE||1|1",
        "10|c1|q|Ann|CONNECT|5|b|5",
        "60|c1|q|Ann|COMPLETECALLER|5|50|1",
        "60|c1|q|Ann|WRAPUPSTART|30",
        "100|c2|q|NONE|ENTERQUEUE||1|1",
        adapter=adapter,
    ) == [
        "Ann available 0",
        "Ann on_contact 10",
        "Ann available 60",
        "Ann after_call_work 60",
        "Ann available 90",
    ]


def test_wrap_up_that_the_log_ends_in_is_over_when_the_log_is() -> None:
    adapter = QueueLogAdapter(origin())
    told("0|NONE|NONE|Ann|WRAPUPSTART|30", adapter=adapter)
    (event,) = adapter.finish()
    assert isinstance(event, AgentStateEvent)
    assert (event.state, event.occurred_at_ms) == (AgentState.AVAILABLE, (T + 30) * 1000)


def test_wrap_up_of_a_call_is_on_its_leg_too() -> None:
    found = story(
        "0|c1|q|NONE|ENTERQUEUE||1|1",
        "10|c1|q|Ann|CONNECT|10|b|5",
        "60|c1|q|Ann|COMPLETECALLER|10|50|1",
        "60|c1|q|Ann|WRAPUPSTART|30",
    )
    assert found[-2:] == ["wrapup_started 60 c1/1@q", "wrapup_ended 90 c1/1@q"]


def test_time_going_back_is_counted() -> None:
    adapter = QueueLogAdapter(origin())
    told("100|c1|q|NONE|FULL", "0|c2|q|NONE|FULL", adapter=adapter)
    assert adapter.anomalies == {"time_went_back": 1}


def test_a_rotated_copy_gives_the_same_ids() -> None:
    lines = ("0|c1|q|NONE|ENTERQUEUE||1|1", "9|c1|q|NONE|ABANDON|1|1|9", "9|NONE|q|A|ADDMEMBER|")
    assert [e.event_id for e in told(*lines)] == [e.event_id for e in told(*lines)]
    assert len({e.event_id for e in told(*lines)}) == 3


# --- the table -----------------------------------------------------------------------------------

HEADER = "id,time,callid,queuename,agent,event,data1,data2,data3,data4,data5"


def rows(*lines: str, zone: str | None = None, header: str = HEADER) -> tuple[list[Any], Any]:
    adapter = QueueLogTableAdapter(origin(zone=None if zone is None else ZoneInfo(zone)))
    found = [event for line in (header, *lines) for event in adapter.feed(line.encode())]
    return found, adapter


def test_a_row_has_microseconds_and_local_time_that_the_zone_places() -> None:
    found, adapter = rows(
        "1,2025-07-01 10:00:00.123456,c1,q,NONE,ENTERQUEUE,,030,1,,",
        "2,2025-07-01 10:00:04.500000,c1,q,Ann,CONNECT,4,b,2,,",
        zone="Europe/Berlin",
    )
    assert found[0].occurred_at_ms == 1_751_356_800_123
    assert found[2].occurred_at_ms == 1_751_356_804_123
    assert adapter.skipped == {"header": 1}


def test_columns_are_found_by_name_in_any_order_and_times_may_be_epochs_or_have_offsets() -> None:
    found, _ = rows(
        "FULL;q;NONE;c1;1700000000.5",
        "FULL;q;NONE;c2;2023-11-14 23:13:20+01:00",
        header="event;queue;agent;callid;time",
    )
    assert [e.occurred_at_ms for e in found] == [1_700_000_000_500, 1_700_000_000_000]


def test_a_table_with_one_data_column_holds_all_arguments_in_it() -> None:
    found, _ = rows(
        "1700000000,c1,q,NONE,ENTERQUEUE,|030|1",
        "1700000009,c1,q,NONE,ABANDON,1|1|9",
        header="time,callid,queuename,agent,event,data",
    )
    assert [brief(e) for e in found] == ["queued 0 c1/1@q", "abandoned 9 c1/1@q"]


def test_the_last_column_holds_what_is_left_over() -> None:
    found, _ = rows(
        "1,1700000000,c1,q,NONE,ENTERQUEUE,,030,1,,",
        "2,1700000010,c1,q,Ann,CONNECT,10,b,2,,",
        "3,1700000070,c1,q,Ann,ATTENDEDTRANSFER,LINK,a,b,10,60|1",
    )
    assert [brief(e) for e in found if isinstance(e, CallEvent)][-1] == "ended 70 c1/1@q transfer"


def test_a_local_time_without_a_zone_is_refused() -> None:
    found, _ = rows("1,2025-07-01 10:00:00,c1,q,NONE,FULL,,,,,")
    assert found[0].reason == "no_zone"
    assert "2025-07-01 10:00:00" in found[0].message


def test_a_time_shown_twice_is_the_first_and_counted_one_never_shown_is_counted() -> None:
    found, adapter = rows(
        "1,2025-10-26 02:30:00,c1,q,NONE,FULL,,,,,",
        "2,2025-03-30 02:30:00,c2,q,NONE,FULL,,,,,",
        "3,2025-03-30 03:30:00,c3,q,NONE,FULL,,,,,",
        zone="Europe/Berlin",
    )
    assert found[0].occurred_at_ms == 1_761_438_600_000  # 00:30 UTC, still summer time
    assert adapter.anomalies["time_shown_twice"] == 1
    assert adapter.anomalies["time_never_shown"] == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2025-13-01 10:00:00,c1,q,NONE,FULL,,,,,", "bad_time"),
        ("1,2025-07-01 10:00:00,c1,q,NONE,FULL", "missing_fields"),
        ("1,2025-07-01 10:00:00,c1,q,NONE,FULL,,,,,,", "extra_fields"),
        ('1,"2025-07-01 10:00:00"x,c1,q,NONE,FULL,,,,,', "bad_csv"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(line: str, reason: str) -> None:
    found, _ = rows(line, zone="UTC")
    assert found[0].reason == reason


def test_a_table_without_a_header_is_refused_line_by_line() -> None:
    adapter = QueueLogTableAdapter(origin())
    (found,) = adapter.feed(b"1,2025-07-01 10:00:00,c1,q,NONE,FULL,,,,,")
    assert isinstance(found, Rejected)
    assert found.reason == "no_header"
