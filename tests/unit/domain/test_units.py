"""What a definition counts, leg by leg and contact by contact: each choice at its edge."""

from __future__ import annotations

from typing import Any

from pipeline.domain.definition import Attribution, Calls, ClockStart, KpiDefinition, View
from pipeline.domain.events import CallEvent
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.opening_hours import OpeningHours
from pipeline.domain.outcome import OutcomeKind
from pipeline.domain.target import TargetHistory
from pipeline.domain.units import UNIT_FIELDS, KnownLeg, Unit, units
from tests.factories import NOON, a_target, an_event

S = 1000
HOUR = 3_600_000
CONTACT: dict[str, Any] = {"view": View.CONTACT}


def found(*events: CallEvent, now: int = HOUR, by_queue: Any = None, **choices: Any) -> list[Unit]:
    """Return the units of the events, all legs judged ``now`` milliseconds after NOON."""
    rules = KpiDefinition(**({"name": "x"} | choices))
    facts: dict[tuple[str, str, str, str, int], LegFacts] = {}
    for e in events:
        key = (e.client, e.site, e.queue, e.contact_id, e.leg)
        apply(facts.setdefault(key, LegFacts()), e)

    def history(_client: str, _site: str, queue: str) -> TargetHistory:
        mine = (by_queue or {}).get(queue, rules)
        return TargetHistory((0,), (a_target(definition=mine, inclusive=mine.inclusive),))

    legs = (KnownLeg(*key, known, NOON + now) for key, known in facts.items())
    return sorted(units(legs, history), key=lambda u: (u.queue, u.at_ms))


def brief(unit: Unit) -> tuple[str, float, dict[str, int]]:
    """Return queue, seconds after NOON and the counts that are not 0."""
    return unit.queue[2], (unit.at_ms - NOON) / S, {k: v for k, v in unit.counts.items() if v}


def one(*events: CallEvent, **choices: Any) -> tuple[str, float, dict[str, int]]:
    (unit,) = found(*events, **choices)
    assert tuple(unit.counts) == UNIT_FIELDS
    return brief(unit)


def leg(number: int, queue: str, *moments: tuple[str, float]) -> list[CallEvent]:
    return [an_event(kind, round(at * S), leg=number, queue=queue) for kind, at in moments]


def test_a_leg_counts_at_the_instant_that_its_attribution_names() -> None:
    call = leg(1, "a", ("queued", 1), ("answered", 31), ("ended", 61))
    call += leg(1, "a", ("wrapup_started", 61), ("wrapup_ended", 71))
    expected = {"arrival": 1, "outcome": 31, "completion": 71, "service_level_event": 21}
    for attribution, at in expected.items():
        queue, placed, counts = one(*call, attribution=Attribution(attribution))
        assert (queue, placed) == ("a", at)
        assert counts == {
            "offered": 1,
            "answered": 1,
            "wait_answered_ms": 30 * S,
            "handled": 1,
            "talk_ms": 30 * S,
            "acw_ms": 10 * S,
        }


def test_a_call_in_time_counts_when_it_was_answered() -> None:
    _, at, counts = one(*leg(1, "a", ("queued", 1), ("answered", 21)))
    assert (at, counts["answered_within"]) == (21, 1)


def test_a_call_answered_at_once_has_not_waited_a_millisecond() -> None:
    _, _, counts = one(*leg(1, "a", ("queued", 1), ("answered", 1)))
    assert "wait_answered_ms" not in counts
    assert counts["answered_within"] == 1


def test_an_answered_call_is_complete_when_its_wrap_up_is_and_an_abandoned_one_at_once() -> None:
    by: dict[str, Any] = {"attribution": Attribution.COMPLETION}
    open_call = leg(1, "a", ("queued", 1), ("answered", 2), ("ended", 3), ("wrapup_started", 3))
    assert found(*open_call, **by) == []
    assert one(*leg(1, "a", ("queued", 1), ("abandoned", 9)), **by)[1] == 9


def test_a_call_that_waits_counts_from_the_threshold_on_but_not_where_only_the_finished_do() -> (
    None
):
    waiting = leg(1, "a", ("queued", 0))
    assert found(*waiting, now=20 * S) == []
    over = {"offered": 1, "waiting_over": 1}
    assert one(*waiting, now=20 * S + 1) == ("a", 20, over)
    assert one(*waiting, attribution=Attribution.ARRIVAL) == ("a", 0, over)
    assert found(*waiting, attribution=Attribution.OUTCOME) == []
    assert found(*waiting, calls=Calls.FINISHED) == []
    talking = leg(1, "a", ("queued", 0), ("answered", 5))
    assert found(*talking, calls=Calls.FINISHED) == []
    assert len(found(*talking, *leg(1, "a", ("ended", 9)), calls=Calls.FINISHED)) == 1


