"""Words and formulas say the same, for every variant and whatever is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from pipeline.domain.abandonment import AbandonBase
from pipeline.domain.definition import Calls, ClockStop, KpiDefinition, ShortAbandons
from pipeline.domain.definition_words import in_words, sentences, terms
from pipeline.domain.opening_hours import OpeningHours
from pipeline.domain.refusal import Refusal
from pipeline.domain.service_level import FORMULAS, Inclusions, Parts, Variant
from tests.factories import a_target

COUNTS = {
    "offered": 100_000,
    "answered": 1,
    "answered_within": 20,
    "abandoned_within": 300,
    "abandoned_short": 4_000,
    "flowed_out": 50_000,
    "callbacks": 600_000,
    "callbacks_within": 7_000_000,
}
CHOICES = [
    Inclusions(flow_outs=f, callbacks=c, short_abandons=s)
    for f, c, s in product([True, False], repeat=3)
]


@pytest.mark.parametrize("variant", FORMULAS)
@pytest.mark.parametrize("rules", CHOICES)
def test_the_terms_add_up_to_the_formula(variant: Variant, rules: Inclusions) -> None:
    def total(of: list[tuple[str, str]]) -> int:
        return sum(COUNTS[name] * (1 if sign == "+" else -1) for sign, name in of)

    numerator, denominator = terms(variant, rules)
    assert Parts(total(numerator), total(denominator)) == FORMULAS[variant](COUNTS, rules)
    assert in_words(numerator).startswith("answered in time")


def test_the_live_formula_has_no_terms_over_counts() -> None:
    assert terms(Variant.SL8, Inclusions()) == ([], [])


def test_every_choice_is_said() -> None:
    rules = KpiDefinition(
        name="x",
        service_level=Variant.SL5,
        inclusive=False,
        clock_stop=ClockStop.BEFORE_ANNOUNCEMENT,
        announcement_ms=2_500,
        short_abandons_out_of=frozenset({ShortAbandons.SERVICE_LEVEL, ShortAbandons.ABANDON_RATE}),
        flow_outs=False,
        refused_left_out=frozenset({Refusal.FULL, Refusal.CLOSED}),
        calls=Calls.FINISHED,
        opening_hours=OpeningHours(
            (((480, 720), (780, 1080)), *((),) * 6), frozenset({date(2025, 12, 25)})
        ),
    )
    target = a_target(definition=rules, inclusive=False, zone="Asia/Shanghai", goal_permille=825)
    assert dict(sentences(target)) == {
        "formula": "SL5: answered in time / (offered - flowed out - short abandons)",
        "in time": "a wait up to 20 s; exactly that is too late",
        "clock": "from the leg's entry into the queue to the answer less an announcement of 2.5 s",
        "counted": "each entry into the queue, the finished alone",
        "counts": "when its fate was known: outcome, or threshold passed, in intervals of 15 min",
        "short abandon": "at most 5 s; left out of: abandon rate, service level",
        "abandon rate": "abandoned / offered, short abandons in neither",
        "answered rate": "answered / received, less refusals that were: closed, full",
        "repeat": "the same customer within 168 h",
        "open": "mon 08:00-12:00, 13:00-18:00; closed_on 2025-12-25 (Asia/Shanghai)",
        "goal": "82.5 %",
    }
    plain = replace(rules, opening_hours=None, calls=Calls.ALL, refused_left_out=frozenset())
    found = dict(sentences(a_target(definition=plain, inclusive=False)))
    assert "open" not in found
    assert found["answered rate"].endswith("none")
    assert found["counted"] == "each entry into the queue"
    default = dict(sentences(a_target()))
    assert default["in time"] == "a wait up to 20 s; exactly that is in time"
    assert default["short abandon"] == "at most 5 s; left out of: nothing"


def test_short_abandons_are_said_to_be_out_of_the_abandon_rate_where_they_are() -> None:
    said = [
        dict(sentences(a_target(definition=KpiDefinition(name="x", abandon_rate=base))))
        for base in (AbandonBase.QUEUED, AbandonBase.HANDLED)
    ]
    assert [words["abandon rate"].partition(", ")[2] for words in said] == [
        "",
        "short abandons in neither",
    ]
