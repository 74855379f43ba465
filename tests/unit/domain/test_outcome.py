"""What a leg counts for, and when: each rule of outcome.py at its edge."""

from __future__ import annotations

import pytest

from pipeline.domain.definition import ClockStop, KpiDefinition
from pipeline.domain.events import BEFORE_QUEUE, CallEvent
from pipeline.domain.kpi import KPI_FIELDS, PANE_MS
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.occurrences import transfer_deltas
from pipeline.domain.opening_hours import OpeningHours
from pipeline.domain.outbound import dial
from pipeline.domain.outcome import (
    Handling,
    Outcome,
    OutcomeKind,
    classify,
    contributions,
    handling,
    is_finished,
    stands_alone,
)
from pipeline.domain.target import ServiceTarget
from pipeline.domain.wait_histogram import WAIT_FIELDS
from tests.factories import NOON, a_target, an_event

S = 1000
FAR = NOON + 3_600_000


def facts(*events: CallEvent) -> LegFacts:
    found = LegFacts()
    for event in events:
        apply(found, event)
    return found


def outcome(
    *events: CallEvent, now: int = FAR, target: ServiceTarget | None = None
) -> Outcome | None:
    return classify(facts(*events), target or a_target(), now)


def counts(
    *events: CallEvent, now: int = FAR, target: ServiceTarget | None = None
) -> dict[tuple[str, int], dict[str, int]]:
    found: dict[tuple[str, int], dict[str, int]] = {}
    names = list(KPI_FIELDS)
    for index, pane, deltas in contributions(facts(*events), target or a_target(), now):
        here = found.setdefault((names[index], (pane - NOON) // PANE_MS), {})
        for field, n in deltas:
            name = KPI_FIELDS[names[index]][field]
            if name not in WAIT_FIELDS:  # apart, below
                here[name] = here.get(name, 0) + n
    return found


def buckets(*events: CallEvent) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, _, deltas in contributions(facts(*events), a_target(), FAR):
        names = list(KPI_FIELDS.values())[index]
        found |= {names[field]: n for field, n in deltas if names[field] in WAIT_FIELDS}
    return found


@pytest.mark.parametrize(
    ("inclusive", "wait", "within"),
    [(True, 20_000, True), (True, 20_001, False), (False, 19_999, True), (False, 20_000, False)],
)
def test_threshold_comparison_is_the_contracts(inclusive: bool, wait: int, within: bool) -> None:  # noqa: FBT001
    found = outcome(
        an_event("queued"), an_event("answered", wait), target=a_target(inclusive=inclusive)
    )
    assert found is not None
    assert found.is_within is within
    assert found.service_level_at == NOON + min(wait, 20_000)


def test_a_waiting_call_is_open_until_the_threshold_has_passed() -> None:
    at_threshold = outcome(an_event("queued"), now=NOON + 20_000)
    past = outcome(an_event("queued"), now=NOON + 20_001)
    assert at_threshold == Outcome(OutcomeKind.WAITING, None, 20_000, False, None)
    assert past == Outcome(OutcomeKind.WAITING, None, 20_001, False, NOON + 20_000)
    assert counts(an_event("queued"), now=NOON + 20_000) == {}
    assert counts(an_event("queued"), now=NOON + 20_001) == {
        ("service-level", 0): {"offered": 1, "waiting_over": 1}
    }


def test_a_late_answer_counts_where_the_threshold_passed() -> None:
    assert counts(an_event("queued"), an_event("answered", 95 * S)) == {
        ("service-level", 0): {"offered": 1, "answered": 1, "wait_answered_ms": 95 * S}
    }


def test_an_answer_in_time_counts_where_it_was_answered() -> None:
    assert counts(an_event("queued", 29 * S), an_event("answered", 31 * S)) == {
        ("service-level", 1): {
            "offered": 1,
            "answered": 1,
            "answered_within": 1,
            "wait_answered_ms": 2 * S,
        }
    }


def test_the_earliest_end_of_the_wait_is_the_outcome() -> None:
    ends = {
        "answered": an_event("answered", 4 * S),
        "callback": an_event("callback_requested", 3 * S),
        "flowed_out": an_event("flowed_out", 2 * S),
        "abandoned": an_event("abandoned", 1 * S),
    }
    left = dict(ends)
    for kind in ("abandoned", "flowed_out", "callback", "answered"):
        found = outcome(an_event("queued"), *left.values())
        assert found is not None
        assert found.kind == kind
        del left[kind]


def test_ties_go_to_answered_then_callback_then_flow_out() -> None:
    ends = [
        an_event("answered", S),
        an_event("callback_requested", S),
        an_event("flowed_out", S),
        an_event("abandoned", S),
    ]
    for first, kind in enumerate(("answered", "callback", "flowed_out", "abandoned")):
        found = outcome(an_event("queued"), *ends[first:])
        assert found is not None
        assert found.kind == kind


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (5_000, {"offered": 1, "abandoned": 1, "abandoned_within": 1, "abandoned_short": 1}),
        (5_001, {"offered": 1, "abandoned": 1, "abandoned_within": 1}),
        (20_000, {"offered": 1, "abandoned": 1, "abandoned_within": 1}),
        (20_001, {"offered": 1, "abandoned": 1}),
    ],
)
def test_abandons_are_short_within_or_after_the_threshold(
    wait: int, expected: dict[str, int]
) -> None:
    assert counts(an_event("queued"), an_event("abandoned", wait)) == {
        ("service-level", 0): expected
    }


