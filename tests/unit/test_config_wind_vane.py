"""wind_vane.yaml: the shipped one loads; each kind of mistake is refused where it stands."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.risk import Feature, Scale
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT

SHIPPED = PROJECT_ROOT / "config" / "wind_vane.yaml"
TERM = """\
      - from: 2025-01-01
        intercept: -5000
        listed_from: -3000
        outcome_window_d: 7
        wrapup_codes: [refund, 投诉]
        keywords: []
        features:
          open_cases: {weight: 1, most: 1}
          complaint_flags: {weight: 2, most: 2}
          keywords: {weight: 3, most: 3}
          wrapup_codes: {weight: 4, most: 4}
          earlier_contacts: {weight: 5, most: 5}
          abandons: {weight: -6, most: 6}
          wait_ms: {weight: 7, most: 7, per_s: 60}
          hold_ms: {weight: 8, most: 8, per_s: 30}
          transfers: {weight: 9, most: 9}
          agent_hang_ups: {weight: 0, most: 1}
"""
GOOD = f'wind_vane:\n  - client: "*"\n    terms:\n{TERM}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wind_vane.yaml"


def test_the_shipped_terms_load() -> None:
    (terms,) = load_wind_vane(SHIPPED).history("harbour").terms
    assert set(terms.scales) == set(Feature)
    assert terms.intercept < terms.listed_from < 0
    assert all(scale.weight >= 0 for scale in terms.scales.values())
    assert "12315" in terms.keywords


def test_terms_are_read_as_they_are_written(path: Path) -> None:
    path.write_text(GOOD)
    history = load_wind_vane(path).history("acme")
    (terms,) = history.terms
    assert history.starts == (date(2025, 1, 1),)
    assert (terms.intercept, terms.listed_from) == (-5000, -3000)
    assert terms.outcome_window_ms == 7 * 86_400_000
    assert (set(terms.wrapup_codes), set(terms.keywords)) == ({"refund", "投诉"}, set())
    assert terms.scales[Feature.WAIT_MS] == Scale(weight=7, most=7, unit=60_000)
    assert terms.scales[Feature.HOLD_MS] == Scale(weight=8, most=8, unit=30_000)
    assert terms.scales[Feature.ABANDONS] == Scale(weight=-6, most=6)
    assert list(terms.scales) == list(Feature)


def test_a_client_of_its_own_has_its_own_terms(path: Path) -> None:
    later = TERM.replace("2025-01-01", "2025-11-11").replace("-5000", "-4000")
    path.write_text(f"{GOOD}  - client: acme\n    terms:\n{TERM}{later}")
    vane = load_wind_vane(path)
    own = vane.history("acme")
    assert own.on(date(2025, 11, 10)).intercept == -5000
    assert own.on(date(2025, 11, 11)).intercept == -4000
    assert len(vane.history("other").terms) == 1


SAME = TERM.replace("2025-01-01", "2025-02-01")
LINES = GOOD.splitlines()


def line_of(text: str) -> int:
    return next(i for i, line in enumerate(LINES, 1) if text in line)


@pytest.mark.parametrize(
    ("old", "new", "at", "problem"),
    [
        ("wind_vane:", "vane:", "wind_vane:", r"unknown key\(s\) \['vane'\]"),
        ("          transfers:", "          transfer:", "transfers:", r"unknown key.*'transfer'"),
        ("          transfers: {weight: 9, most: 9}\n", "", "open_cases", "a key 'transfers'"),
        ("{weight: 9, most: 9}", "{most: 9}", "transfers:", "a key 'weight'"),
        ("weight: 9", "weight: .inf", "transfers:", "weight: expected int, got inf"),
        ("weight: 9", "weight: .nan", "transfers:", "weight: expected int, got nan"),
        ("weight: 9", "weight: 0.5", "transfers:", "weight: expected int, got 0.5"),
        ("weight: 9", "weight: yes", "transfers:", "weight: expected int, got True"),
        ("weight: 9", "weight: 20001", "transfers:", "weight: expected -20000 to 20000, got 20001"),
        ("weight: -6", "weight: -20001", "abandons:", "expected -20000 to 20000, got -20001"),
        ("most: 9", "most: 0", "transfers:", "most: expected 1 to 1000, got 0"),
        ("most: 9", "most: 1001", "transfers:", "most: expected 1 to 1000, got 1001"),
        ("most: 5", "most: 6", "earlier_contacts:", "most: expected 1 to 5, got 6"),
        (", per_s: 60", "", "wait_ms:", "a key 'per_s'"),
        ("per_s: 60", "per_s: 0", "wait_ms:", "per_s: expected 1 to 3600, got 0"),
        ("per_s: 60", "per_s: 3601", "wait_ms:", "per_s: expected 1 to 3600, got 3601"),
        ("most: 9}", "most: 9, per_s: 60}", "transfers:", r"unknown key\(s\) \['per_s'\]"),
        ("-5000", "-20001", "intercept", "intercept: expected -20000 to 20000, got -20001"),
        ("-3000", "20001", "listed_from", "listed_from: expected -20000 to 20000, got 20001"),
        ("outcome_window_d: 7", "outcome_window_d: 0", "outcome", "expected 1 to 60, got 0"),
        ("outcome_window_d: 7", "outcome_window_d: 61", "outcome", "expected 1 to 60, got 61"),
        ("2025-01-01", "2025-01-01 10:00:00", "from", "expected a date without a time"),
        ("2025-01-01", "soon", "from", "from: expected date, got 'soon'"),
        ("[refund, 投诉]", "[refund, 12315]", "wrapup_codes: [", "expected words, got 12315"),
        ("[refund, 投诉]", "[a, a]", "wrapup_codes: [", "each word once, got 'a' twice"),
        ("keywords: []", 'keywords: [""]', "keywords: []", "keywords: expected words, got ''"),
        ('client: "*"', "client: acme", "wind_vane:", 'expected an entry for client "\\*"'),
        ("    terms:\n", "    terms: []\n    more:\n", "terms:", r"unknown key\(s\) \['more'\]"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(
    old: str, new: str, at: str, problem: str, path: Path
) -> None:
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError, match=problem) as caught:
        load_wind_vane(path)
    # of a mapping that lacks a key the line it begins on is named, which is that or the next
    assert abs((caught.value.line or 0) - line_of(at)) <= 1


def test_terms_that_would_hold_at_once_are_refused(path: Path) -> None:
    path.write_text(GOOD + TERM)
    with pytest.raises(ConfigError, match="two terms would hold at once") as caught:
        load_wind_vane(path)
    assert caught.value.line == len(LINES) + 1
    path.write_text(GOOD.replace(TERM, SAME + TERM))
    with pytest.raises(ConfigError, match="expected a day after 2025-02-01"):
        load_wind_vane(path)


def test_a_client_stands_once(path: Path) -> None:
    path.write_text(f'{GOOD}  - client: "*"\n    terms:\n{SAME}')
    with pytest.raises(ConfigError, match="has terms from line 2 on already") as caught:
        load_wind_vane(path)
    assert caught.value.line == len(LINES) + 1


def test_a_client_has_a_term(path: Path) -> None:
    path.write_text(f"{GOOD}  - client: acme\n    terms: []\n")
    with pytest.raises(ConfigError, match="expected one term at least") as caught:
        load_wind_vane(path)
    assert caught.value.line == len(LINES) + 2
