"""The registry of definitions: what is wrong in it is named by file, line and valid values."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config_files import load_targets
from pipeline.config_kpis import load_definitions
from pipeline.domain.definition import Attribution, Calls, KpiDefinition, ShortAbandons, View
from pipeline.domain.refusal import Refusal
from pipeline.domain.service_level import Variant
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT

KPIS = """\
definitions:
  - name: default
    title: As delivered
    service_level: SL1
    comparison: "<="
    clock_start: queue_entry
    clock_stop: answered
    announcement_s: 0
    short_abandon_s: 5
    short_abandons_out_of: []
    flow_outs: in
    callbacks: in
    abandon_rate: queued
    refused_left_out: []
    view: leg
    attribution: service_level_event
    interval_minutes: 15
    calls: all
    repeat_window_h: 168
    zero_denominator: null
    opening_hours:
      mon: ["08:00-12:00", "13:00-24:00"]
      closed_on: [2025-12-25]
"""
QUEUES = """\
queues:
  - client: "*"
    site: "*"
    queue: "*"
    zone: Asia/Shanghai
    terms:
      - from: 1970-01-01
        threshold_s: 20
        goal_pct: 80
        long_hold_s: 120
        definition: strict
"""
STRICT = """\
  - name: strict
    title: Nothing is forgiven
    service_level: SL5
    short_abandons_out_of: [service_level]
    comparison: "<"
