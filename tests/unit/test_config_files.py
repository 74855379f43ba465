"""Config files: what is wrong in them is named by file, line, value and what was expected."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config_files import Targets, content_hash, load_alert_rules, load_targets, load_yaml
from pipeline.domain.alert_rule import DropRule
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT

DEFAULT = """\
queues:
  - client: "*"
    site: "*"
    queue: "*"
    zone: UTC
    terms:
      - from: 1970-01-01
        threshold_s: 20
        comparison: "<="
        goal_pct: 80
        short_abandon_s: 5
        long_hold_s: 120
"""
RULES = """\
rules:
  - name: drop
    kpi: service_level
    window_s: 300
    enter_margin_pct: 10
    leave_margin_pct: 0
    min_offered: 20
    severity: page
    runbook: docs/runbooks/drop.md
"""


def an_entry(client: str = "*", site: str = "*", queue: str = "*", goal: int = 80) -> str:
    entry = DEFAULT.removeprefix("queues:\n")
    for key, value in (("client", client), ("site", site), ("queue", queue)):
        entry = entry.replace(f'{key}: "*"', f'{key}: "{value}"')
    return entry.replace("goal_pct: 80", f"goal_pct: {goal}")


@pytest.fixture
def queues(tmp_path: Path) -> Path:
    return tmp_path / "queues.yaml"


@pytest.fixture
def alerts(tmp_path: Path) -> Path:
    return tmp_path / "alerts.yaml"


WRONG_QUEUES = {
    "unknown key at the top": ("queues:", "queue:", 1, "unknown key(s) ['queue']; known:"),
    "unknown key of an entry": ("    zone:", "    zome:", 5, "unknown key(s) ['zome']; known:"),
    "unknown key of a term": ("goal_pct", "goal", 10, "unknown key(s) ['goal']; known:"),
    "missing key": (
        "        goal_pct: 80\n",
        "",
        7,
        "expected a key 'goal_pct' (int), found ['comparison', 'from',",
    ),
    "text for a number": ("goal_pct: 80", "goal_pct: high", 10, "goal_pct: expected int, got 'hi"),
    "true for a number": ("goal_pct: 80", "goal_pct: true", 10, "goal_pct: expected int, got True"),
    "number for a text": ('client: "*"', "client: 7", 2, "client: expected str, got 7"),
    "text for a date": ("1970-01-01", "early", 7, "from: expected date, got 'early'"),
    "date with a time": ("1970-01-01", "1970-01-01 10:00:00", 7, "from: expected a date without"),
    "no such zone": ("UTC", "Asia/Nowhere", 5, "zone: expected an IANA zone such as Asia/Shanghai"),
    "zone that is a folder": ("UTC", "Asia", 5, "zone: expected an IANA zone such as Asia/Shang"),
    "zone outside": ("UTC", "../UTC", 5, "zone: expected an IANA zone such as Asia/Shanghai, got"),
    "bad comparison": ('"<="', '"=<"', 9, 'comparison: expected "<=" or "<", got \'=<\''),
    "no threshold": ("threshold_s: 20", "threshold_s: 0", 8, "threshold_s: expected 1 to 3600, g"),
    "long threshold": ("_s: 20", "_s: 3601", 8, "threshold_s: expected 1 to 3600, got 3601"),
    "goal beyond 100": ("_pct: 80", "_pct: 101", 10, "goal_pct: expected 1 to 100, got 101"),
    "negative": (
        "abandon_s: 5",
        "abandon_s: -1",
        11,
        "short_abandon_s: expected 0 to 3600, got -1",
    ),
    "same key twice": (
        "        goal_pct: 80\n",
        "        goal_pct: 80\n        goal_pct: 90\n",
        11,
        "not valid YAML: the key 'goal_pct' stands here and on line 10",
    ),
    "no list": (DEFAULT, "queues: all\n", 1, "queues: expected list, got 'all'"),
    "no mapping": (DEFAULT, "queues:\n  - all\n", 1, "queues: expected mappings, got 'all'"),
    "no terms": (
        DEFAULT[DEFAULT.index("      - from") :],
        "      []\n",
        6,
        "terms: expected at least one",
    ),
    "terms of no mappings": (
        DEFAULT[DEFAULT.index("      - from") :],
        "      - 7\n",
        6,
        "terms: expected mappings, got 7",
    ),
    "no default entry": ('queue: "*"', "queue: service", 1, "expected a default entry with client"),
    "the machine's own clock": ("UTC", "localtime", 5, "zone: expected an IANA zone such as Asia/"),
    "not YAML": ("    zone: UTC", "   zone: UTC", 5, "not valid YAML: "),
}


@pytest.mark.parametrize(("old", "new", "line", "problem"), WRONG_QUEUES.values(), ids=WRONG_QUEUES)
def test_what_is_wrong_in_queues_is_named_by_file_line_and_value(
    queues: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert DEFAULT.count(old) == 1
    queues.write_text(DEFAULT.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_targets(queues)
    assert str(caught.value).startswith(f"{queues}:{line}: {problem}")


WRONG_RULES = {
    "unknown key": (
        "    kpi:",
        "    kpy:",
        3,
        "unknown key(s) ['kpy']; known: ['enter_margin_pct'",
    ),
    "another KPI": (
        "service_level",
        "occupancy",
        3,
        "kpi: expected service_level, got 'occupancy'",
    ),
    "missing key": ("    severity: page\n", "", 2, "expected a key 'severity' (str), found ['ent"),
    "window of no panes": (
        "300",
        "45",
        2,
        "rule drop: window: expected a multiple of 30 s, got 45",
    ),
    "margins crossed": ("leave_margin_pct: 0", "leave_margin_pct: 10", 2, "rule drop: margins: ex"),
    "no volume": (
        "min_offered: 20",
        "min_offered: 0",
        2,
        "rule drop: min_offered: expected at lea",
    ),
    "same name twice": (RULES, RULES + RULES.removeprefix("rules:\n"), 10, "name: expected diff"),
    "no mapping": (RULES, "rules: [drop]\n", 1, "rules: expected mappings, got 'drop'"),
}


@pytest.mark.parametrize(("old", "new", "line", "problem"), WRONG_RULES.values(), ids=WRONG_RULES)
def test_what_is_wrong_in_alert_rules_is_named_by_file_line_and_value(
    alerts: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert RULES.count(old) == 1
    alerts.write_text(RULES.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_alert_rules(alerts)
    assert str(caught.value).startswith(f"{alerts}:{line}: {problem}")


def test_a_second_entry_for_the_same_queues_names_both_lines(queues: Path) -> None:
    queues.write_text(DEFAULT + an_entry(client="acme") + an_entry(client="acme", goal=90))
    with pytest.raises(ConfigError) as caught:
        load_targets(queues)
    problem = "client/site/queue acme/*/* has an entry on line 13 already"
    assert str(caught.value) == f"{queues}:24: {problem}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "expected a mapping at the top, got NoneType"),
        (b"- 1\n", "expected a mapping at the top, got list"),
    ],
)
def test_a_file_that_holds_no_mapping_is_named(queues: Path, content: bytes, problem: str) -> None:
    queues.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_yaml(queues)
    assert str(caught.value).startswith(f"{queues}: {problem}")


def test_a_missing_file_is_named(queues: Path) -> None:
    with pytest.raises(ConfigError, match=r"queues\.yaml: expected this file to exist"):
        load_targets(queues)


def test_the_entry_with_the_fewest_wildcards_wins_wherever_it_stands(queues: Path) -> None:
    entries = [
        an_entry(goal=50),
        an_entry(client="acme", site="north", queue="service", goal=90),
        an_entry(client="acme", site="north", goal=80),
        an_entry(client="acme", goal=60),
    ]
    for order in (entries, entries[::-1]):
        queues.write_text("queues:\n" + "".join(order))
        targets = load_targets(queues)
        asked = [
            ("acme", "north", "service"),
            ("acme", "north", "orders"),
            ("acme", "", "service"),
            ("other", "north", "service"),
        ]
        goals = [targets.history(*queue).at(0).goal_permille for queue in asked]
        assert goals == [900, 800, 600, 500]


def test_a_queue_that_no_entry_speaks_of_is_a_bug_not_a_default() -> None:
    with pytest.raises(KeyError, match="acme"):
        Targets((), "v").history("acme", "", "service")


def test_terms_start_at_midnight_of_the_zone_in_any_order(queues: Path) -> None:
    term = DEFAULT[DEFAULT.index("      - from") :]
    later = term.replace("1970-01-01", "2025-11-01").replace("goal_pct: 80", "goal_pct: 90")
    queues.write_text((DEFAULT.replace(term, later + term)).replace("UTC", "Asia/Shanghai"))
    targets = load_targets(queues)
    history = targets.history("any", "", "queue")
    midnight = round(datetime(2025, 10, 31, 16, tzinfo=UTC).timestamp() * 1000)
    assert history.starts_ms[1] == midnight
    assert [history.at(midnight - 1).goal_permille, history.at(midnight).goal_permille] == [
        800,
        900,
    ]
    assert targets.zone("any", "", "queue") == "Asia/Shanghai"


def test_two_terms_from_the_same_day_are_refused(queues: Path) -> None:
    queues.write_text(DEFAULT + DEFAULT[DEFAULT.index("      - from") :])
    problem = r"queues\.yaml:13: from: the term on line 7 begins then already, on 1970-01-01"
    with pytest.raises(ConfigError, match=problem):
        load_targets(queues)


def test_seconds_and_per_cent_become_milliseconds_and_per_mille(queues: Path, alerts: Path) -> None:
    queues.write_text(DEFAULT.replace('"<="', '"<"'))
    target = load_targets(queues).history("a", "", "q").at(0)
    assert (target.threshold_ms, target.inclusive, target.goal_permille) == (20_000, False, 800)
    assert (target.short_abandon_ms, target.long_hold_ms) == (5_000, 120_000)
    alerts.write_text(RULES)
    (rule,) = load_alert_rules(alerts).rules
    assert isinstance(rule, DropRule)
    assert (rule.window_ms, rule.enter_margin_permille, rule.leave_margin_permille) == (
        300_000,
        100,
        0,
    )
    assert (rule.name, rule.severity, rule.min_offered) == ("drop", "page", 20)


def test_the_version_changes_with_the_content_and_not_with_order_of_keys_or_comments(
    queues: Path,
) -> None:
    def version(text: str) -> str:
        queues.write_text(text)
        return load_targets(queues).version

    zone = "    zone: UTC\n"
    moved = DEFAULT.replace(zone, "").replace("    site:", f"{zone}    site:") + "# a comment\n"
    assert version(moved) == version(DEFAULT)
    assert len(version(DEFAULT)) == 32
    changed = [
        DEFAULT.replace("80", "81"),
        DEFAULT.replace("<=", "<"),
        DEFAULT.replace("UTC", "Asia/Shanghai"),
        DEFAULT.replace("1970-01-01", "1970-01-02"),
        DEFAULT + an_entry(client="acme"),
    ]
    assert len({version(text) for text in [DEFAULT, *changed]}) == 6


def test_the_version_is_of_what_moves_numbers_not_of_how_it_is_written(queues: Path) -> None:
    def version(text: str) -> str:
        queues.write_text(text)
        return load_targets(queues).version

    said = DEFAULT.replace('        comparison: "<="\n', "").replace(
        "        short_abandon_s: 5\n", ""
    )
    assert version(said) == version(DEFAULT)  # the default definition says so anyway
    later = DEFAULT[DEFAULT.index("      - from") :].replace("1970-01-01", "2025-01-01")
    first = DEFAULT.index("      - from")
    assert version(DEFAULT + later) == version(DEFAULT[:first] + later + DEFAULT[first:])
    assert version(DEFAULT + later) != version(DEFAULT)


BROKEN = {
    "a day that is not": (b"a: 1\nb: 2025-02-30\n", 2, "'2025-02-30' is no date: day is out of ra"),
    "a key given twice, written otherwise": (b"a:\n  0x1: 1\n  1: 2\n", 3, "the key '1' stands"),
    "a control character": (
        b"a: 1\nb: \x07\n",
        2,
        "special characters are not allowed, got '\\x07'",
    ),
    "another encoding": (b"a: 1\nb: caf\xe9\n", 2, "expected UTF-8: "),
}


@pytest.mark.parametrize(("text", "line", "problem"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_yaml_is_named_with_its_line(
    tmp_path: Path, text: bytes, line: int, problem: str
) -> None:
    path = tmp_path / "some.yaml"
    path.write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        load_yaml(path)
    assert caught.value.line == line
    assert problem in caught.value.problem


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a file that can be read: Is a directory"):
        load_yaml(tmp_path)


def test_a_merged_mapping_may_say_some_things_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n")
    found = load_yaml(path)["b"]
    assert (found, found.line_of("y"), found.line_of("x")) == ({"x": 1, "y": 3}, 4, 3)


def test_the_order_of_entries_is_content() -> None:
    assert content_hash({"a": [1, 2]}) != content_hash({"a": [2, 1]})
    assert content_hash({"a": 1, "b": {"c": 1, "d": 2}}) == content_hash(
        {"b": {"d": 2, "c": 1}, "a": 1}
    )


def test_a_rules_version_is_its_own(alerts: Path) -> None:
    other = RULES.removeprefix("rules:\n").replace("name: drop", "name: other")
    alerts.write_text(RULES + other)
    before = {rule.name: rule.version for rule in load_alert_rules(alerts).rules}
    alerts.write_text(RULES + other.replace("window_s: 300", "window_s: 600"))
    after = {rule.name: rule.version for rule in load_alert_rules(alerts).rules}
    assert before["drop"] == after["drop"]
    assert before["other"] != after["other"]


def test_the_files_that_are_shipped_are_right() -> None:
    targets = load_targets(PROJECT_ROOT / "config" / "queues.yaml")
    assert targets.zone("bank", "", "any") == "Asia/Jerusalem"
    rules = load_alert_rules(PROJECT_ROOT / "config" / "alerts.yaml").rules
    assert {rule.name: rule.severity for rule in rules} == {
        "service-level-burn": "page",
        "service-level-drop": "ticket",
        "abandon-rate": "page",
        "feed-silence": "page",
    }
