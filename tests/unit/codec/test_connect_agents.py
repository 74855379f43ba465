"""Amazon Connect's agent event stream: status and contacts at once, heart-beats, holds, misses."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.codec.connect_agents import ConnectAgentAdapter
from pipeline.codec.names import Names
from pipeline.domain.agent_session import ClosedBy, sessions
from pipeline.domain.agent_terms import AgentTermHistory
from pipeline.domain.events import AgentState
from tests.adapted import Adapted, adapt, an_origin, seconds
from tests.agent_logs import FIRST

HISTORY = AgentTermHistory((0,), (FIRST,))
ARN = "arn:aws:connect:eu-central-1:1:instance/i"


def at(time: str) -> str:
    return f"2026-03-02T{time}Z"


def a_contact(state: str, since: str, **changes: Any) -> dict[str, Any]:
    return {
        "ContactId": "c-1",
        "InitialContactId": None,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "State": state,
        "StateStartTimestamp": at(since),
        "QueueTimestamp": at("10:00:00.000"),
        "ConnectedToAgentTimestamp": None,
        "Queue": {"ARN": f"{ARN}/queue/q1", "Name": "orders"},
    } | changes


def a_snapshot(status: str, *contacts: dict[str, Any], kind: str = "") -> dict[str, Any]:
    types = {"Available": "ROUTABLE", "Offline": "OFFLINE"}
    return {
        "AgentStatus": {
            "Name": status,
            "Type": kind or types.get(status, "CUSTOM"),
            "StartTimestamp": at("09:00:00"),
        },
        "Configuration": {"Username": "ann"},
        "Contacts": list(contacts),
    }


def an_event(
    kind: str, time: str, now: dict[str, Any], before: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "AgentARN": f"{ARN}/agent/a1",
        "EventId": f"{kind}-{time}",
        "EventTimestamp": at(time),
        "EventType": kind,
        "CurrentAgentSnapshot": now,
        "PreviousAgentSnapshot": before,
    }


def a_day(*snapshots: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the state changes that lead through some snapshots."""
    befores = [None, *(snapshot for _, snapshot in snapshots)]
    return [
        an_event("STATE_CHANGE", time, now, before)
        for (time, now), before in zip(snapshots, befores, strict=False)
    ]


UP = {"ConnectedToAgentTimestamp": at("10:00:20.000")}
A_CALL = a_day(
    ("09:59:00", a_snapshot("Available")),
    ("10:00:10", a_snapshot("Available", a_contact("CONNECTING", "10:00:10.000"))),
    ("10:00:20", a_snapshot("Available", a_contact("CONNECTED", "10:00:20.000", **UP))),
    ("10:01:00", a_snapshot("Available", a_contact("CONNECTED_ONHOLD", "10:01:00.000", **UP))),
    ("10:01:15", a_snapshot("Available", a_contact("CONNECTED", "10:01:15.000", **UP))),
    ("10:02:00", a_snapshot("Available", a_contact("CONNECTED_ONHOLD", "10:02:00.000", **UP))),
    ("10:02:05", a_snapshot("Available", a_contact("CONNECTED", "10:02:05.000", **UP))),
    ("10:03:00", a_snapshot("Available", a_contact("ENDED", "10:03:00.000", **UP))),
    ("10:03:30", a_snapshot("Available")),
)


def states(found: Adapted, part: str = "") -> list[str]:
    return [e.state for e in found.states if e.source == f"acd{part}"]


def test_a_call_is_followed_through_ringing_talk_holds_and_wrap_up() -> None:
    found = adapt(ConnectAgentAdapter, A_CALL)
    assert seconds(found.only) == (20, 140, 20, 30)
    assert found.only.offers == {(1_772_445_610_000, "ann")}
    assert len(found.only.holds or {}) == 2
    assert states(found, "/contacts") == [
        *("logged_out", "ringing", "on_contact", "on_contact", "on_contact", "on_contact"),
        *("on_contact", "after_call_work", "logged_out"),
    ]
    assert set(states(found)) == {"available"}


def test_the_same_facts_come_in_any_order_and_any_number_of_times() -> None:
    plain, mixed = (
        adapt(ConnectAgentAdapter, day) for day in (A_CALL, A_CALL[::-1] + A_CALL[3:] + A_CALL)
    )
    assert mixed.facts == plain.facts
    assert {e.event_id for e in mixed.states} == {e.event_id for e in plain.states}


def test_two_states_at_once_are_two_sources() -> None:
    talking = a_contact("CONNECTED", "10:00:20.000", **UP)
    found = adapt(ConnectAgentAdapter, a_day(("10:00:20", a_snapshot("Lunch", talking))))
    assert [(e.source, e.state, e.reason) for e in found.states] == [
        ("acd", AgentState.OTHER, "Lunch"),
        ("acd/contacts", AgentState.ON_CONTACT, None),
    ]


def test_a_custom_status_is_the_state_that_its_name_stands_for() -> None:
    origin = an_origin(Names(states={"lunch": AgentState.MEAL}, agents={"ann": "Anna"}))
    found = adapt(ConnectAgentAdapter, a_day(("10:00:00", a_snapshot("Lunch"))), origin)
    assert next((e.agent, e.state) for e in found.states) == ("Anna", AgentState.MEAL)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("Available", AgentState.AVAILABLE),
        ("Offline", AgentState.LOGGED_OUT),
        ("Coaching", AgentState.OTHER),
    ],
)
def test_a_status_without_a_type_goes_by_its_name(name: str, state: AgentState) -> None:
    snapshot = a_snapshot(name)
    del snapshot["AgentStatus"]["Type"]
    assert states(adapt(ConnectAgentAdapter, a_day(("10:00:00", snapshot)))) == [state]