def test_flow_outs_and_callbacks_are_offered_but_not_answered() -> None:
    assert counts(an_event("queued"), an_event("flowed_out", 21 * S)) == {
        ("service-level", 0): {"offered": 1, "flowed_out": 1}
    }
    assert counts(an_event("queued"), an_event("flowed_out", S)) == {
        ("service-level", 0): {"offered": 1, "flowed_out": 1, "flowed_out_within": 1}
    }
    assert counts(an_event("queued"), an_event("callback_requested", S)) == {
        ("service-level", 0): {"offered": 1, "callbacks": 1, "callbacks_within": 1}
    }
    assert counts(an_event("queued"), an_event("callback_requested", 21 * S)) == {
        ("service-level", 0): {"offered": 1, "callbacks": 1}
    }


def test_a_clock_that_runs_back_gives_a_wait_of_nothing() -> None:
    found = outcome(an_event("queued", 5 * S), an_event("answered", 0))
    assert found == Outcome(OutcomeKind.ANSWERED, NOON, 0, True, NOON + 5 * S)


def test_a_leg_that_never_queued_counts_only_what_stands_alone() -> None:
    events = [
        an_event("answered", S),
        an_event("ended", 9 * S),
        an_event("transferred", 9 * S),
        an_event("complaint_flagged", 31 * S),
        an_event("abandoned", 61 * S, reason=BEFORE_QUEUE),
    ]
    assert counts(*events) == {
        ("complaint-signals", 1): {"complaints": 1},
        ("service-level", 2): {"abandoned_before_queue": 1},
    }
    assert [stands_alone(event) for event in events] == [False, False, False, True, True]


def test_handling_is_talk_without_hold_and_after_call_work() -> None:
    leg = facts(
        an_event("queued"),
        an_event("answered", 10 * S),
        an_event("hold_started", 20 * S),
        an_event("hold_ended", 35 * S),
        an_event("hold_started", 50 * S, hold_seq=2),
        an_event("hold_ended", 55 * S, hold_seq=2),
        an_event("ended", 100 * S),
        an_event("wrapup_started", 100 * S),
        an_event("wrapup_ended", 130 * S),
    )
    assert handling(leg) == Handling(NOON + 130 * S, 70 * S, 20 * S, 30 * S)


def test_a_leg_is_not_handled_until_it_has_ended_and_its_wrap_up_is_over() -> None:
    queued, answered = an_event("queued"), an_event("answered", S)
    ended, wrapup = an_event("ended", 9 * S), an_event("wrapup_started", 9 * S)
    assert handling(facts(queued, answered)) is None
    assert handling(facts(queued, ended)) is None
    assert handling(facts(answered, ended)) is None
    assert handling(facts(queued, answered, ended, wrapup)) is None
    assert handling(facts(queued, answered, ended)) == Handling(NOON + 9 * S, 8 * S, 0, 0)


