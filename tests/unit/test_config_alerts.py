"""``alerts.yaml``: every kind of rule, dates, maintenance, and all that is wrong at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline.config_alert_kinds import KINDS
from pipeline.config_alerts import load_alert_rules
from pipeline.config_files import load_config
from pipeline.domain.alert_rule import FIRST_DAY, NO_DAY, BurnRule, JumpRule, Rule
from pipeline.domain.alert_scope import ALONE, Grouping, Programme, Scope
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT

BURN = """\
  - name: burn
    kind: burn
    kpi: service_level
    short_window_s: 300
    long_window_s: 1800
    burn_enter_pct: 300
    burn_leave_pct: 150
    severity: page
    runbook: docs/runbooks/burn.md
"""
NUMBERS = {
    "margin": "{window_s: 300, enter_margin_pct: 10, leave_margin_pct: 0, min_offered: 1",
    "burn": "{short_window_s: 60, long_window_s: 90, burn_enter_pct: 200, burn_leave_pct: 90",
    "share": "{window_s: 300, enter_pct: 10, leave_pct: 5",
    "waiting": "{window_s: 300, enter: 10, leave: 5",
    "jump": "{window_s: 300, enter_pct: 130, leave_pct: 110",
    "surge": "{window_s: 300, enter_pct: 130, leave_pct: 110",
    "silence": "{window_s: 300",
}


@pytest.fixture
def alerts(tmp_path: Path) -> Path:
    return tmp_path / "alerts.yaml"


def rules_of(alerts: Path, text: str) -> tuple[Rule, ...]:
    alerts.write_text(text)
    return load_alert_rules(alerts).rules


def problem(alerts: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        rules_of(alerts, text)
    return str(caught.value).replace(str(alerts), "F")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_and_kpi_can_be_written(alerts: Path, kind: str) -> None:
    for kpi in KINDS[kind].kpis:
        numbers = f"{NUMBERS[kind]}, kind: {kind}, kpi: {kpi}, "
        line = f"  - {numbers}name: r, severity: page, runbook: docs/r.md}}\n"
        (rule,) = rules_of(alerts, f"rules:\n{line}")
        assert (rule.kind, rule.kpi, rule.only_open) == (kind, kpi, True)
        assert (rule.from_day, rule.until_day) == (FIRST_DAY, NO_DAY)
        assert (rule.for_ms, rule.keep_firing_ms, rule.maintenance) == (0, 0, ())


def test_units_defaults_and_dates(alerts: Path) -> None:
    terms = "    for_s: 60\n    keep_firing_s: 90\n    hours: always\n    from: 2025-11-01\n"
    (rule,) = rules_of(alerts, f"rules:\n{BURN}{terms}    until: 2025-12-01\n")
    assert isinstance(rule, BurnRule)
    assert (rule.window_ms, rule.long_ms) == (300_000, 1_800_000)
    assert (rule.enter_permille, rule.leave_permille) == (3000, 1500)
    assert (rule.min_calls, rule.inflation_permille) == (10, 2000)
    assert (rule.for_ms, rule.keep_firing_ms, rule.only_open) == (60_000, 90_000, False)
    assert rule.from_day == date(2025, 11, 1).toordinal()
    assert rule.until_day == date(2025, 12, 1).toordinal()


def test_a_fixed_handle_time_may_be_given(alerts: Path) -> None:
    line = f"  - {NUMBERS['jump']}, kind: jump, kpi: average_handle_time, aht_s: 240, "
    (rule,) = rules_of(alerts, f"rules:\n{line}name: r, severity: page, runbook: r.md}}\n")
    assert isinstance(rule, JumpRule)
    assert rule.aht_ms == 240_000


def test_rules_of_one_name_may_follow_each_other(alerts: Path) -> None:
    first, second = f"{BURN}    until: 2025-12-01\n", f"{BURN}    from: 2025-12-01\n"
    assert len(rules_of(alerts, f"rules:\n{first}{second}")) == 2
    overlapping = second.replace("12-01", "11-30")
    assert problem(alerts, f"rules:\n{first}{overlapping}") == (
        "F:12: name: expected different names, or from and until that do not overlap; "
        "'burn' on line 2 holds at the same time"
    )


def test_one_name_has_one_kind(alerts: Path) -> None:
    other = f"  - {NUMBERS['silence']}, kind: silence, kpi: feed, name: burn, from: 2025-12-01, "
    text = f"rules:\n{BURN}    until: 2025-12-01\n{other}severity: page, runbook: r.md}}\n"
    assert problem(alerts, text).startswith("F:12: name: expected one kind of rule by the name")


def test_a_note_does_not_change_a_rule(alerts: Path) -> None:
    (plain,) = rules_of(alerts, f"rules:\n{BURN}")
    (noted,) = rules_of(alerts, f"rules:\n{BURN}    note: agreed with the client\n")
    assert noted == plain


def test_everything_that_is_wrong_is_said_at_once(alerts: Path) -> None:
    wrong = (
        BURN.replace("300\n    long", "x\n    long")
        .replace("kpi: service_level", "kpi: sl")
        .replace("    severity: page\n", "    severety: page\n    from: soon\n    hours: never\n")
    )
    crossed = BURN.replace("300\n    long", "3000\n    long")
    text = f"rules:\n{wrong}{crossed}  - kind: smell\n"
    found = problem(alerts, f"{text}maintenance:\n  - {{from: 2025-11-01, until: 2025-11-02}}\n")
    lines = [line.split(": ")[0] for line in found.splitlines()]
    said = [line.partition(": ")[2] for line in found.splitlines()]
    for beginning in (
        "expected a key 'why'",
        "from: expected datetime",
        "until: expected datetime",
        "unknown key(s) ['severety']",
        "expected a key 'severity' (str)",
        "kpi: expected service_level, got 'sl'",
        "short_window_s: expected int, got 'x'",
        "from: expected a date such as 2025-11-01, got 'soon'",
        "hours: expected one of ['open', 'always'], got 'never'",
        "rule burn: windows: expected the short one shorter",
        "kind: expected one of",
    ):
        assert sum(line.startswith(beginning) for line in said) == 1, beginning
    assert all(line.startswith("F:") for line in lines)


TOGETHER = """\
programmes:
  - {name: retail, client: acme, queue: "ord*"}
  - {name: retail, client: acme, site: north}
