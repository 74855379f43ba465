"""Genesys Cloud conversations: participants, sessions and segments become legs and their facts."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.codec.genesys import GenesysAdapter
from pipeline.codec.names import Names
from pipeline.domain.events import customer_ref
from pipeline.domain.outbound import dial
from pipeline.domain.outcome import OutcomeKind
from tests.adapted import KEY, Adapted, adapt, an_origin, outcome, seconds

NUMBER = "tel:+4930123456789"
START = 1_772_445_600_000


def at(second: float | None) -> str | None:
    if second is None:
        return None
    minute, rest = divmod(second, 60)
    return f"2026-03-02T10:{int(minute):02d}:{rest:06.3f}Z"


def a_segment(kind: str, start: float, end: float | None, **changes: Any) -> dict[str, Any]:
    segment = {"segmentType": kind, "segmentStart": at(start), "segmentEnd": at(end)}
    return {k: v for k, v in (segment | changes).items() if v is not None}


def a_participant(
    purpose: str, *segments: dict[str, Any], metrics: dict[str, int] | None = None, **changes: Any
) -> dict[str, Any]:
    session = {
        "sessionId": f"s-{purpose}",
        "mediaType": "voice",
        "direction": "inbound",
        "metrics": [
            {"name": name, "value": value, "emitDate": at(0)}
            for name, value in (metrics or {}).items()
        ],
        "segments": list(segments),
    }
    who = {"userId": changes.pop("user")} if "user" in changes else {}
    return {"purpose": purpose, "sessions": [session | changes], **who}


def acd(start: float, end: float | None, queue: str = "q1", **changes: Any) -> dict[str, Any]:
    kind = changes.pop("kind", "interact")
    disconnect = changes.pop("disconnect", None)
    segment = a_segment(kind, start, end, queueId=queue, disconnectType=disconnect)
    return a_participant("acd", segment, **changes)


def an_agent(
    *segments: tuple[str, float, float | None],
    queue: str = "q1",
    user: str = "u1",
    disconnect: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    made = [a_segment(kind, start, end, queueId=queue) for kind, start, end in segments]
    if disconnect:
        made[-1]["disconnectType"] = disconnect
    return a_participant("agent", *made, user=user, **changes)


CUSTOMER = a_participant(
    "customer", a_segment("interact", 0, 300, disconnectType="endpoint"), ani=NUMBER, dnis="tel:+1"
)
IVR = a_participant("ivr", a_segment("ivr", 0, 10, disconnectType="transfer"))


def a_conversation(*participants: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "conversationId": "conv-1",
        "conversationStart": at(0),
        "conversationEnd": at(300),
        "originatingDirection": "inbound",
        "participants": [CUSTOMER, IVR, *participants],
    } | changes


A_TALK = (
    ("alert", 20, 25),
    ("interact", 25, 60),
    ("hold", 60, 75),
    ("interact", 75, 100),
    ("hold", 100, 105),
    ("interact", 105, 120),
    ("wrapup", 120, 150),
)


def told(*participants: dict[str, Any], **changes: Any) -> Adapted:
    return adapt(GenesysAdapter, [a_conversation(*participants, **changes)])


def test_an_answered_call_has_wait_talk_holds_and_wrap_up() -> None:
    found = told(acd(10, 25, metrics={"nOffered": 1, "tAnswered": 15_000}), an_agent(*A_TALK))
    assert seconds(found.only) == (15, 75, 20, 30)
    assert list(found.facts) == [("conv-1", 1, "q1")]
    assert found.only.offers == {(START + 20_000, "u1")}
    assert len(found.only.holds or {}) == 2
    assert found.only.customer_ref == customer_ref(KEY, NUMBER)
    assert "30123456789" not in str(found.calls)


def test_a_page_a_list_and_one_conversation_say_the_same() -> None:
    one = a_conversation(acd(10, 25), an_agent(*A_TALK))
    plain = adapt(GenesysAdapter, [one])
    assert adapt(GenesysAdapter, [[one]]).calls == plain.calls
    assert adapt(GenesysAdapter, [{"conversations": [one], "totalHits": 1}]).calls == plain.calls
    assert adapt(GenesysAdapter, [{"conversations": []}]).skipped == {"empty_list": 1}


def test_a_conversation_read_again_when_it_has_grown_repeats_its_ids() -> None:
    early = told(acd(10, 25), an_agent(("alert", 20, 25), ("interact", 25, None)))
    late = told(acd(10, 25), an_agent(*A_TALK))
    assert {e.event_id for e in early.calls} < {e.event_id for e in late.calls}
    assert early.only.ended is None


@pytest.mark.parametrize(
    ("changes", "kind", "wait"),
    [
        ({"metrics": {"tAbandon": 12_345}}, OutcomeKind.ABANDONED, 12_345),
        ({"disconnect": "endpoint"}, OutcomeKind.ABANDONED, 20_000),
        (
            {"metrics": {"tFlowOut": 20_000}, "flowOutType": "VOICEMAIL"},
            OutcomeKind.FLOWED_OUT,
            20_000,
        ),
        ({"disconnect": "transfer"}, OutcomeKind.FLOWED_OUT, 20_000),
        ({"disconnect": "timeout"}, OutcomeKind.FLOWED_OUT, 20_000),
    ],
)
def test_how_a_wait_without_an_agent_ended(
    changes: dict[str, Any], kind: OutcomeKind, wait: int
) -> None:
    found = outcome(told(acd(10, 30, **changes)).only)
    assert (found.kind, found.wait_ms) == (kind, wait)


def test_a_flow_out_keeps_its_type_as_the_reason() -> None:
    found = told(acd(10, 30, metrics={"tFlowOut": 20_000}, flowOutType="TRANSFER_QUEUE"))
    assert found.only.flowed_out == (START + 30_000, "TRANSFER_QUEUE")


def test_a_call_that_still_waits_has_no_outcome() -> None:
    assert outcome(told(acd(10, None)).only).kind is OutcomeKind.WAITING


def test_each_entry_into_a_queue_is_a_leg() -> None:
    found = told(
        acd(10, 40, metrics={"tFlowOut": 30_000}, flowOutType="TRANSFER_QUEUE"),
        acd(40, 50, "q2"),
        an_agent(("alert", 45, 50), ("interact", 50, 80), queue="q2"),
    )
    assert {leg[1:]: outcome(facts).kind for leg, facts in found.facts.items()} == {
        (1, "q1"): OutcomeKind.FLOWED_OUT,
        (2, "q2"): OutcomeKind.ANSWERED,
    }


def test_coming_back_to_a_queue_is_another_leg_with_its_own_agent() -> None:
    found = told(
        acd(10, 20),
        an_agent(("interact", 20, 40), user="u1"),
        acd(50, 60),
        an_agent(("interact", 60, 80), user="u2"),
    )
    answered = {leg[1]: facts.answered for leg, facts in found.facts.items()}
    assert answered == {1: (START + 20_000, "u1"), 2: (START + 60_000, "u2")}


def test_an_agent_who_let_it_ring_and_the_next_who_answered() -> None:
    found = told(
        acd(10, 40),
        an_agent(("alert", 12, 27), user="u1", metrics={"tNotResponding": 15_000}),
        an_agent(("alert", 30, 40), ("interact", 40, 60), user="u2"),
    )
    assert found.only.no_answers == {(START + 27_000, "u1")}
    assert found.only.offers == {(START + 12_000, "u1"), (START + 30_000, "u2")}
    assert found.only.answered == (START + 40_000, "u2")


def test_ringing_until_the_caller_hung_up_is_no_agents_fault() -> None:
    found = told(acd(10, 30, metrics={"tAbandon": 20_000}), an_agent(("alert", 20, 30)))
    assert found.only.no_answers is None
    assert outcome(found.only).kind is OutcomeKind.ABANDONED


@pytest.mark.parametrize("kind", ["monitoring", "coaching", "barging"])
def test_a_supervisor_who_listens_in_has_not_handled(kind: str) -> None:
    found = told(acd(10, 25), an_agent(*A_TALK), an_agent((kind, 20, 30), user="boss"))
    assert seconds(found.only) == (15, 75, 20, 30)
    assert found.anomalies == {"listened_in": 1}


TO_Q2 = [acd(121, 130, "q2"), an_agent(("interact", 130, 140), queue="q2", user="u2")]
TO_AGENT = [an_agent(("interact", 121, 130), queue="", user="u2")]
OUTSIDE = [a_participant("external", a_segment("interact", 121, 200), dnis="tel:+18005550100")]


@pytest.mark.parametrize(
    ("changes", "after", "label"),
    [
        ({"metrics": {"nTransferred": 1, "nBlindTransferred": 1}}, TO_Q2, "blind:queue:q2"),
        ({"metrics": {"nConsultTransferred": 1}}, TO_Q2, "attended:queue:q2"),
        ({"disconnect": "consultTransfer"}, TO_AGENT, "attended:agent:u2"),
        ({"disconnect": "transfer"}, TO_AGENT, "blind:agent:u2"),
        ({"metrics": {"nTransferred": 1}}, [], "blind:external:unknown"),
    ],
)
def test_a_transfer_has_a_kind_and_leads_to_what_came_next(
    changes: dict[str, Any], after: list[dict[str, Any]], label: str
) -> None:
    found = told(acd(10, 25), an_agent(*A_TALK, **changes), *after).of("q1")
    assert found.transferred == (START + 120_000, label)


def test_a_transfer_outside_shows_no_number() -> None:
    found = told(acd(10, 25), an_agent(*A_TALK, disconnect="transfer"), *OUTSIDE)
    assert found.only.transferred is not None
    assert found.only.transferred[1].startswith("blind:external:")
    assert "5550100" not in str(found.calls)


@pytest.mark.parametrize(
    "changes", [{"disconnect": "conferenceTransfer"}, {"disconnect": "endpoint"}]
)
def test_a_conference_is_no_transfer(changes: dict[str, Any]) -> None:
    found = told(acd(10, 25), an_agent(*A_TALK, **changes), *TO_AGENT)
    assert found.only.transferred is None
    assert seconds(found.only) == (15, 75, 20, 30)
    assert found.anomalies == {"agent_without_queue": 1}


def test_a_consult_that_began_during_the_hold_is_a_leg_of_its_own() -> None:
    found = told(
        acd(10, 25),
        an_agent(*A_TALK, metrics={"nConsultTransferred": 1}),
        acd(62, 70, "q2"),
        an_agent(("interact", 70, 200), queue="q2", user="u2"),
    )
    assert found.of("q1").transferred == (START + 120_000, "attended:queue:q2")
    assert outcome(found.of("q2")).wait_ms == 8_000


def test_a_second_agent_in_the_same_leg_is_odd_and_not_its_answer() -> None:
    found = told(acd(10, 25), an_agent(*A_TALK), an_agent(("interact", 50, 90), user="u2"))
    assert seconds(found.only) == (15, 75, 20, 30)
    assert found.anomalies == {"more_agents_on_leg": 1}


def test_who_asks_for_a_callback_has_not_abandoned_and_waits_as_another_leg() -> None:
    called_back = acd(40, 100, mediaType="callback", kind="interact")
    found = told(
        acd(10, 45, disconnect="endpoint"),
        called_back,
        an_agent(("alert", 95, 100), ("interact", 100, 160), mediaType="callback"),
    )
    first, second = (outcome(facts) for facts in found.facts.values())
    assert (first.kind, first.wait_ms) == (OutcomeKind.CALLBACK, 30_000)
    assert (second.kind, second.wait_ms) == (OutcomeKind.ANSWERED, 60_000)


def test_nobody_waits_for_a_callback_before_it_is_due() -> None:
    session = a_participant(
        "acd",
        a_segment("scheduled", 10, 200, queueId="q1"),
        a_segment("interact", 200, 210, queueId="q1"),
        mediaType="callback",
    )
    assert told(session).only.queued_at == START + 200_000


def an_outbound(*participants: dict[str, Any], **customer: Any) -> dict[str, Any]:
    called = a_participant(
        "customer",
        a_segment("dialing", 0, 8),
        *([a_segment("interact", 8, 60)] if customer.pop("reached", True) else []),
        direction="outbound",
        ani="tel:+18005550100",
        dnis=NUMBER,
        **customer,
    )
    return {
        "conversationId": "conv-2",
        "conversationStart": at(0),
        "conversationEnd": at(90),
        "originatingDirection": "outbound",
        "participants": [called, *participants],
    }


def test_an_agents_own_call_is_dialed_reached_and_handled() -> None:
    agent = an_agent(
        ("contacting", 0, 1),
        ("dialing", 1, 8),
        ("interact", 8, 60),
        ("wrapup", 60, 70),
        direction="outbound",
    )
    found = adapt(GenesysAdapter, [an_outbound(agent)])
    attempt = dial(found.of("q1"))
    assert attempt is not None
    assert (attempt.dialed_at, attempt.is_live, attempt.is_answered) == (START, True, True)
    assert found.only.customer_ref == customer_ref(KEY, NUMBER)


@pytest.mark.parametrize(
    ("disposition", "by"),
    [
        ("disposition.classification.callable.person", "human"),
        ("disposition.classification.callable.machine", "machine"),
        ("", "unknown"),
    ],
)
def test_a_campaign_call_says_who_picked_up(disposition: str, by: str) -> None:
    document = an_outbound(outboundCampaignId="camp", dispositionName=disposition)
    found = adapt(GenesysAdapter, [document])
    assert found.only.connected == (START + 8_000, by)
    assert list(found.facts) == [("conv-2", 1, "unqueued")]


def test_a_campaign_call_that_nobody_answered_is_dialed_and_over() -> None:
    found = adapt(GenesysAdapter, [an_outbound(reached=False, outboundCampaignId="camp")])
    attempt = dial(found.only)
    assert attempt is not None
    assert not attempt.is_connected
    assert found.only.ended is not None


def test_a_campaign_call_goes_to_its_queue_and_counts_as_one_leg() -> None:
    agent = an_agent(("alert", 9, 9.5), ("interact", 9.5, 60))
    found = adapt(GenesysAdapter, [an_outbound(acd(8, 9.5), agent, outboundCampaignId="camp")])
    attempt = dial(found.of("q1"))
    assert attempt is not None
    assert (attempt.is_answered, attempt.is_abandoned) == (True, False)
    assert len(found.facts) == 1


def test_a_caller_who_hangs_up_in_the_menu_abandons_before_the_queue() -> None:
    menu = a_participant("ivr", a_segment("ivr", 0, 10, disconnectType="peer"))
    document = a_conversation() | {"participants": [CUSTOMER, menu]}
    found = adapt(GenesysAdapter, [document])
    assert found.only.before_queue == {START + 300_000}


def test_a_conversation_without_a_queue_is_no_leg() -> None:
    assert told().skipped == {"never_queued": 1}


def test_names_are_mapped_by_id() -> None:
    names = Names(queues={"q1": "orders"}, agents={"u1": "ann"})
    document = a_conversation(acd(10, 25), an_agent(*A_TALK))
    found = adapt(GenesysAdapter, [document], an_origin(names))
    assert found.of("orders").answered == (START + 25_000, "ann")


def test_an_answer_whose_agent_is_not_shown_is_odd() -> None:
    found = told(acd(10, 25, metrics={"tAnswered": 15_000}))
    assert found.only.answered == (START + 25_000, "unknown")
    assert found.anomalies == {"answered_by_nobody": 1}


def test_only_watching_a_screen_is_no_session_of_a_leg() -> None:
    found = told(acd(10, 25), an_agent(*A_TALK), an_agent(*A_TALK, mediaType="screenshare"))
    assert found.anomalies == {}


def test_segments_that_cannot_be_are_counted_as_odd() -> None:
    found = told(
        acd(10, 25),
        an_agent(("alert", 20, 25), ("interact", 25, 20)),
        a_participant("agent", {"segmentType": "interact"}, user="u9"),
    )
    assert found.anomalies == {"time_backwards": 1, "segment_without_start": 1}


@pytest.mark.parametrize(
    ("changes", "reason", "named"),
    [
        ({"conversationId": ""}, "missing_field", "conversationId"),
        ({"participants": "nobody"}, "wrong_type", "participants"),
        ({"participants": [{"purpose": "acd", "sessions": [5]}]}, "wrong_type", "sessions"),
        (
            {"participants": [acd(1, 2) | {"sessions": [{"metrics": [{"value": "x"}]}]}]},
            "wrong_type",
            "participants[0].sessions[0].metrics[0].value",
        ),
    ],
)
def test_what_cannot_be_used_is_rejected_by_name_and_the_rest_goes_on(
    changes: dict[str, Any], reason: str, named: str
) -> None:
    bad, good = a_conversation(acd(1, 2), **changes), a_conversation(acd(1, 2))
    found = adapt(GenesysAdapter, [{"conversations": [bad, good]}])
    (rejected,) = found.rejected
    assert rejected.reason == reason
    assert named in rejected.message
    assert len(found.facts) == 1