def test_short_flowed_out_and_callback_legs_count_as_such() -> None:
    cases = {
        "abandoned": {"abandoned": 1, "abandoned_within": 1, "abandoned_short": 1},
        "flowed_out": {"flowed_out": 1, "flowed_out_within": 1},
        "callback_requested": {"callbacks": 1, "callbacks_within": 1},
    }
    for kind, expected in cases.items():
        assert one(*leg(1, "a", ("queued", 0), (kind, 5)))[2] == {"offered": 1} | expected
    late = one(*leg(1, "a", ("queued", 0), ("abandoned", 5.001)))[2]
    assert late == {"offered": 1, "abandoned": 1, "abandoned_within": 1}


OVERFLOWN = [
    *leg(1, "a", ("queued", 10), ("flowed_out", 25)),
    *leg(2, "b", ("queued", 25), ("answered", 35), ("ended", 95)),
]


def test_an_overflow_is_two_legs_each_with_a_clock_of_its_own() -> None:
    first, second = map(brief, found(*OVERFLOWN))
    assert first == ("a", 25, {"offered": 1, "flowed_out": 1, "flowed_out_within": 1})
    assert second[:2] == ("b", 35)
    assert second[2]["answered_within"] == 1
    assert second[2]["wait_answered_ms"] == 10 * S


def test_the_clock_can_run_on_from_the_first_queue() -> None:
    _, second = map(brief, found(*OVERFLOWN, clock_start=ClockStart.AFTER_IVR))
    assert second[:2] == ("b", 30)
    assert second[2]["wait_answered_ms"] == 25 * S
    assert "answered_within" not in second[2]


def test_a_leg_is_no_miss_before_it_has_queued() -> None:
    slow = [*leg(1, "a", ("queued", 0), ("flowed_out", 60)), *leg(2, "b", ("queued", 60))]
    _, second = map(brief, found(*slow, clock_start=ClockStart.AFTER_IVR, now=60 * S))
    assert second == ("b", 60, {"offered": 1, "waiting_over": 1})


def test_the_clock_can_run_from_the_first_that_is_known_of_the_contact() -> None:
    early = an_event("complaint_flagged", 0, leg=9, queue="menu")
    wait = [
        brief(unit)[2].get("wait_answered_ms")
        for unit in found(early, *OVERFLOWN, clock_start=ClockStart.SYSTEM)
    ]
    assert wait == [None, 35 * S]
    assert one(early, *OVERFLOWN, clock_start=ClockStart.SYSTEM, **CONTACT)[2]["offered"] == 1


def test_a_contact_counts_once_in_its_first_queue_from_first_entry_to_first_answer() -> None:
    assert one(*OVERFLOWN, **CONTACT) == (
        "a",
        30,
        {
            "offered": 1,
            "answered": 1,
            "wait_answered_ms": 25 * S,
            "handled": 1,
            "talk_ms": 60 * S,
        },
    )


def test_a_contact_answered_twice_is_answered_at_its_first_and_handled_in_all() -> None:
    transferred = [
        *leg(1, "a", ("queued", 0), ("answered", 5), ("hold_started", 10), ("hold_ended", 15)),
        *leg(1, "a", ("ended", 20)),
        *leg(2, "b", ("queued", 20), ("answered", 50), ("ended", 60)),
    ]
    queue, at, counts = one(*transferred, **CONTACT, attribution=Attribution.COMPLETION)
    assert (queue, at) == ("a", 60)
    assert counts["wait_answered_ms"] == 5 * S
    assert (counts["handled"], counts["talk_ms"], counts["hold_ms"]) == (1, 20 * S, 5 * S)
    assert counts["held"] == 1
    still_talking = [e for e in transferred if not (e.leg == 2 and e.type == "ended")]
    assert found(*still_talking, **CONTACT, attribution=Attribution.COMPLETION) == []
    assert found(*still_talking, **CONTACT, calls=Calls.FINISHED) == []
    assert len(found(*still_talking, **CONTACT)) == 1


def test_who_comes_back_had_not_given_up() -> None:
    gone = leg(1, "a", ("queued", 0), ("abandoned", 8))
    assert one(*gone, **CONTACT)[2]["abandoned"] == 1
    back = [*gone, *leg(2, "a", ("queued", 10))]
    assert one(*back, **CONTACT) == ("a", 20, {"offered": 1, "waiting_over": 1})
    again = [*back, *leg(2, "a", ("abandoned", 15))]
    assert one(*again, **CONTACT) == (
        "a",
        15,
        {"offered": 1, "abandoned": 1, "abandoned_within": 1},
    )
    assert one(*back, *leg(2, "a", ("answered", 15)), **CONTACT)[2]["answered_within"] == 1
    called = [*back, *leg(2, "a", ("callback_requested", 15))]
    assert one(*called, **CONTACT)[2] == {"offered": 1, "callbacks": 1, "callbacks_within": 1}