def test_an_unknown_type_of_status_is_other_and_counted() -> None:
    day = a_day(("10:00:00", a_snapshot("Zen", kind="MYSTIC")))
    found = adapt(ConnectAgentAdapter, day)
    assert (states(found), found.anomalies) == (["other"], {"unknown_status_type:MYSTIC": 1})


@pytest.mark.parametrize(
    ("state", "reason"), [("MISSED", "missed"), ("REJECTED", "rejected"), ("ERROR", None)]
)
def test_an_offer_that_came_to_nothing(state: str, reason: str | None) -> None:
    day = a_day(
        ("10:00:10", a_snapshot("Available", a_contact("CONNECTING", "10:00:10.000"))),
        ("10:00:30", a_snapshot("Available", a_contact(state, "10:00:30.000"))),
        ("10:00:35", a_snapshot("Available")),
    )
    found = adapt(ConnectAgentAdapter, day)
    missed = [e for e in found.calls if e.type == "ring_no_answer"]
    assert [e.reason for e in missed] == ([reason] if reason else [])
    assert found.only.answered is None
    assert states(found, "/contacts")[1:] == ["logged_out", "logged_out"]


def test_a_hold_whose_start_the_stream_leaves_out_began_with_the_event() -> None:
    held = a_contact("CONNECTED_ONHOLD", "10:00:20.000", **UP)
    up = a_contact("CONNECTED", "10:00:20.000", **UP)
    day = a_day(
        ("10:00:20", a_snapshot("Available", up)),
        ("10:01:00", a_snapshot("Available", held)),
        ("10:01:15", a_snapshot("Available", up)),
        ("10:02:00", a_snapshot("Available", held)),
        ("10:02:05", a_snapshot("Available")),
    )
    found = adapt(ConnectAgentAdapter, day)
    assert seconds(found.only) == (20, 85, 20, 0)
    lost = adapt(ConnectAgentAdapter, [day[0], day[2]])
    assert lost.anomalies == {"hold_without_start": 1}


def test_listening_in_is_neither_a_leg_nor_a_contact() -> None:
    listening = a_contact("CONNECTED", "10:00:20.000", InitiationMethod="MONITOR", **UP)
    found = adapt(ConnectAgentAdapter, a_day(("10:00:20", a_snapshot("Available", listening))))
    assert (found.calls, states(found, "/contacts")) == ([], ["logged_out"])


def test_a_call_that_an_agent_dialed_does_not_queue() -> None:
    own = a_contact("CONNECTED", "10:00:20.000", InitiationMethod="OUTBOUND", **UP)
    found = adapt(ConnectAgentAdapter, a_day(("10:00:20", a_snapshot("Available", own))))
    assert found.only.queued_at is None
    assert found.only.answered is not None


def test_heart_beats_keep_a_session_open_and_their_loss_closes_it() -> None:
    talking = a_snapshot("Available", a_contact("CONNECTED", "10:00:20.000", **UP))
    day = [
        an_event("LOGIN", "10:00:00", a_snapshot("Available")),
        *a_day(("10:00:20", talking)),
        an_event("HEART_BEAT", "10:02:20", talking, talking),
        an_event("HEART_BEAT", "10:04:20", talking, talking),
    ]
    found = adapt(ConnectAgentAdapter, day)
    assert [e.reason for e in found.states if e.reason] == ["heartbeat"] * 4
    both = sessions(found.states, HISTORY)
    assert [(s.source, s.closed_by) for s in both] == [
        ("acd", ClosedBy.HEARTBEAT_LOSS),
        ("acd/contacts", ClosedBy.HEARTBEAT_LOSS),
    ]
    assert both[0].last_sign_ms == 1_772_445_860_000


def test_a_logout_ends_both_and_heart_beats_after_it_do_not_begin_anew() -> None:
    up = a_snapshot("Available")
    day = [
        an_event("LOGIN", "10:00:00", up),
        an_event("HEART_BEAT", "10:02:00", up, up),
        an_event("LOGOUT", "10:03:00", a_snapshot("Available")),
        an_event("HEART_BEAT", "10:05:00", up, up),
        an_event("LOGIN", "10:06:00", up),
        an_event("HEART_BEAT", "10:08:00", up, up),
    ]
    found = adapt(ConnectAgentAdapter, day)
    assert found.skipped == {"heart_beat_after_logout": 1}
    closed = [s.closed_by for s in sessions(found.states, HISTORY) if s.source == "acd"]
    assert closed == [ClosedBy.LOGOUT, ClosedBy.HEARTBEAT_LOSS]
    again = adapt(ConnectAgentAdapter, day + day)
    assert {e.event_id for e in again.states} == {e.event_id for e in found.states}


def test_the_published_heart_beat_of_an_agent_who_is_offline_opens_no_session() -> None:
    off = a_snapshot("Offline")
    found = adapt(ConnectAgentAdapter, [an_event("HEART_BEAT", "10:00:00", off, off)])
    assert states(found) == ["logged_out"]
    assert sessions(found.states, HISTORY) == []


def test_unknown_kinds_are_counted_and_what_lacks_a_time_or_an_agent_is_rejected() -> None:
    nameless = an_event("LOGIN", "10:00:00", {"Configuration": {}}) | {"AgentARN": None}
    documents = [
        an_event("TELEPORT", "10:00:00", a_snapshot("Available")),
        an_event("LOGIN", "10:00:00", a_snapshot("Available")) | {"EventTimestamp": None},
        nameless,
    ]
    found = adapt(ConnectAgentAdapter, documents)
    assert found.skipped == {"unknown_event:TELEPORT": 1}
    assert [r.reason for r in found.rejected] == ["missing_field", "missing_field"]
