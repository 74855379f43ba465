"""How waits and talks end where Asterisk's queue does not say: AMI's quirks, one by one."""

from __future__ import annotations

import pytest

from pipeline.codec import ami_dialplan
from pipeline.codec.ami import AmiAdapter
from pipeline.domain.events import AgentState, TransferKind
from pipeline.domain.outcome import Handling, OutcomeKind
from tests.pbx_streams import START, Read, a_call, ami, an_origin, caller, fate, fates, member, read
from tests.pbx_streams import status as member_status


def an_adapter() -> AmiAdapter:
    return AmiAdapter(an_origin())


def at_ms(seconds: float) -> int:
    return int((START + seconds) * 1000)


def channels() -> bytes:
    """Return an event of class ``call``: the stream has channels."""
    return ami("Newchannel", 1, Uniqueid="1.1")


def dialplan() -> bytes:
    """Return an event of class ``dialplan``: the stream would have QUEUESTATUS."""
    return ami("VarSet", 1, Uniqueid="1.1", Variable="X", Value="1")


def gave_up(at: float = 35, waited: int = 30) -> list[bytes]:
    """Return what Asterisk sends of an abandon and of a timeout alike."""
    who = caller()
    return [
        ami("QueueCallerJoin", 5, **who),
        ami("QueueCallerAbandon", at, **who, OriginalPosition=1, HoldTime=waited),
        ami("QueueCallerLeave", at, **who),
    ]


def queue_status(value: str, at: float = 35.01) -> bytes:
    return ami("VarSet", at, **caller(), Variable="QUEUESTATUS", Value=value)


def hangup(at: float) -> bytes:
    return ami("Hangup", at, **caller(), Cause=16)


def later(at: float = 1000) -> bytes:
    return ami("QueueMemberAdded", at, **member_status("zoe"))


def outcome(found: Read) -> tuple[OutcomeKind, int, str | None]:
    reasons = [event.reason for event in found.calls if event.type == "flowed_out"]
    return *fate(found.calls)[1:3], reasons[0] if reasons else None


ABANDONED = (OutcomeKind.ABANDONED, 30_000, None)


def left(reason: str) -> tuple[OutcomeKind, int, str]:
    return OutcomeKind.FLOWED_OUT, 30_000, reason


# -- QueueCallerAbandon is sent on a hang-up, a timeout and an empty queue alike


def test_a_stream_of_the_queues_events_alone_cannot_tell_and_takes_asterisks_word() -> None:
    found = read(an_adapter(), gave_up(), finish=False)
    assert outcome(found) == ABANDONED


def test_a_caller_who_asked_to_hang_up_abandoned() -> None:
    asked = ami("HangupRequest", 34.9, **caller(), Cause=16)
    join, *rest = gave_up()
    found = read(an_adapter(), [channels(), join, asked, *rest], finish=False)
    assert outcome(found) == ABANDONED


def test_a_caller_whose_channel_is_gone_already_abandoned() -> None:
    join, *rest = gave_up()
    found = read(an_adapter(), [channels(), join, hangup(34.9), *rest], finish=False)
    assert outcome(found) == ABANDONED


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("TIMEOUT", "timeout"),
        ("LEAVEEMPTY", "left_empty"),
        ("LEAVEUNAVAIL", "left_empty"),
        ("WITHDRAW", "withdrawn"),
        ("NEWWORD", "left"),
    ],
)
def test_queuestatus_says_that_the_queue_gave_the_call_back(value: str, reason: str) -> None:
    adapter = an_adapter()
    assert read(adapter, [dialplan(), *gave_up()], finish=False).kinds() == ["queued"]
    found = read(adapter, [queue_status(value), hangup(36)])
    assert found.kinds() == ["flowed_out"]
    assert (found.of("flowed_out").reason, found.at("flowed_out")) == (reason, [35])


@pytest.mark.parametrize("gone", [35.2, 50])
def test_without_a_queuestatus_in_a_stream_that_would_have_it_the_caller_abandoned(
    gone: float,
) -> None:
    found = read(an_adapter(), [dialplan(), *gave_up(), hangup(gone)], finish=False)
    assert outcome(found) == ABANDONED


def test_without_the_dialplan_a_prompt_hang_up_is_an_abandon_and_a_late_one_is_not() -> None:
    prompt = read(an_adapter(), [channels(), *gave_up(), hangup(45)], finish=False)
    assert outcome(prompt) == ABANDONED
    late = read(an_adapter(), [channels(), *gave_up(), hangup(45.001)], finish=False)
    assert outcome(late) == left("left")


def test_a_caller_who_joins_the_next_queue_flowed_out() -> None:
    next_join = ami("QueueCallerJoin", 36, **caller(queue="service"))
    found = read(an_adapter(), [channels(), *gave_up(), next_join], finish=False)
    assert found.of("flowed_out").reason == "left"
    assert found.at("flowed_out") == [35]


