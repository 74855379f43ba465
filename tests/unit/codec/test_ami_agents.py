"""Agents of an Asterisk PBX: one state at a time from memberships, phones and calls."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.codec import ami_members
from pipeline.codec.ami import AmiAdapter
from pipeline.domain.events import AgentState
from pipeline.domain.outcome import Handling
from tests.pbx_streams import (
    START,
    a_call,
    ami,
    an_origin,
    caller,
    fate,
    fates,
    member,
    read,
    status,
)

AVAILABLE, BREAK, MEAL = AgentState.AVAILABLE, AgentState.BREAK, AgentState.MEAL
RINGING, ON_CONTACT = AgentState.RINGING, AgentState.ON_CONTACT
AFTER_CALL_WORK, LOGGED_OUT = AgentState.AFTER_CALL_WORK, AgentState.LOGGED_OUT
OTHER = AgentState.OTHER


def an_adapter(wrapup_s: int = 0, **names: object) -> AmiAdapter:
    return AmiAdapter(an_origin(**names), wrapup_s=wrapup_s)


def test_a_day_of_an_agent() -> None:
    records = [
        ami("QueueMemberAdded", 0, **status()),
        *a_call(),
        ami("QueueMemberPause", 100, **status(Paused=1, PausedReason="Lunch")),
        ami("QueueMemberPause", 200, **status()),
        ami("QueueMemberRemoved", 300, **status()),
    ]
    found = read(an_adapter(states={"lunch": MEAL}), records)
    assert found.stands() == [
        (0, AVAILABLE),
        (6.5, RINGING),
        (12.5, ON_CONTACT),
        (60.5, AVAILABLE),
        (100, MEAL),
        (200, AVAILABLE),
        (300, LOGGED_OUT),
    ]
    assert [event.reason for event in found.states if event.state is MEAL] == ["Lunch"]


def test_the_names_and_fields_before_asterisk_12() -> None:
    ann = {"Queue": "sales", "Location": "SIP/ann", "MemberName": "ann"}
    records = [
        ami("QueueMemberAdded", 0, **ann, Paused=0, Status=1),
        ami("QueueMemberPaused", 5, **ann, Paused=1, Reason="Coffee"),
    ]
    found = read(an_adapter(), records)
    assert found.stands() == [(0, AVAILABLE), (5, BREAK)]
    assert found.states[-1].reason == "Coffee"


def test_an_agent_is_paused_only_when_paused_in_every_queue() -> None:
    adapter = an_adapter()
    paused: dict[str, Any] = {"Paused": 1, "PausedReason": "admin"}
    records = [
        ami("QueueMemberAdded", 0, **status()),
        ami("QueueMemberAdded", 0, **status(queue="service")),
        ami("QueueMemberPause", 5, **status(**paused)),
        ami("QueueMemberPause", 6, **status(queue="service", **paused)),
        ami("QueueMemberRemoved", 7, **status()),
        ami("QueueMemberRemoved", 8, **status(queue="service")),
    ]
    assert read(adapter, records).stands() == [(0, AVAILABLE), (6, BREAK), (8, LOGGED_OUT)]
    assert adapter.skipped == {
        "no_change:QueueMemberAdded": 1,
        "no_change:QueueMemberPause": 1,
        "no_change:QueueMemberRemoved": 1,
    }


@pytest.mark.parametrize(
    ("device", "state", "reason"),
    [
        (0, AVAILABLE, None),
        (1, AVAILABLE, None),
        (2, OTHER, "in_use"),
        (3, OTHER, "in_use"),
        (4, LOGGED_OUT, "unavailable"),
        (5, LOGGED_OUT, "unavailable"),
        (6, RINGING, None),
        (7, RINGING, None),
        (8, OTHER, "in_use"),
    ],
)
def test_a_device_outside_of_queue_calls(
    device: int, state: AgentState, reason: str | None
) -> None:
    found = read(an_adapter(), [ami("QueueMemberStatus", 1, **status(Status=device))])
    (event,) = found.states
    assert (event.state, event.reason) == (state, reason)


def test_a_phone_in_use_on_other_calls_can_be_named_a_state() -> None:
    adapter = an_adapter(states={"in_use": AgentState.BACK_OFFICE})
    found = read(adapter, [ami("QueueMemberStatus", 1, **status(Status=2))])
    assert found.stands() == [(1, AgentState.BACK_OFFICE)]


def test_a_phones_states_within_a_queue_call_are_the_calls() -> None:
    calls = a_call()
    records = [
        ami("QueueMemberAdded", 0, **status()),
        *calls[:2],
        ami("QueueMemberStatus", 7, **status(Status=6)),
        ami("QueueMemberStatus", 10.4, **status(Status=2, InCall=1)),
        *calls[2:],
        ami("QueueMemberStatus", 60.6, **status(Status=1)),
    ]
    assert read(an_adapter(), records).stands() == [
        (0, AVAILABLE),
        (6.5, RINGING),
        (12.5, ON_CONTACT),
        (60.5, AVAILABLE),
    ]


def test_a_phone_that_rang_out_rings_no_longer_whatever_it_said_last() -> None:
    who = caller()
    records = [
        *a_call()[:2],
        ami("QueueMemberStatus", 7, **status(Status=6)),
        ami("AgentRingNoAnswer", 21.5, **who, **member(), RingTime=15000),
    ]
    assert read(an_adapter(), records).stands() == [(6.5, RINGING), (21.5, AVAILABLE)]


def test_a_snapshot_of_members() -> None:
    entry = {"Queue": "sales", "Name": "ann", "Location": "PJSIP/ann", "Wrapuptime": 10}
    records = [
        ami("QueueMember", 1, **entry, Status=1, Paused=1, PausedReason="Training"),
        ami("QueueMember", 2, **entry, Status=1, Paused=1, PausedReason="Training"),
    ]
    adapter = an_adapter(states={"training": AgentState.TRAINING})
    assert read(adapter, records).stands() == [(1, AgentState.TRAINING)]


def test_agents_of_the_agent_pool_log_in_and_off() -> None:
    adapter = an_adapter(agents={"1001": "ann"})
    records = [
        ami("AgentLogin", 1, Agent="1001", Channel="PJSIP/1", Uniqueid="1.1"),
        ami("AgentLogin", 2, Agent="1001", Channel="PJSIP/1", Uniqueid="1.1"),
        ami("AgentLogoff", 9, Agent="1001", Logintime=8),
        ami("AgentLogoff", 9, Agent="1001", Logintime=8),
    ]
    assert read(adapter, records).stands() == [(1, AVAILABLE), (9, LOGGED_OUT)]
    assert adapter.skipped == {"no_change:AgentLogin": 1, "no_change:AgentLogoff": 1}


# -- wrap-up: no event tells of it; it is the least of the configured time and what comes next


def wrapping(*after: bytes, own_s: int = 10) -> list[bytes]:
    return [ami("QueueMemberAdded", 0, **status(Wrapuptime=own_s)), *a_call(), *after]


def test_wrapup_lasts_as_long_as_the_member_has() -> None:
    after = ami("QueueMemberAdded", 80, **status("bob"))
    found = read(an_adapter(), wrapping(after), finish=False)
    assert fate(found.calls).handling == Handling((START + 70) * 1000 + 500, 48_000, 0, 10_000)
    assert found.stands()[-2:] == [(60.5, AFTER_CALL_WORK), (70.5, AVAILABLE)]


def test_wrapup_ends_with_the_input_as_configured() -> None:
    found = read(an_adapter(), wrapping())
    assert found.at("wrapup_ended") == [70.5]


@pytest.mark.parametrize(
    ("cut", "state"),
    [
        (ami("QueueMemberPause", 64, **status(Paused=1, Wrapuptime=10)), BREAK),
        (ami("QueueMemberRemoved", 64, **status()), LOGGED_OUT),
        (ami("AgentLogoff", 64, Agent="ann"), LOGGED_OUT),
        (ami("QueueMemberStatus", 64, **status(Status=5, Wrapuptime=10)), LOGGED_OUT),
        (
            ami("AgentConnect", 64, **caller(2), **member(), HoldTime=1, RingTime=0),
            ON_CONTACT,
        ),
    ],
)
def test_wrapup_is_cut_by_the_next_call_a_pause_or_a_logout(cut: bytes, state: AgentState) -> None:
    found = read(an_adapter(), wrapping(cut), finish=False)
    assert found.at("wrapup_ended") == [64]
    assert found.stands()[-1] == (64, state)
    (handled,) = [f.handling for f in fates(found.calls).values() if f.handling]
    assert handled.acw_ms == 3_500


def test_wrapup_is_not_cut_by_a_ringing_phone() -> None:
    ringing = ami("QueueMemberStatus", 64, **status(Status=6, Wrapuptime=10))
    found = read(an_adapter(), wrapping(ringing))
    assert found.at("wrapup_ended") == [70.5]
    assert found.stands()[-2:] == [(60.5, AFTER_CALL_WORK), (70.5, RINGING)]


def test_the_queues_wrapup_is_for_members_without_their_own() -> None:
    assert read(an_adapter(5), wrapping(own_s=0)).at("wrapup_ended") == [65.5]
    assert read(an_adapter(5), a_call()).at("wrapup_ended") == [65.5]
    assert read(an_adapter(5), wrapping(own_s=10)).at("wrapup_ended") == [70.5]
    assert read(an_adapter(), a_call()).at("wrapup_started") == []


def test_two_calls_at_once_are_one_contact_and_wrapup_follows_the_last() -> None:
    two, line = caller(2), member(DestUniqueid=f"{START}.99")
    records = wrapping()
    records[5:5] = [ami("AgentConnect", 20, **two, **line, HoldTime=1, RingTime=0)]
    done = {"HoldTime": 1, "TalkTime": 60, "Reason": "agent"}
    records.append(ami("AgentComplete", 80, **two, **line, **done))
    found = read(an_adapter(), records)
    assert found.at("wrapup_started") == [80]
    assert found.stands()[-3:] == [(12.5, ON_CONTACT), (80, AFTER_CALL_WORK), (90, AVAILABLE)]


def test_a_bounded_number_of_agents_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_members, "MOST_AGENTS", 2)
    adapter = an_adapter()
    read(adapter, [ami("QueueMemberAdded", n, **status(f"a{n}")) for n in range(5)])
    assert list(adapter._members._members) == ["a3", "a4"]


@pytest.mark.parametrize("field", ["Status", "Wrapuptime"])
def test_a_member_with_a_bad_number_is_rejected_and_changes_nothing(field: str) -> None:
    adapter = an_adapter()
    bad: dict[str, Any] = {field: "x", "Paused": 1}
    records = [
        ami("QueueMemberAdded", 0, **status()),
        ami("QueueMemberStatus", 1, **status(**bad)),
        ami("QueueMemberStatus", 2, **status()),
    ]
    found = read(adapter, records)
    assert [rejected.reason for rejected in found.rejected] == ["bad_number"]
    assert found.stands() == [(0, AVAILABLE)]
