"""The service-level formulas against published examples, and each choice by itself."""

from __future__ import annotations

import pytest

from pipeline.domain.kpi import ratio
from pipeline.domain.service_level import (
    FORMULAS,
    Inclusions,
    Parts,
    Variant,
    sl1,
    sl2,
    sl3,
    sl4,
    sl5,
    sl6,
    sl7,
    sl8,
)

THOUSAND = {
    # 760 answered within 20 s, 140 later; abandoned 30 within 5 s, 20 up to 20 s, 50 later
    "offered": 1_000,
    "answered": 900,
    "answered_within": 760,
    "abandoned": 100,
    "abandoned_within": 50,
    "abandoned_short": 30,
    "flowed_out": 0,
    "callbacks": 0,
    "callbacks_within": 0,
}
CISCO = {
    # Cisco's manual: of 100 calls 70 answered in time, 10 abandoned in time, 20 past the threshold
    "offered": 100,
    "answered": 90,
    "answered_within": 70,
    "abandoned": 10,
    "abandoned_within": 10,
    "abandoned_short": 0,
    "flowed_out": 0,
    "callbacks": 0,
    "callbacks_within": 0,
}
MIXED = {
    "offered": 100,
    "answered": 60,
    "answered_within": 40,
    "abandoned": 20,
    "abandoned_within": 12,
    "abandoned_short": 5,
    "flowed_out": 9,
    "flowed_out_within": 4,
    "callbacks": 8,
    "callbacks_within": 6,
    "waiting_over": 3,
}
NONE = Inclusions(flow_outs=False, callbacks=False, short_abandons=False)


@pytest.mark.parametrize(
    ("variant", "per_mille"),
    [("SL1", 760), ("SL2", 844), ("SL3", 810), ("SL4", 800), ("SL5", 784), ("SL6", 810)],
)
def test_the_same_thousand_calls_give_each_formula_its_figure(variant: str, per_mille: int) -> None:
    level = ratio(*FORMULAS[Variant(variant)](THOUSAND, Inclusions()))
    assert level is not None
    assert round(1000 * level) == per_mille


def test_ciscos_own_example() -> None:
    assert sl4(CISCO) == Parts(70, 90)  # ignore: 77.8 %
    assert sl1(CISCO) == Parts(70, 100)  # negative: 70 %
    assert sl3(CISCO) == Parts(80, 100)  # positive: 80 %


def test_everything_is_in_unless_a_definition_leaves_it_out() -> None:
    assert sl1(MIXED) == Parts(40, 100)
    assert sl2(MIXED) == Parts(40, 60)
    assert sl3(MIXED) == Parts(52, 100)
    assert sl4(MIXED) == Parts(40, 88)
    assert sl5(MIXED) == Parts(40, 95)
    assert sl6(MIXED) == Parts(58, 100)
    assert sl7(MIXED) == Parts(40, 100)


def test_flow_outs_callbacks_and_short_abandons_can_be_left_out() -> None:
    assert sl1(MIXED, Inclusions(flow_outs=False)) == Parts(40, 91)
    assert sl1(MIXED, Inclusions(callbacks=False)) == Parts(40, 92)
    assert sl1(MIXED, Inclusions(short_abandons=False)) == Parts(40, 95)
    assert sl1(MIXED, NONE) == Parts(40, 78)
    assert sl2(MIXED, NONE) == Parts(40, 60)
    assert sl3(MIXED, NONE) == Parts(47, 78)


def test_short_abandons_are_left_out_once_only() -> None:
    assert sl4(MIXED, NONE) == Parts(40, 71)
    assert sl5(MIXED, NONE) == Parts(40, 78)
    assert sl5(MIXED, Inclusions(short_abandons=False)) == sl5(MIXED)


def test_what_connect_and_genesys_define_as_in_stays_in() -> None:
    assert sl6(MIXED, NONE) == Parts(53, 95)
    assert sl7(MIXED, Inclusions(flow_outs=False)) == Parts(40, 100)
    assert sl7(MIXED, NONE) == Parts(40, 87)


def test_asterisks_second_figure_is_sl3_without_flow_outs_and_callbacks() -> None:
    ended = {**MIXED, "offered": 97, "waiting_over": 0}
    assert sl3(ended, Inclusions(flow_outs=False, callbacks=False)) == Parts(52, 60 + 20)


def test_the_wallboard_figure_is_of_the_calls_waiting_now() -> None:
    assert sl8(8, 2) == Parts(6, 8)
    assert ratio(*sl8(0, 0)) is None


def test_every_variant_but_the_live_one_has_a_formula() -> None:
    assert set(Variant) - set(FORMULAS) == {Variant.SL8}
    assert [variant.value.lower() for variant in FORMULAS] == [
        f.__name__ for f in FORMULAS.values()
    ]


def test_nothing_offered_gives_nothing_to_divide() -> None:
    nothing = dict.fromkeys(MIXED, 0)
    assert {ratio(*formula(nothing, NONE)) for formula in FORMULAS.values()} == {None}