def test_an_open_hold_is_closed_by_the_end_and_a_hold_without_start_is_nothing() -> None:
    base = [an_event("queued"), an_event("answered", 0), an_event("ended", 60 * S)]
    open_hold = facts(*base, an_event("hold_started", 50 * S))
    assert handling(open_hold) == Handling(NOON + 60 * S, 50 * S, 10 * S, 0)
    no_start = facts(*base, an_event("hold_ended", 50 * S))
    assert handling(no_start) == Handling(NOON + 60 * S, 60 * S, 0, 0)


def test_negative_spans_count_as_nothing() -> None:
    leg = facts(
        an_event("queued"),
        an_event("answered", 30 * S),
        an_event("hold_started", 25 * S),
        an_event("hold_ended", 20 * S),
        an_event("ended", 10 * S),
        an_event("wrapup_started", 9 * S),
        an_event("wrapup_ended", 5 * S),
    )
    assert handling(leg) == Handling(NOON + 10 * S, 0, 0, 0)


def test_a_handled_leg_counts_where_it_was_completed() -> None:
    found = counts(
        an_event("queued"),
        an_event("answered", 0),
        an_event("hold_started", 10 * S),
        an_event("hold_ended", 129_999),
        an_event("ended", 200 * S),
        an_event("wrapup_started", 200 * S),
        an_event("wrapup_ended", 211 * S),
    )
    assert found["handle-time", 7] == {
        "handled": 1,
        "talk_ms": 80_001,
        "hold_ms": 119_999,
        "acw_ms": 11 * S,
        "held": 1,
    }
    assert ("complaint-signals", 7) not in found


def test_a_long_hold_is_a_complaint_signal() -> None:
    found = counts(
        an_event("queued"),
        an_event("answered", 0),
        an_event("hold_started", 10 * S),
        an_event("hold_ended", 130 * S),
        an_event("ended", 200 * S),
    )
    assert found["complaint-signals", 6] == {"long_holds": 1}


def test_transfers_and_each_complaint_are_signals_where_they_happened() -> None:
    found = counts(
        an_event("queued"),
        an_event("answered", 0),
        an_event("transferred", 31 * S),
        an_event("complaint_flagged", 61 * S),
        an_event("complaint_flagged", 95 * S),
    )
    assert found["complaint-signals", 1] == {"transfers": 1, "transfers_blind": 1}
    assert found["complaint-signals", 2] == {"complaints": 1}
    assert found["complaint-signals", 3] == {"complaints": 1}


def test_a_leg_is_finished_when_nothing_but_a_complaint_can_come() -> None:
    queued, answered = an_event("queued"), an_event("answered", S)
    ended, wrapup = an_event("ended", 2 * S), an_event("wrapup_started", 2 * S)
    assert not is_finished(facts(queued))
    assert not is_finished(facts(queued, answered))
    assert is_finished(facts(queued, answered, ended))
    assert not is_finished(facts(queued, answered, ended, wrapup))
    assert is_finished(facts(queued, answered, ended, wrapup, an_event("wrapup_ended", 3 * S)))
    for kind in ("abandoned", "flowed_out", "callback_requested"):
        assert is_finished(facts(queued, an_event(kind, S)))
    assert is_finished(facts(an_event("complaint_flagged")))


def test_every_contribution_names_the_start_of_its_pane() -> None:
    """An instant in the second half of a pane, so that no rounding up goes unnoticed."""
    found = contributions(
        facts(
            an_event("queued", 20 * S),
            an_event("answered", 25 * S),
            an_event("transferred", 26 * S),
            an_event("complaint_flagged", 27 * S),
            an_event("abandoned", 28 * S, reason=BEFORE_QUEUE),
            an_event("hold_started", 26 * S),
            an_event("ended", 29 * S + 30 * 60 * S),
        ),
        a_target(),
        FAR,
    )
    panes = sorted((index, pane - NOON) for index, pane, _ in found)
    assert panes == [(0, 0), (0, 0), (1, 1_800_000), (2, 0), (2, 0), (2, 1_800_000)]