"""


@pytest.fixture
def kpis(tmp_path: Path) -> Path:
    return tmp_path / "kpis.yaml"


WRONG = {
    "unknown key": (
        "    view:",
        "    wiew:",
        15,
        "unknown key(s) ['wiew']; known: ['abandon_rate'",
    ),
    "key at the top": ("definitions:", "profiles:", 1, "unknown key(s) ['profiles']"),
    "no title": ("    title: As delivered\n", "", 2, "expected a key 'title' (str), found ['aban"),
    "no formula": ("    service_level: SL1\n", "", 2, "expected a key 'service_level' (str)"),
    "formula": (
        "SL1",
        "SL9",
        4,
        "service_level: expected one of ['SL1', 'SL2', 'SL3', 'SL4', 'SL5', 'SL6', 'SL7', 'SL8']",
    ),
    "comparison": ('"<="', '"=<"', 5, 'comparison: expected "<=" or "<", got \'=<\''),
    "clock": (
        "queue_entry",
        "dialing",
        6,
        "clock_start: expected one of ['queue_entry', 'after_iv",
    ),
    "announcement": ("_s: 0", "_s: 3", 8, "announcement_s: expected 0 with clock_stop answered"),
    "long announcement": ("_s: 0", "_s: 601", 8, "announcement_s: expected 0 to 600, got 601"),
    "short abandon": ("_s: 5", "_s: five", 9, "short_abandon_s: expected int, got 'five'"),
    "left out of what": (
        "out_of: []",
        "out_of: [everything]",
        10,
        (
            "short_abandons_out_of: expected some of ['service_level', 'abandon_rate', 'offered'], "
            "got 'everything'"
        ),
    ),
    "left out of offered alone": (
        "out_of: []",
        "out_of: [offered]",
        10,
        "short_abandons_out_of: ou",
    ),
    "in or out": (
        "outs: in",
        "outs: maybe",
        11,
        "flow_outs: expected one of ['in', 'out'], got 'm",
    ),
    "yes for in": ("callbacks: in", "callbacks: yes", 12, "callbacks: expected str, got True"),
    "abandon rate": (
        "queued\n",
        "lost\n",
        13,
        "abandon_rate: expected one of ['queued', 'handled'",
    ),
    "refusals": (
        "left_out: []",
        "left_out: [shy]",
        14,
        "refused_left_out: expected some of ['full',",
    ),
    "attribution": (
        "_level_event",
        "_level",
        16,
        "attribution: expected one of ['arrival', 'outco",
    ),
    "interval": (
        "minutes: 15",
        "minutes: 20",
        17,
        "interval_minutes: expected one of [15, 30, 60]",
    ),
    "window": ("168", "0", 19, "repeat_window_h: expected 1 to 744, got 0"),
    "zero": (
        "null",
        "100",
        20,
        "zero_denominator: expected null (no calls give no figure, never 0",
    ),
    "day": ("mon:", "monday:", 22, "unknown key(s) ['monday']; known: ['closed_on', 'fri', 'mon'"),
    "hours": (
        "08:00-12",
        "8 to 12",
        22,
        "mon: expected hours such as 08:00-20:00, got '8 to 12:00'",
    ),
    "overlap": ("13:00-24", "11:00-24", 22, "mon: expected ascending spans such as 08:00-12:00"),
    "nowhere open": (
        'mon: ["08:00-12:00", "13:00-24:00"]',
        "mon: []",
        21,
        "opening_hours: expected hours of at least one day of mon, tue,",
    ),
    "over midnight into hours of the next day": (
        'mon: ["08:00-12:00", "13:00-24:00"]',
        'mon: ["22:00-09:00"]\n      tue: ["08:00-12:00"]',
        23,
        "tue: expected ascending spans such as 08:00-12:00, got 00:00-09:00, 08:00-12:00",
    ),
    "special date": (
        "closed_on: [2025-12-25]",
        'special: {24.12.: ["08:00-12:00"]}',
        23,
        "special: expected dates such as 2025-12-24, got '24.12.'",
    ),
    "special hours": (
        "closed_on: [2025-12-25]",
        'special:\n        2025-12-24: ["22:00-02:00"]',
        24,
        "2025-12-24: expected hours that end after they begin",
    ),
    "special spans": (
        "closed_on: [2025-12-25]",
        'special:\n        2025-12-23: []\n        2025-12-24: ["08:00-12:00", "11:00-13:00"]',
        25,
        "2025-12-24: expected ascending spans such as 08:00-12:00",
    ),
    "special and closed": (
        "closed_on: [2025-12-25]",
        'closed_on: [2025-12-25]\n      special: {2025-12-25: ["08:00-12:00"]}',
        24,
        "special: expected ascending dates that are not in closed_on, got 2025-12-25",
    ),
    "date": (
        "2025-12-25",
        "christmas",
        23,
        "closed_on: expected dates such as 2025-12-25, got 'ch",
    ),
    "no default": ("default", "usual", 1, "expected a definition named 'default', found ['usual']"),
    "twice": (
        KPIS,
        KPIS + KPIS.removeprefix("definitions:\n"),
        24,
        "name: 'default' is defined on l",
    ),
}


@pytest.mark.parametrize(("old", "new", "line", "problem"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_by_file_line_and_valid_values(
    kpis: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert KPIS.count(old) == 1
    kpis.write_text(KPIS.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_definitions(kpis)
    assert str(caught.value).startswith(f"{kpis}:{line}: {problem}")


def test_a_key_left_out_has_its_built_in_value_which_default_spells_out(kpis: Path) -> None:
    without_hours = KPIS[: KPIS.index("    opening_hours")]
    kpis.write_text(without_hours)
    assert load_definitions(kpis).default == KpiDefinition(name="default")
    assert load_definitions(kpis.with_name("none.yaml")).default == KpiDefinition(name="default")
    delivered = load_definitions(PROJECT_ROOT / "config" / "kpis.yaml")
    assert delivered.default == KpiDefinition(name="default")
    assert set(delivered.titles) == set(delivered.by_name)


def test_opening_hours_are_read(kpis: Path) -> None:
    kpis.write_text(KPIS)
    hours = load_definitions(kpis).default.opening_hours
    assert hours is not None
    assert hours.plain() == {"mon": ["08:00-12:00", "13:00-24:00"], "closed_on": ["2025-12-25"]}


def test_hours_over_midnight_and_of_single_dates_are_read(kpis: Path) -> None:
    kpis.write_text(
        KPIS.replace(
            'mon: ["08:00-12:00", "13:00-24:00"]',
            'sun: ["22:00-06:00"]\n      special: {2025-12-24: ["08:00-12:00"], 2025-12-26: []}',
        )
    )
    hours = load_definitions(kpis).default.opening_hours
    assert hours is not None
    assert hours.plain() == {
        "mon": ["00:00-06:00"],
        "sun": ["22:00-24:00"],
        "closed_on": ["2025-12-25", "2025-12-26"],
        "special": ["2025-12-24 08:00-12:00"],
    }


def test_a_queues_terms_may_have_hours_of_their_own_from_a_date_on(kpis: Path) -> None:
    kpis.write_text(KPIS)
    queues = kpis.with_name("queues.yaml")
    term = """\
      - from: 2025-11-10
        threshold_s: 20
        goal_pct: 80
        long_hold_s: 120
        opening_hours:
          tue: ["09:00-17:00"]