def test_after_a_minute_of_the_stream_what_did_not_come_decides() -> None:
    with_channels = read(an_adapter(), [channels(), *gave_up(), later(94.999)], finish=False)
    assert with_channels.kinds() == ["queued"]
    with_channels = read(an_adapter(), [channels(), *gave_up(), later(95)], finish=False)
    assert outcome(with_channels) == left("left")
    with_dialplan = read(an_adapter(), [dialplan(), *gave_up(), later(95)], finish=False)
    assert outcome(with_dialplan) == ABANDONED


def test_at_the_end_of_the_input_a_caller_who_just_gave_up_abandoned() -> None:
    assert outcome(read(an_adapter(), [channels(), *gave_up()])) == ABANDONED
    assert outcome(read(an_adapter(), [channels(), *gave_up(), later(50)])) == left("left")


def test_an_abandon_told_twice_counts_once() -> None:
    """Asterisk sends it twice of a caller who hangs up while the agent hears an announcement."""
    join, abandon, leave = gave_up()
    records = [channels(), join, *a_call()[1:2], abandon, abandon, leave, hangup(35.1)]
    found = read(an_adapter(), records, finish=False)
    assert found.kinds() == ["queued", "offered", "abandoned"]
    assert found.stands()[-1] == (35.1 - 0.1, AgentState.AVAILABLE)


# -- a leave with neither abandon nor answer


@pytest.mark.parametrize("end", [[hangup(50)], [later(95)], []])
def test_a_leave_without_an_abandon_is_an_exit_by_key(end: list[bytes]) -> None:
    join, _, leave = gave_up()
    found = read(an_adapter(), [join, leave, *end])
    assert outcome(found) == left("exit_with_key")


def test_a_leave_waits_for_what_follows_it() -> None:
    join, _, leave = gave_up()
    adapter = an_adapter()
    assert read(adapter, [join, leave, later(94.999)], finish=False).kinds() == ["queued"]
    next_join = ami("QueueCallerJoin", 94.999, **caller(queue="service"))
    found = read(adapter, [next_join], finish=False)
    assert found.of("flowed_out").reason == "exit_with_key"


def test_a_leave_at_the_end_of_the_input_while_an_agent_rings_is_left_open() -> None:
    """The agent's macro or gosub may be running: AgentConnect comes after it."""
    adapter = an_adapter()
    assert read(adapter, a_call()[:3]).kinds() == ["queued", "offered"]
    assert adapter.anomalies == {"undecided_at_end": 1}


def test_an_answer_that_comes_after_its_leave_was_decided_is_counted() -> None:
    adapter = an_adapter()
    join, _, leave = gave_up()
    who = caller()
    connect = ami("AgentConnect", 96, **who, **member(), HoldTime=91, RingTime=0)
    found = read(adapter, [join, leave, later(95), connect])
    assert adapter.anomalies == {"answered_after_leaving": 1}
    assert fate(found.calls).outcome is OutcomeKind.FLOWED_OUT


def test_a_join_without_a_leave_before_it_ends_the_wait_that_was() -> None:
    adapter = an_adapter()
    records = [
        ami("QueueCallerJoin", 5, **caller()),
        ami("QueueCallerJoin", 36, **caller(queue="service")),
    ]
    found = read(adapter, records, finish=False)
    assert found.at("flowed_out") == [36]
    assert adapter.anomalies == {"joined_without_leaving": 1}


# -- talks that end by transfer


def complete(at: float, who: dict[str, object], name: str, reason: str) -> bytes:
    told = {"HoldTime": 9, "TalkTime": int(at) - 30, "Reason": reason}
    return ami("AgentComplete", at, **who, **member(name), **told)


CONSULT = caller(2, "second", Uniqueid=f"{START + 20}.30", Linkedid=f"{START + 20}.30")


def consulted() -> list[bytes]:
    """Return a call whose agent calls the queue ``second``, where bob answers at 30 s."""
    return [
        *a_call()[:4],
        ami("QueueCallerJoin", 21, **CONSULT),
        ami("AgentConnect", 30, **CONSULT, **member("bob"), HoldTime=9, RingTime=1),
    ]


def attended(at: float = 45, **fields: object) -> bytes:
    values: dict[str, object] = {
        "Result": "Success",
        "DestType": "Bridge",
        "OrigTransfererUniqueid": member()["DestUniqueid"],
        "OrigTransfererLinkedid": f"{START}.1",
        "SecondTransfererUniqueid": CONSULT["Uniqueid"],
        "SecondTransfererLinkedid": CONSULT["Linkedid"],
        "TransfereeUniqueid": f"{START}.1",
        "TransfereeLinkedid": f"{START}.1",
        "TransferTargetCallerIDNum": "202",
    }
    return ami("AttendedTransfer", at, **(values | fields))