keyed_by_client: [acme]
"""


def test_scopes_programmes_and_clients_that_are_whole(alerts: Path) -> None:
    other = BURN.replace("name: burn", "name: other")
    rules = rules_of(alerts, f"rules:\n{BURN}    scope: programme\n{other}{TOGETHER}")
    assert [rule.scope for rule in rules] == [Scope.PROGRAMME, Scope.QUEUE]
    assert rules[0].grouping == rules[1].grouping
    assert rules[0].grouping == Grouping(
        programmes=(
            Programme(name="retail", client="acme", queue="ord*"),
            Programme(name="retail", client="acme", site="north"),
        ),
        whole_clients=frozenset({"acme"}),
    )
    (alone,) = rules_of(alerts, f"rules:\n{BURN}")
    assert alone.grouping == ALONE


def test_what_belongs_together_is_part_of_the_version(alerts: Path) -> None:
    versions = set()
    for together in ("", TOGETHER, TOGETHER.replace("north", "south")):
        alerts.write_text(f"rules:\n{BURN}{together}")
        versions.add(load_alert_rules(alerts).version)
    assert len(versions) == 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("scope: site", "scope: floor", "F:11: scope: expected one of ['queue', 'programme', 'si"),
        ("name: retail, ", "", "F:13: expected a key 'name' (str)"),
        ("site: north", "place: north", "F:14: unknown key(s) ['place']"),
        ("[acme]", "[1]", "F:15: keyed_by_client: expected names of clients, got 1"),
        ("[acme]", "acme", "F:15: keyed_by_client: expected list, got 'acme'"),
    ],
)
def test_scopes_that_are_wrong(alerts: Path, old: str, new: str, expected: str) -> None:
    text = f"rules:\n{BURN}    scope: site\n{TOGETHER}"
    assert text.count(old) >= 1
    assert problem(alerts, text.replace(old, new, 1)).startswith(expected)


def test_one_name_has_one_scope(alerts: Path) -> None:
    first, second = f"{BURN}    until: 2025-12-01\n", f"{BURN}    from: 2025-12-01\n"
    assert problem(alerts, f"rules:\n{first}{second}    scope: client\n") == (
        "F:12: name: expected one kind of rule by the name 'burn', got burn per client here and "
        "burn per queue on line 2"
    )


MAINTENANCE = "rules: []\nmaintenance:\n  - from: {}\n    until: {}\n    why: PBX\n"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2025-11-01T02:00:00", "2025-11-01T03:00:00+08:00", "F:3: from: expected an instant with"),
        ("2025-11-01T02:00:00+08:00", "2025-11-01T02:00:00+08:00", "F:4: until: expected an inst"),
    ],
)
def test_maintenance_that_is_wrong(alerts: Path, start: str, end: str, expected: str) -> None:
    assert problem(alerts, MAINTENANCE.format(start, end)).startswith(expected)


def test_maintenance_is_every_rules(alerts: Path) -> None:
    planned = MAINTENANCE.format("2025-11-01T02:00:00+08:00", "2025-11-01T03:00:00+08:00")
    text = planned.replace("rules: []", f"rules:\n{BURN}") + "    site: no*\n"
    (rule,) = rules_of(alerts, text)
    (window,) = rule.maintenance
    start = datetime(2025, 10, 31, 18, tzinfo=UTC).timestamp() * 1000
    assert (window.start_ms, window.end_ms) == (start, start + 3_600_000)
    assert (window.client, window.site, window.queue) == ("*", "no*", "*")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("burn_enter_pct: 200", "burn_enter_pct: 501", "burn_enter_pct: expected at most 500"),
        ("enter_margin_pct: 10", "enter_margin_pct: 80", "enter_margin_pct: expected less than"),
    ],
)
def test_a_rule_that_can_never_fire_for_a_queue_is_refused(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    for name in ("queues.yaml", "kpis.yaml", "alerts.yaml"):
        text = (PROJECT_ROOT / "config" / name).read_text()
        (tmp_path / name).write_text(text)
    load_config(tmp_path)
    text = (tmp_path / "alerts.yaml").read_text()
    assert text.count(old) == 1
    (tmp_path / "alerts.yaml").write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=expected) as caught:
        load_config(tmp_path)
    assert "(queue */*/*)" in str(caught.value)