"""
    queues.write_text(QUEUES.replace("        definition: strict\n", "") + term)
    history = load_targets(queues).history("a", "b", "c")
    day_ms = 86_400_000
    monday = 1_762_131_600_000  # 2025-11-03 09:00 in Shanghai
    days = [monday, monday + day_ms, monday + 7 * day_ms, monday + 8 * day_ms]
    found = [history.at(at).is_open(at) for at in days]
    assert found == [True, False, False, True]
    queues.write_text(
        QUEUES.replace("        definition: strict\n", "") + term.replace("tue", "die")
    )
    with pytest.raises(ConfigError, match=rf"{queues}:16: unknown key\(s\) \['die'\]"):
        load_targets(queues)


def test_wazos_statistics_are_one_of_the_definitions_delivered() -> None:
    wazo = load_definitions(PROJECT_ROOT / "config" / "kpis.yaml").by_name["wazo"]
    assert wazo == KpiDefinition(
        name="wazo",
        service_level=Variant.SL2,
        attribution=Attribution.ARRIVAL,
        interval_minutes=60,
        calls=Calls.FINISHED,
        refused_left_out=frozenset({Refusal.CLOSED}),
        view=View.LEG,
    )


# --- in a queue's terms ----------------------------------------------------------------------


def test_a_term_names_its_definition_and_can_say_otherwise(kpis: Path) -> None:
    kpis.write_text(KPIS + STRICT)
    queues = kpis.with_name("queues.yaml")
    queues.write_text(QUEUES)
    target = load_targets(queues).history("acme", "", "service").at(0)
    assert target.rules.name == "strict"
    assert not target.inclusive
    assert target.rules.short_abandons_out_of == {ShortAbandons.SERVICE_LEVEL}
    assert target.zone == "Asia/Shanghai"
    queues.write_text(QUEUES + '        comparison: "<="\n        short_abandon_s: 3\n')
    other = load_targets(queues).history("acme", "", "service").at(0)
    assert (other.inclusive, other.short_abandon_ms) == (True, 3_000)
    assert other.rules.short_abandons_out_of == {ShortAbandons.SERVICE_LEVEL}
    assert other.rules.content_hash != target.rules.content_hash


WRONG_TERMS = {
    "no such definition": (
        "definition: strict",
        "definition: lax",
        11,
        "definition: expected one of ['default', 'strict', 'wallboard'], got 'lax'",
    ),
    "live only": (
        "definition: strict",
        "definition: wallboard",
        11,
        "definition: 'wallboard' is SL8, of the calls waiting now; no month can be closed by it",
    ),
    "short abandons beyond the threshold": (
        "threshold_s: 20",
        "threshold_s: 5",
        7,
        "short_abandon_s: expected a wait within the threshold of 5 s, got 5 (definition 'strict')",
    ),
}


@pytest.mark.parametrize(("old", "new", "line", "problem"), WRONG_TERMS.values(), ids=WRONG_TERMS)
def test_what_is_wrong_in_a_term_is_named(
    kpis: Path, old: str, new: str, line: int, problem: str
) -> None:
    kpis.write_text(KPIS + STRICT + "  - {name: wallboard, title: live, service_level: SL8}\n")
    queues = kpis.with_name("queues.yaml")
    queues.write_text(QUEUES.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_targets(queues)
    assert str(caught.value).startswith(f"{queues}:{line}: {problem}")


def test_the_version_is_of_what_moves_numbers(kpis: Path) -> None:
    queues = kpis.with_name("queues.yaml")

    def version(registry: str, text: str = QUEUES) -> str:
        kpis.write_text(registry)
        queues.write_text(text)
        return load_targets(queues).version

    first = version(KPIS + STRICT)
    unused = "  - {name: unused, title: nobody names it, service_level: SL2}\n"
    assert version(KPIS + STRICT + unused) == first
    renamed = (KPIS + STRICT).replace("strict", "exact")
    assert version(renamed, QUEUES.replace("strict", "exact")) == first
    assert version((KPIS + STRICT).replace('"<"', '"<="')) != first
    assert version(KPIS + STRICT, QUEUES.replace("80", "81")) != first