def test_a_contact_that_only_flowed_out_left_with_the_last() -> None:
    lost = [
        *leg(1, "a", ("queued", 0), ("flowed_out", 5)),
        *leg(2, "b", ("queued", 5), ("flowed_out", 15)),
    ]
    expected = {"offered": 1, "flowed_out": 1, "flowed_out_within": 1}
    assert one(*lost, **CONTACT) == ("a", 15, expected)


def test_each_queue_decides_by_its_own_term() -> None:
    contact = KpiDefinition(name="contact", view=View.CONTACT)
    both = found(*OVERFLOWN, by_queue={"a": contact})
    assert [(u.queue[2], u.counts["answered"]) for u in both] == [("a", 1), ("b", 1)]
    only_legs = found(*OVERFLOWN, by_queue={"b": contact})
    assert [(u.queue[2], u.counts["flowed_out"]) for u in only_legs] == [("a", 1)]


def test_the_term_in_force_when_the_leg_queued_decides_else_when_it_was_first_known() -> None:
    by_leg, by_contact = KpiDefinition(name="leg"), KpiDefinition(name="contact", view=View.CONTACT)
    changed = TargetHistory(
        (0, NOON + 5 * S), (a_target(definition=by_leg), a_target(definition=by_contact))
    )

    def names(*events: CallEvent) -> list[str]:
        known = LegFacts()
        for event in events:
            apply(known, event)
        one_leg = KnownLeg("acme", "", "a", "c1", 1, known, NOON + HOUR)
        return [unit.target.rules.name for unit in units([one_leg], lambda *_queue: changed)]

    assert names(*leg(1, "a", ("ring_no_answer", 4), ("queued", 5))) == ["contact"]
    assert names(*leg(1, "a", ("queued", 4.999), ("abandoned", 9))) == ["leg"]
    assert names(*leg(1, "a", ("complaint_flagged", 4), ("refused", 9))) == ["leg"]


def test_a_moment_of_hold_is_hold() -> None:
    call = leg(1, "a", ("queued", 0), ("answered", 5), ("hold_started", 6), ("hold_ended", 6.001))
    assert one(*call, *leg(1, "a", ("ended", 9)))[2]["held"] == 1


def test_outside_the_hours_a_call_is_not_offered() -> None:
    never = OpeningHours(((),) * 7)
    call = leg(1, "a", ("queued", 0), ("answered", 5), ("ended", 9))
    assert one(*call, opening_hours=never)[2] == {"out_of_hours": 1, "handled": 1, "talk_ms": 4 * S}


def test_each_refused_leg_counts_but_a_contact_only_if_it_queued_nowhere() -> None:
    refused = [
        an_event("refused", 2 * S, queue="b", leg=2, reason="closed"),
        an_event("refused", 1 * S, queue="a", leg=1, reason="full"),
    ]
    legs = [brief(unit) for unit in found(*refused)]
    assert legs == [("a", 1, {"refused_full": 1}), ("b", 2, {"refused_closed": 1})]
    assert one(*refused, **CONTACT) == ("a", 1, {"refused_full": 1})
    queued = leg(3, "c", ("queued", 3), ("abandoned", 9))
    assert [u.queue[2] for u in found(*refused, *queued)] == ["a", "b", "c"]
    assert [u.queue[2] for u in found(*refused, *queued, **CONTACT)] == ["c"]


def test_what_never_queued_and_was_not_refused_is_no_unit() -> None:
    assert found(an_event("complaint_flagged"), an_event("answered", 5)) == []


def test_a_unit_says_how_its_wait_ended_and_how_long_it_was() -> None:
    waits = [
        (unit.kind, unit.wait_ms)
        for unit in found(
            an_event("queued"),
            an_event("answered", 7 * S),
            an_event("queued", contact_id="c2"),
            an_event("abandoned", 9 * S, contact_id="c2"),
            an_event("refused", contact_id="c3"),
            an_event("queued", contact_id="c4"),
        )
    ]
    assert sorted(waits, key=str) == [
        (OutcomeKind.ABANDONED, 9 * S),
        (OutcomeKind.ANSWERED, 7 * S),
        (OutcomeKind.WAITING, HOUR),
        (None, 0),
    ]