@pytest.mark.parametrize(("hold", "held"), [(None, 0), (0, 0), (1, 1)])
def test_a_leg_was_held_if_its_hold_took_any_time(hold: int | None, held: int) -> None:
    events = [an_event("queued"), an_event("answered", 0), an_event("ended", 9 * S)]
    if hold is not None:
        events += [an_event("hold_started", S), an_event("hold_ended", S + hold)]
    handled = counts(*events)["handle-time", 0]
    assert handled["held"] == held
    assert handled["hold_ms"] == (hold or 0)


def test_a_call_queued_after_the_watermark_has_waited_nothing() -> None:
    found = outcome(an_event("queued", 9 * S), now=NOON)
    assert found == Outcome(OutcomeKind.WAITING, None, 0, False, None)


@pytest.mark.parametrize(
    ("wait", "bucket"),
    [
        *((0, "wait_0000"), (999, "wait_0000"), (1_000, "wait_0001"), (7_999, "wait_0007")),
        *((8_000, "wait_0008"), (9_999, "wait_0008"), (10_000, "wait_0010")),
        *((1_023_999, "wait_0896"), (1_024_000, "wait_1024"), (3_000_000, "wait_1024")),
    ],
)
def test_an_answered_wait_is_counted_in_its_bucket(wait: int, bucket: str) -> None:
    assert buckets(an_event("queued"), an_event("answered", wait)) == {bucket: 1}
    assert buckets(an_event("queued"), an_event("abandoned", wait)) == {}


@pytest.mark.parametrize(
    ("stop", "wait"),
    [("answered", 10_000), ("before_announcement", 7_000), ("after_announcement", 13_000)],
)
def test_the_clock_stops_before_or_after_the_announcement(stop: str, wait: int) -> None:
    announcement_ms = 0 if stop == "answered" else 3_000
    rules = KpiDefinition(name="x", clock_stop=ClockStop(stop), announcement_ms=announcement_ms)
    found = outcome(
        an_event("queued"), an_event("answered", 10_000), target=a_target(definition=rules)
    )
    assert found == Outcome(OutcomeKind.ANSWERED, NOON + wait, wait, True, NOON + wait)


def test_an_announcement_longer_than_the_wait_gives_a_wait_of_nothing() -> None:
    rules = KpiDefinition(name="x", clock_stop=ClockStop.BEFORE_ANNOUNCEMENT, announcement_ms=3_000)
    found = outcome(
        an_event("queued"), an_event("answered", 1_000), target=a_target(definition=rules)
    )
    assert found == Outcome(OutcomeKind.ANSWERED, NOON - 2_000, 0, True, NOON)


def test_a_call_outside_the_opening_hours_counts_as_that_and_as_the_agents_time() -> None:
    tuesday_from_one = OpeningHours(((), ((13 * 60, 1440),), (), (), (), (), ()))
    rules = KpiDefinition(name="x", opening_hours=tuesday_from_one)
    target = a_target(definition=rules, zone="Asia/Shanghai")  # where it is Tuesday, noon
    events = [an_event("queued"), an_event("answered", S), an_event("ended", 9 * S)]
    assert counts(*events, target=target) == {
        ("service-level", 0): {"out_of_hours": 1},
        ("handle-time", 0): {"handled": 1, "talk_ms": 8 * S, "hold_ms": 0, "acw_ms": 0, "held": 0},
    }
    late = [an_event("queued", 3_600_000), an_event("abandoned", 3_600_001)]
    assert counts(*late, target=target)["service-level", 120]["abandoned"] == 1
    assert counts(an_event("queued"), now=NOON + 20 * S, target=target) == {}


