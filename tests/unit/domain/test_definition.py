"""A definition: its contradictions, its hash, the ratios that follow; hours, refusals, waits."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from pipeline.domain.abandonment import AbandonBase, abandon_parts
from pipeline.domain.definition import (
    Attribution,
    Calls,
    ClockStart,
    ClockStop,
    DefinitionError,
    KpiDefinition,
    ShortAbandons,
    View,
    read_canonical,
)
from pipeline.domain.opening_hours import OpeningHours, clock, parse_span
from pipeline.domain.refusal import WORDS, Refusal, refusal_of
from pipeline.domain.service_level import Parts, Variant
from pipeline.domain.wait_histogram import EDGES_S, WAIT_FIELDS, Percentile, bucket_of, percentile
from tests.factories import NOON, a_target

EVERY = frozenset(ShortAbandons)
COUNTS = {
    "offered": 100,
    "answered": 60,
    "answered_within": 40,
    "abandoned": 20,
    "abandoned_within": 12,
    "abandoned_short": 5,
    "flowed_out": 9,
    "callbacks": 8,
    "callbacks_within": 6,
    "refused_full": 1,
    "refused_closed": 10,
    "refused_empty": 100,
    "refused_other": 1000,
}


def a_definition(**choices: object) -> KpiDefinition:
    return KpiDefinition(**({"name": "x"} | choices))  # type: ignore[arg-type]


def weekdays(*spans: tuple[int, int]) -> OpeningHours:
    return OpeningHours((*(spans,) * 5, (), ()))


OTHER_CHOICES = {
    "service_level": Variant.SL2,
    "inclusive": False,
    "clock_start": ClockStart.SYSTEM,
    "short_abandon_ms": 1,
    "short_abandons_out_of": frozenset({ShortAbandons.ABANDON_RATE}),
    "flow_outs": False,
    "callbacks": False,
    "abandon_rate": AbandonBase.HANDLED,
    "refused_left_out": frozenset({Refusal.CLOSED, Refusal.FULL}),
    "view": View.CONTACT,
    "attribution": Attribution.OUTCOME,
    "interval_minutes": 60,
    "calls": Calls.FINISHED,
    "repeat_window_h": 24,
    "opening_hours": OpeningHours(
        (((480, 720), (780, 1440)), (), (), (), (), (), ()), frozenset({date(2025, 12, 25)})
    ),
}


def test_every_choice_is_in_the_hash_and_comes_back_from_the_canonical_text() -> None:
    plain = a_definition()
    hashes = {plain.content_hash}
    for key, value in OTHER_CHOICES.items():
        other = a_definition(**{key: value})
        hashes.add(other.content_hash)
        assert read_canonical("x", other.canonical()) == other
    clock_stop = a_definition(clock_stop=ClockStop.AFTER_ANNOUNCEMENT, announcement_ms=1)
    hashes.add(clock_stop.content_hash)
    assert len(hashes) == len(OTHER_CHOICES) + 2
    tested = {*OTHER_CHOICES, "name", "clock_stop", "announcement_ms"}
    assert tested == {field.name for field in fields(KpiDefinition)}


def test_the_hash_is_of_the_content_not_of_the_name_and_never_changes_by_itself() -> None:
    assert a_definition().content_hash == replace(a_definition(), name="y").content_hash
    assert a_definition().content_hash == "c21747b081fee2a40052c9600d5ec273"


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (
            OpeningHours((((0, 60), (90, 150), (170, 1440)),) * 7),
            "d332f9ca048b3f27a52f9e1bbed08159",
        ),
        (
            OpeningHours(
                (*(((480, 720),),) * 5, (), ()),
                frozenset({date(2025, 12, 25), date(2025, 12, 26)}),
            ),
            "c2867eccd6cab8e39552c135e1457fe5",
        ),
    ],
)
def test_hours_without_special_dates_hash_as_before_there_were_any(
    hours: OpeningHours, expected: str
) -> None:
    # Months were closed with these: computed before hours knew of special dates.
    assert a_definition(opening_hours=hours).content_hash == expected
    dated = replace(hours, special=((date(2025, 12, 24), ((480, 700),)),))
    assert a_definition(opening_hours=dated).content_hash != expected
    assert read_canonical("x", a_definition(opening_hours=dated).canonical()) == a_definition(
        opening_hours=dated
    )


def test_an_older_text_takes_the_defaults_and_a_newer_one_is_refused() -> None:
    assert read_canonical("x", "{}") == a_definition()
    with pytest.raises(
        ValueError, match=r"choices \['zeal'\] are not known here; known: \['abandon"
    ):
        read_canonical("x", '{"zeal":1}')


@pytest.mark.parametrize(
    ("key", "choices"),
    [
        ("short_abandons_out_of", {"short_abandons_out_of": frozenset({ShortAbandons.OFFERED})}),
        ("short_abandons_out_of", {"service_level": Variant.SL5}),
        ("flow_outs", {"service_level": Variant.SL7, "flow_outs": False}),
        ("announcement_s", {"announcement_ms": 1}),
        ("announcement_s", {"clock_stop": ClockStop.BEFORE_ANNOUNCEMENT}),
        ("interval_minutes", {"interval_minutes": 20}),
        ("repeat_window_h", {"repeat_window_h": 0}),
        ("repeat_window_h", {"repeat_window_h": 745}),
    ],
)
def test_choices_that_contradict_each_other_are_refused(
    key: str, choices: dict[str, object]
) -> None:
    with pytest.raises(DefinitionError) as caught:
        a_definition(**choices)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{key}: ")


def test_intervals_are_of_a_quarter_a_half_or_a_whole_hour() -> None:
    found = [a_definition(interval_minutes=n).interval_minutes for n in (15, 30, 60)]
    assert found == [15, 30, 60]


def test_the_edges_of_the_repeat_window_and_all_short_abandons_are_fine() -> None:
    assert a_definition(repeat_window_h=1).repeat_window_h == 1
    assert a_definition(repeat_window_h=744).repeat_window_h == 744
    strict = a_definition(service_level=Variant.SL5, short_abandons_out_of=EVERY)
    assert strict.offered(COUNTS) == 95
    assert a_definition().offered(COUNTS) == 100


def test_live_panes_carry_leg_views_from_queue_entry_at_the_service_level_event() -> None:
    assert a_definition().is_live
    for key in ("clock_start", "view", "attribution", "calls"):
        assert not a_definition(**{key: OTHER_CHOICES[key]}).is_live
    assert a_definition(service_level=Variant.SL2, callbacks=False).is_live


def test_only_the_plain_formula_is_within_over_offered() -> None:
    assert a_definition().is_within_over_offered
    assert not a_definition(service_level=Variant.SL2).is_within_over_offered
    assert not a_definition(flow_outs=False).is_within_over_offered
    assert not a_definition(callbacks=False).is_within_over_offered
    assert not a_definition(short_abandons_out_of=EVERY).is_within_over_offered


def test_service_level_is_by_the_variant_and_what_is_in() -> None:
    assert a_definition().service_level_parts(COUNTS) == Parts(40, 100)
    lean = a_definition(flow_outs=False, callbacks=False, short_abandons_out_of=EVERY)
    assert lean.service_level_parts(COUNTS) == Parts(40, 78)
    assert a_definition(service_level=Variant.SL2).service_level_parts(COUNTS) == Parts(40, 60)
    assert a_definition(service_level=Variant.SL8).service_level_parts(COUNTS) == Parts(0, 0)


def test_the_abandon_rate_has_three_denominators() -> None:
    assert abandon_parts(AbandonBase.QUEUED, COUNTS) == Parts(20, 100)
    assert abandon_parts(AbandonBase.HANDLED, COUNTS) == Parts(15, 75)
    assert abandon_parts(AbandonBase.OFFERED, COUNTS) == Parts(20, 89)
    assert abandon_parts(AbandonBase.QUEUED, COUNTS, short_abandons=False) == Parts(15, 95)
    assert abandon_parts(AbandonBase.HANDLED, COUNTS, short_abandons=False) == Parts(15, 75)
    assert abandon_parts(AbandonBase.OFFERED, COUNTS, short_abandons=False) == Parts(15, 84)
    assert a_definition().abandon_parts(COUNTS) == Parts(20, 100)
    forgiving = a_definition(short_abandons_out_of=frozenset({ShortAbandons.ABANDON_RATE}))
    assert forgiving.abandon_parts(COUNTS) == Parts(15, 95)
    by_handled = a_definition(abandon_rate=AbandonBase.HANDLED)
    assert by_handled.abandon_parts(COUNTS) == Parts(15, 75)


def test_refusals_can_be_left_out_of_the_answered_rate() -> None:
    assert a_definition().answered_parts(COUNTS) == Parts(60, 1211)
    wazo = a_definition(refused_left_out=frozenset({Refusal.CLOSED}))
    assert wazo.answered_parts(COUNTS) == Parts(60, 1201)
    forgiving = a_definition(short_abandons_out_of=EVERY)
    assert forgiving.answered_parts(COUNTS) == Parts(60, 1206)


def test_a_target_makes_the_definition_that_its_terms_say() -> None:
    target = a_target(inclusive=False, short_abandon_ms=3_000)
    assert target.rules == a_definition(name="terms", inclusive=False, short_abandon_ms=3_000)
    assert target.is_open(NOON)
    assert (target.answer_shift_ms, target.has_hours) == (0, False)


@pytest.mark.parametrize("terms", [{"inclusive": False}, {"short_abandon_ms": 1}])
def test_a_target_and_its_definition_must_agree(terms: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected the terms of definition 'x', got ServiceTarget"):
        a_target(definition=a_definition(), **terms)


def test_hours_are_of_the_contracts_wall_clock() -> None:
    hours = weekdays((480, 1200))
    assert a_target(definition=a_definition(opening_hours=hours), zone="Asia/Shanghai").has_hours
    at = {text: _ms(f"2025-11-{text}", "Asia/Shanghai") for text in (
        "10T07:59:59", "10T08:00:00", "14T19:59:59", "14T20:00:00", "15T12:00:00",
    )}  # fmt: skip
    found = [hours.is_open(ms, "Asia/Shanghai") for ms in at.values()]
    assert found == [False, True, True, False, False]
    assert not hours.is_open(_ms("2025-11-10T08:00:00", "Asia/Shanghai"), "UTC")


def test_a_closed_day_is_closed_all_day() -> None:
    hours = OpeningHours((((0, 1440),),) * 7, frozenset({date(2025, 12, 25)}))
    zone = "Europe/Berlin"
    days = ("2025-12-24T23:59:59", "2025-12-25T00:00:00", "2025-12-25T23:59:59", "2025-12-26T00:00")
    assert [hours.is_open(_ms(at, zone), zone) for at in days] == [True, False, False, True]


def test_the_hour_that_winter_time_repeats_is_open_both_times() -> None:
    hours = OpeningHours((((60, 150),),) * 7)
    first = round(datetime(2025, 10, 26, 0, 15, tzinfo=UTC).timestamp() * 1000)  # 02:15 in Berlin
    half_hours = [hours.is_open(first + n * 1_800_000, "Europe/Berlin") for n in range(-3, 5)]
    # 00:45, 01:15, 01:45, 02:15, 02:45, 02:15 again, 02:45 again, 03:15
    assert half_hours == [False, True, True, True, False, True, False, False]


def _ms(text: str, zone: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    "weekly",
    [
        ((),) * 6,
        (((480, 480),), *((),) * 6),
        (((480, 720), (720, 900)), *((),) * 6),
        (((480, 1441),), *((),) * 6),
        (((-1, 4),), *((),) * 6),
    ],
)
def test_hours_that_cannot_be_are_refused(weekly: tuple[tuple[tuple[int, int], ...], ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        OpeningHours(weekly)


def test_spans_are_read_and_written_alike() -> None:
    assert parse_span("08:00-20:30") == (480, 1230)
    assert parse_span("00:00-24:00") == (0, 1440)
    assert (clock(480), clock(1440)) == ("08:00", "24:00")


@pytest.mark.parametrize(
    "text", ["", "8", "08:00", "8-20", "08:00-08:00", "20:00-08:00", "08:60-10:00", "23:00-24:01",
             "-1:00-02:00", "a:00-b:00"]
)  # fmt: skip
def test_a_span_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 08:00-20:00"):
        parse_span(text)


def test_every_word_for_a_refusal_has_one_kind() -> None:
    words = [word for listed in WORDS.values() for word in listed]
    assert len(set(words)) == len(words)
    assert all(word == word.lower() for word in words)
    assert [refusal_of(w) for w in ("Full", "CLOSED", "JOINEMPTY", "x")] == list(Refusal)


def test_buckets_are_at_most_a_quarter_of_their_lower_edge_wide() -> None:
    for low, high in pairwise(EDGES_S):
        assert high - low <= max(1, low / 4)
    octaves = (2**n + quarter * 2**n // 4 for n in range(3, 10) for quarter in range(4))
    assert (*range(8), *octaves, 1024) == EDGES_S
    assert WAIT_FIELDS[0] == "wait_0000"
    assert [bucket_of(ms) for ms in (0, 999, 1_000, 2**40)] == [0, 0, 1, len(EDGES_S) - 1]


def test_a_percentile_is_the_bucket_of_its_rank() -> None:
    counts = [0] * len(EDGES_S)
    assert percentile(counts, 500) is None
    counts[3], counts[10], counts[-1] = 5, 4, 1
    found = [percentile(counts, permille) for permille in (0, 1, 500, 501, 900, 901, 1000)]
    many = [1_001, 999, *counts[2:]]
    many[3:] = [0] * len(many[3:])
    assert percentile(many, 501) == Percentile(1_000, 2_000)
    three, twelve = Percentile(3_000, 4_000), Percentile(12_000, 14_000)
    assert found[0] == Percentile(0, 1_000)
    assert found[1:] == [
        three,
        three,
        twelve,
        twelve,
        Percentile(1_024_000, None),
        Percentile(1_024_000, None),
    ]
