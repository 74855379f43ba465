"""Scores as they happen: what changes them, what is told of, and what is let go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from pipeline.domain.definition import KpiDefinition
from pipeline.domain.events import CallEvent, EventType
from pipeline.domain.risk import Feature, RiskHistory, Signals
from pipeline.domain.risk_fold import HOUR_MS, KEEP_MS, LiveRisk, RiskFold
from pipeline.domain.target import TargetHistory
from tests.unit.domain.test_risk import TERMS
from tests.unit.domain.test_risk_signals import TARGET, a_case, event

T0 = 1_762_833_600_000
"""2025-11-11, 12 h in Shanghai."""
ZONED = replace(TARGET, definition=KpiDefinition(name="d", repeat_window_h=2), zone="Asia/Shanghai")
LATER = replace(TERMS, intercept=-9, wrapup_codes=frozenset({"refund"}))
EARLIER = TERMS.scales[Feature.EARLIER_CONTACTS].weight
HISTORY = RiskHistory((date(2025, 1, 1), date(2025, 11, 12)), (TERMS, LATER))


def a_fold() -> RiskFold:
    return RiskFold(
        lambda *_queue: TargetHistory((0,), (ZONED,)),
        lambda client: RiskHistory(HISTORY.starts[:1], (TERMS,)) if client == "b" else HISTORY,
        longest_window_ms=2 * HOUR_MS,
    )


def at(kind: EventType, after_ms: int, name: str = "c1", **more: Any) -> CallEvent:
    given: dict[str, Any] = {"site": "sh"} | more
    return replace(event(kind, occurred_at_ms=T0 + after_ms, contact_id=name), **given)


def a_call(name: str, after_ms: int, who: str | None = "x", **more: Any) -> CallEvent:
    return at(EventType.QUEUED, after_ms, name, customer_ref=who, **more)


def told(fold: RiskFold, *records: CallEvent, tells: bool = True) -> dict[str, LiveRisk]:
    for record in records:
        fold.take(record, tells=tells)
    return by_name(fold.changed())


def by_name(found: Iterable[LiveRisk]) -> dict[str, LiveRisk]:
    listed = list(found)
    names = {risk.contact_id: risk for risk in listed}
    assert len(names) == len(listed), "told twice at once"
    return names


def earlier(found: dict[str, LiveRisk]) -> dict[str, int]:
    return {name: risk.signals.earlier_contacts for name, risk in found.items()}


def test_a_score_says_all_that_is_known_of_a_contact() -> None:
    found = told(
        a_fold(),
        a_call("c1", 0),
        at(EventType.ABANDONED, 180_000),
        at(EventType.WRAPUP_ENDED, 200_000, reason="refund"),
    )
    assert found == {
        "c1": LiveRisk(
            client="acme",
            site="sh",
            queue="q",
            contact_id="c1",
            customer_ref="x",
            started_at_ms=T0,
            business_on=date(2025, 11, 11),
            signals=Signals(wait_ms=180_000, abandons=1),
            risk_milli=-5000 + 3 * 7 + TERMS.scales[Feature.ABANDONS].weight,
            is_listed=True,
            reasons=found["c1"].reasons,
        )
    }
    assert found["c1"].reasons.endswith("waited 180 s (+0.021)")


def test_it_begins_knowing_nothing() -> None:
    fold = a_fold()
    assert (fold._newest_ms, fold._swept_ms, fold.late) == (0, 0, 0)
    assert KEEP_MS == 48 * 3_600_000
    assert told(fold, replace(a_call("c1", 0), occurred_at_ms=0))["c1"].signals == Signals()


def test_a_wait_counts_when_it_ends() -> None:
    fold = a_fold()
    assert told(fold, a_call("c1", 0))["c1"].signals.wait_ms == 0
    assert told(fold, a_call("c2", HOUR_MS, None)).keys() == {"c2"}
    ended = told(fold, at(EventType.ANSWERED, 2 * HOUR_MS, agent="ann"))
    assert ended["c1"].signals.wait_ms == 2 * HOUR_MS


def test_terms_are_those_of_the_client_and_of_the_business_day_by_the_queues_zone() -> None:
    fold = a_fold()
    late = 12 * HOUR_MS
    code = at(EventType.WRAPUP_ENDED, late, "c2", reason="refund")
    found = told(fold, a_call("c1", late - 1), a_call("c2", late), code)
    assert [(r.business_on, r.risk_milli) for r in found.values()] == [
        (date(2025, 11, 11), -5000),
        (date(2025, 11, 12), -9 + LATER.scales[Feature.WRAPUP_CODES].weight + EARLIER),
    ]
    assert told(fold, a_call("c3", late, None, client="b"))["c3"].risk_milli == -5000


def test_what_is_told_is_not_told_again_until_it_changes() -> None:
    fold = a_fold()
    assert told(fold, a_call("c1", 0)).keys() == {"c1"}
    assert fold.changed() == []
    assert told(fold, a_call("c2", 1, "y"), a_call("c2", 1, "y")).keys() == {"c2"}


def test_in_silence_all_is_known_and_nothing_told() -> None:
    fold = a_fold()
    assert told(fold, a_call("c1", 0), tells=False) == {}
    fold.take_case(a_case(received_at_ms=T0, customer_ref="x"), tells=False)
    assert fold.changed() == []
    found = told(fold, a_call("c2", HOUR_MS))
    assert found.keys() == {"c2"}
    assert (found["c2"].signals.earlier_contacts, found["c2"].signals.open_cases) == (1, 1)


def test_an_earlier_contact_that_comes_late_changes_those_after_it() -> None:
    fold = a_fold()
    assert earlier(told(fold, a_call("c2", HOUR_MS), a_call("c9", HOUR_MS, "y"))) == {
        "c2": 0,
        "c9": 0,
    }
    assert earlier(told(fold, a_call("c1", 0))) == {"c1": 0, "c2": 1}
    assert earlier(told(fold, a_call("c3", 3 * HOUR_MS))) == {"c3": 1}
    assert earlier(told(fold, a_call("c0", 3 * HOUR_MS))) == {"c0": 1, "c3": 2}


def test_a_contact_that_turns_out_to_have_begun_earlier_moves() -> None:
    fold = a_fold()
    told(fold, a_call("c1", HOUR_MS), a_call("c2", 2 * HOUR_MS), a_call("c3", 4 * HOUR_MS + 1))
    found = earlier(told(fold, at(EventType.OFFERED, 2 * HOUR_MS + 1, "c3", agent="ann")))
    assert found == {"c3": 2}
    assert earlier(told(fold, at(EventType.OFFERED, 0, "c2", agent="ann"))) == {
        "c1": 1,
        "c2": 0,
        "c3": 1,
    }


def test_whoever_else_a_contact_was_of_is_told_of_too() -> None:
    fold = a_fold()
    told(fold, a_call("c1", 0, "y"), a_call("c2", 1, "y"), a_call("c3", 2, "b"))
    found = told(fold, at(EventType.OFFERED, 3, "c1", agent="ann", customer_ref="b"))
    assert earlier(found) == {"c1": 0, "c2": 0, "c3": 1}
    assert found["c1"].customer_ref == "b"
    fold.take_case(a_case(received_at_ms=T0, customer_ref="y"), tells=True)
    assert by_name(fold.changed()).keys() == {"c2"}


def test_what_the_centre_dialed_is_no_earlier_contact() -> None:
    fold = a_fold()
    dialed = at(EventType.DIALED, 0, "c1", customer_ref="x")
    assert earlier(told(fold, dialed, a_call("c2", 1))) == {"c1": 0, "c2": 0}
    assert earlier(told(fold, a_call("c3", HOUR_MS, "z"))) == {"c3": 0}
    assert earlier(told(fold, at(EventType.DIALED, HOUR_MS, "c3"))) == {"c3": 0}
    assert earlier(told(fold, at(EventType.DIALED, HOUR_MS - 1, "c3"))) == {"c3": 0}
    assert earlier(told(fold, a_call("c4", HOUR_MS + 1, "z"))) == {"c4": 0}


def test_a_case_changes_the_contacts_of_its_customer() -> None:
    fold = a_fold()
    told(fold, a_call("c1", 0), a_call("c2", 10), a_call("c9", 10, "y"), a_call("c8", 1, None))
    fold.take_case(a_case(received_at_ms=T0 + 5, customer_ref="x"), tells=True)
    found = by_name(fold.changed())
    assert {name: risk.signals.open_cases for name, risk in found.items()} == {"c1": 0, "c2": 1}
    dialed = at(EventType.DIALED, 20, "c3", customer_ref="x")
    assert told(fold, dialed)["c3"].signals.open_cases == 1
    newer = a_case(received_at_ms=T0 + 5, customer_ref="x", closed_at_ms=T0 + 15)
    fold.take_case(replace(newer, as_of_ms=2), tells=True)
    found = by_name(fold.changed())
    assert {name: risk.signals.open_cases for name, risk in found.items()} == {
        "c1": 0,
        "c2": 1,
        "c3": 0,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [({"as_of_ms": 2}, {"as_of_ms": 1}), ({"revision_id": "b"}, {"revision_id": "a"}), ({}, {})],
)
def test_of_revisions_the_newest_stands_whatever_comes_first(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    said = a_case(received_at_ms=T0, customer_ref="x")
    newest, older = replace(said, **one), replace(said, **other, closed_at_ms=T0)
    fold = a_fold()
    told(fold, a_call("c1", 1))
    fold.take_case(newest, tells=True)
    assert by_name(fold.changed())["c1"].signals.open_cases == 1
    fold.take_case(older, tells=True)
    assert fold.changed() == []
    fold = a_fold()
    told(fold, a_call("c1", 1))
    fold.take_case(older, tells=True)
    fold.changed()
    fold.take_case(replace(newest, as_of_ms=3), tells=True)
    assert by_name(fold.changed())["c1"].signals.open_cases == 1


def test_a_withdrawn_case_is_none() -> None:
    fold = a_fold()
    told(fold, a_call("c1", 1))
    case = a_case(received_at_ms=T0, customer_ref="x")
    fold.take_case(case, tells=True)
    fold.changed()
    fold.take_case(replace(case, as_of_ms=2, is_withdrawn=True), tells=True)
    assert by_name(fold.changed())["c1"].signals.open_cases == 0


@pytest.mark.parametrize("contact_first", [True, False])
def test_a_case_without_a_customer_is_its_contacts(contact_first: bool) -> None:  # noqa: FBT001
    fold = a_fold()
    case = a_case(received_at_ms=T0 + 5, contact_id="c1")
    if contact_first:
        told(fold, a_call("c1", 0))
        fold.take_case(case, tells=True)
    else:
        fold.take_case(case, tells=True)
        told(fold, at(EventType.OFFERED, 0, "c1", agent="ann"), a_call("c1", 0))
    fold.changed()
    assert told(fold, a_call("c2", 10))["c2"].signals.open_cases == 1
    assert told(fold, a_call("c3", 10, "y"))["c3"].signals.open_cases == 0


def test_a_case_that_names_nobody_is_nobodys() -> None:
    fold = a_fold()
    told(fold, a_call("c1", 1), a_call("c2", 1, None))
    fold.take_case(a_case(received_at_ms=T0), tells=True)
    fold.take_case(a_case("s", received_at_ms=T0, contact_id="c2"), tells=True)
    assert fold.changed() == []


def test_a_case_goes_over_to_the_customer_that_its_newest_revision_names() -> None:
    fold = a_fold()
    told(fold, a_call("c1", 1), a_call("c2", 1, "y"), a_call("c3", 1, "z"))
    case = a_case(received_at_ms=T0, contact_id="c1")
    fold.take_case(case, tells=True)
    assert by_name(fold.changed())["c1"].signals.open_cases == 1
    fold.take_case(replace(case, as_of_ms=2, contact_id="c2"), tells=True)
    cases = {name: risk.signals.open_cases for name, risk in by_name(fold.changed()).items()}
    assert cases == {"c1": 0, "c2": 1}
    fold.take_case(replace(case, as_of_ms=3, contact_id=None, customer_ref="z"), tells=True)
    cases = {name: risk.signals.open_cases for name, risk in by_name(fold.changed()).items()}
    assert cases == {"c2": 0, "c3": 1}
    # what was about a contact before is not given to it again
    found = told(fold, at(EventType.OFFERED, 2, "c2", agent="ann"))
    assert found["c2"].signals.open_cases == 0
    # nobody knows whose it is now: it stays where it was, and is told of
    fold.take_case(replace(case, as_of_ms=4, contact_id="c7"), tells=True)
    assert by_name(fold.changed())["c3"].signals.open_cases == 1


def test_a_contact_is_let_go_two_days_after_its_last_event() -> None:
    fold = a_fold()
    told(fold, a_call("c1", 0), at(EventType.ABANDONED, 1000))
    assert told(fold, a_call("c2", KEEP_MS + 1000, "y")).keys() == {"c2"}
    assert told(fold, at(EventType.OFFERED, 1001, agent="ann")).keys() == {"c1"}
    told(fold, a_call("c3", KEEP_MS + 1001 + HOUR_MS, "y"))
    assert told(fold, at(EventType.OFFERED, 1002, agent="ann")) == {}
    assert fold.late == 1
    on_the_edge = told(fold, a_call("c4", 1001 + HOUR_MS, "z"))
    assert (set(on_the_edge), fold.late) == ({"c4"}, 1)


def test_what_is_let_go_still_counts_as_an_earlier_contact_within_the_longest_window() -> None:
    longest = KpiDefinition(name="d", repeat_window_h=100)
    fold = RiskFold(
        lambda *_queue: TargetHistory((0,), (replace(TARGET, definition=longest),)),
        lambda _client: HISTORY,
        longest_window_ms=100 * HOUR_MS,
    )
    customers_ms = KEEP_MS + 100 * HOUR_MS
    told(fold, a_call("c1", 0), a_call("c2", 1, "y"))
    assert earlier(told(fold, a_call("c3", 100 * HOUR_MS))) == {"c3": 1}
    told(fold, a_call("c4", customers_ms))
    assert fold._starts["acme", "x"][0] == (T0, "c1")
    assert fold._sought.keys() == {("acme", f"c{i}") for i in (1, 2, 3, 4)}
    told(fold, a_call("c5", customers_ms + HOUR_MS, "z"))
    assert fold._starts.keys() == {("acme", who) for who in ("x", "z")}
    assert fold._sought.keys() == {("acme", f"c{i}") for i in (3, 4, 5)}
    assert fold._contacts.keys() == {("acme", f"c{i}") for i in (4, 5)}


def test_a_sweep_forgets_whose_contacts_were() -> None:
    fold = a_fold()
    told(fold, a_call("c1", 0), a_call("c2", KEEP_MS, "x"), a_call("c0", 0, None))
    told(fold, a_call("c3", HOUR_MS, None), a_call("c9", KEEP_MS + HOUR_MS, "y"))
    kept = {("acme", "c2"), ("acme", "c3"), ("acme", "c9")}
    assert fold._contacts.keys() == kept
    told(fold, a_call("c9", KEEP_MS + 2 * HOUR_MS - 1, "y"))
    assert fold._contacts.keys() == kept, "it sweeps once an hour"
    assert dict(fold._contacts_of) == {
        ("acme", "x"): {("acme", "c2")},
        ("acme", "y"): {("acme", "c9")},
    }
    told(fold, a_call("c8", 3 * KEEP_MS, None))
    assert fold._contacts_of.keys() == set()