@pytest.mark.parametrize(
    ("kind", "target", "names"),
    [
        ("blind", "orders", {"transfers_blind"}),
        ("attended", "queue:orders", {"transfers_attended", "transfers_to_queue"}),
        ("blind", "agent:ann", {"transfers_blind", "transfers_to_agent"}),
        ("blind", "external:bank", {"transfers_blind", "transfers_external"}),
        ("blind", "queue", {"transfers_blind"}),
        ("blind", "elsewhere:x", {"transfers_blind"}),
    ],
)
def test_transfers_count_by_kind_and_by_what_the_target_says_it_is(
    kind: str, target: str, names: set[str]
) -> None:
    moved = an_event("transferred", S, transfer_kind=kind, transfer_target=target)
    found = counts(an_event("queued"), moved)["complaint-signals", 0]
    assert found == dict.fromkeys({"transfers", *names}, 1)
    assert transfer_deltas(":") == transfer_deltas("")


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        *(("full", "refused_full"), ("QUEUE_FULL", "refused_full"), ("closed", "refused_closed")),
        *(("joinempty", "refused_empty"), ("who knows", "refused_other"), ("", "refused_other")),
    ],
)
def test_a_refused_call_counts_by_the_kind_of_its_reason(reason: str, field: str) -> None:
    assert counts(an_event("refused", 31 * S, reason=reason)) == {("service-level", 1): {field: 1}}


def test_an_offer_let_ring_counts_once_per_instant_and_agent() -> None:
    rings = [
        an_event("ring_no_answer", 31 * S),
        an_event("ring_no_answer", 31 * S, agent="bob"),
        an_event("ring_no_answer", 61 * S),
    ]
    assert counts(an_event("queued"), *rings, now=NOON + S) == {
        ("handle-time", 1): {"no_answers": 2},
        ("handle-time", 2): {"no_answers": 1},
    }
    assert counts(*rings) == {}


DIALED = {"dialed": 1}
REACHED = DIALED | {"connected": 1, "connected_live": 1}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], DIALED),
        ([("ended", 9 * S, {})], DIALED),
        (
            [("connected", 8 * S, {"reason": "machine"}), ("ended", 9 * S, {})],
            DIALED | {"connected": 1},
        ),
        ([("connected", 8 * S, {})], REACHED),
        ([("connected", 8 * S, {"reason": "unknown"})], REACHED),
        ([("connected", 8 * S, {}), ("answered", 10_000, {})], REACHED | {"dialed_answered": 1}),
        (
            [("connected", 8 * S, {}), ("answered", 10_001, {})],
            REACHED | {"dialed_answered": 1, "dialer_abandoned": 1},
        ),
        ([("connected", 8 * S, {}), ("ended", 9 * S, {})], REACHED | {"dialer_abandoned": 1}),
        ([("connected", 8 * S, {}), ("abandoned", 9 * S, {})], REACHED | {"dialer_abandoned": 1}),
    ],
)
def test_an_outbound_attempt_counts_where_it_was_dialed(
    events: list[tuple[str, int, dict[str, str]]], expected: dict[str, int]
) -> None:
    log = [an_event("dialed", S), *(an_event(kind, at, **extra) for kind, at, extra in events)]
    assert counts(*log) == {("service-level", 0): expected}


def test_a_leg_that_was_never_dialed_is_no_attempt() -> None:
    assert dial(facts(an_event("connected", S))) is None
    assert counts(an_event("connected", S)) == {}


def test_a_leg_not_known_to_have_queued_has_no_outcome() -> None:
    assert outcome(an_event("answered", S)) is None


def test_an_answer_before_the_queue_entry_waited_for_nothing() -> None:
    found = counts(an_event("queued", S), an_event("answered", 0))
    assert found["service-level", 0]["answered_within"] == 1
    assert found["service-level", 0]["wait_answered_ms"] == 0


def test_a_call_is_not_over_a_threshold_of_nothing_in_the_instant_it_comes() -> None:
    at_once = a_target(threshold_ms=0)
    assert counts(an_event("queued"), now=NOON, target=at_once) == {}
    later = counts(an_event("queued"), now=NOON + 1, target=at_once)
    assert later["service-level", 0]["waiting_over"] == 1