def second(found: Read) -> Handling | None:
    return fates(found.calls)[str(CONSULT["Linkedid"]), 2, "second"].handling


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize(
    ("gone", "reason"), [(member("bob")["DestUniqueid"], "agent"), (f"{START}.1", "caller")]
)
def test_the_consulted_agent_talks_on_with_the_customer(
    order: tuple[int, ...], gone: str, reason: str
) -> None:
    """Asterisk completes both legs by transfer; the ids swap (asterisk 759)."""
    three = [
        attended(),
        complete(45, caller(), "ann", "transfer"),
        complete(45, CONSULT, "bob", "transfer"),
    ]
    records = [
        *consulted(),
        *(three[n] for n in order),
        ami("Hangup", 45.1, Uniqueid=CONSULT["Uniqueid"], Linkedid=CONSULT["Linkedid"]),
        ami("Hangup", 45.1, Uniqueid=member()["DestUniqueid"], Linkedid=f"{START}.1"),
        later(150),
        ami("Hangup", 200, Uniqueid=gone, Linkedid=f"{START}.1"),
    ]
    found = read(an_adapter(), records, finish=False)
    handed = found.of("transferred")
    assert (handed.transfer_kind, handed.transfer_target) == (
        TransferKind.ATTENDED,
        "queue:second",
    )
    assert fates(found.calls)[f"{START}.1", 6, "sales"].handling == Handling(
        at_ms(45), 32_500, 0, 0
    )
    assert second(found) == Handling(at_ms(200), 170_000, 0, 0)
    assert [e.reason for e in found.calls if e.type == "ended"] == ["transfer", reason]
    assert found.stands("bob") == [(30, AgentState.ON_CONTACT), (200, AgentState.AVAILABLE)]


@pytest.mark.parametrize("is_local", [False, True])
def test_where_the_queue_goes_on_it_ends_the_consulted_leg_itself(
    is_local: bool,  # noqa: FBT001 - a case
) -> None:
    """Found by the agent's channel, or by the customer's in the agent's place."""
    swapped = caller(1, "second") if is_local else CONSULT | {"Uniqueid": "x", "Linkedid": "y"}
    records = [*consulted(), attended(), complete(200, swapped, "bob", "caller")]
    assert second(read(an_adapter(), records)) == Handling(at_ms(200), 170_000, 0, 0)


def test_a_consulted_queue_that_has_not_answered_yet_answers_the_customer() -> None:
    connect = ami("AgentConnect", 30, **caller(1, "second"), **member("bob"), HoldTime=9)
    records = [*consulted()[:5], attended(25, DestType="App", DestApp="Queue"), connect]
    found = read(an_adapter(), records)
    waited = fates(found.calls)[str(CONSULT["Linkedid"]), 2, "second"]
    assert waited[1:3] == (OutcomeKind.ANSWERED, 9_000)


def test_a_conference_hands_nothing_over() -> None:
    adapter = an_adapter()
    found = read(adapter, [*consulted(), attended(DestType="Threeway")])
    assert "transferred" not in found.kinds()
    assert adapter.skipped["conference:AttendedTransfer"] == 1


@pytest.mark.parametrize("end", [[later(62.5)], []])
def test_a_completion_by_transfer_whose_transfer_is_not_told_ends_all_the_same(
    end: list[bytes],
) -> None:
    records = [*a_call()[:4], complete(60.5, caller(), "ann", "transfer"), *end]
    found = read(an_adapter(), records, finish=not end)
    assert fate(found.calls).handling == Handling(at_ms(60.5), 48_000, 0, 0)
    assert found.of("ended").reason == "transfer"


def test_an_abandon_or_an_answer_told_again_later_changes_nothing() -> None:
    adapter = an_adapter()
    records = [*gave_up(), gave_up()[1], *a_call()[:4], a_call()[3]]
    found = read(adapter, records, finish=False)
    assert adapter.skipped["no_change:QueueCallerAbandon"] == 1
    assert found.at("answered") == [12.5, 12.5]
    assert len({event.event_id for event in found.calls if event.type == "answered"}) == 1


def test_an_attended_transfer_that_failed_or_says_nothing_of_its_target() -> None:
    adapter = an_adapter()
    alone = {"SecondTransfererUniqueid": "", "TransferTargetCallerIDNum": "<unknown>"}
    records = [*a_call()[:4], attended(44, Result="Fail"), attended(45, **alone)]
    assert read(adapter, records).of("transferred").transfer_target == "unknown"
    assert adapter.skipped["transfer_failed:AttendedTransfer"] == 1
    stranger = an_adapter()
    assert read(stranger, [attended()]).calls == []
    assert stranger.skipped == {"no_leg:AttendedTransfer": 1}


def test_the_dialplan_of_a_bounded_number_of_calls_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_dialplan, "MOST_CALLS", 2)
    adapter = an_adapter()
    steps = [
        ami("Newexten", n, Uniqueid=f"1.{n}", Application="Queue", AppData=f"q{n}|t")
        for n in range(1, 5)
    ]
    nothing = ami("Newexten", 5, Uniqueid="1.4", Application="Queue", AppData="")
    other = ami("Newexten", 5, Uniqueid="1.3", Application="NoOp", AppData="Queue is full")
    full = [
        ami("VarSet", 6, Uniqueid=f"1.{n}", Variable="QUEUESTATUS", Value="FULL")
        for n in range(1, 5)
    ]
    found = read(adapter, [*steps, nothing, other, *full])
    assert [event.queue for event in found.calls] == ["q3"]
    assert adapter.skipped["refused_by_unknown_queue:VarSet"] == 3
