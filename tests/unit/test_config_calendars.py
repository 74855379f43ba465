"""Calendars and figures: what is shipped, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.config_calendars import load_calendars, load_figures
from pipeline.errors import ConfigError
from tests.contracts import CALENDARS, line_of

FIGURES = """\
client: acme
figures:
  - {figure: sales, month: 2025-11, value: "1250000.50", evidence: "sheet 7, signed 2025-12-03"}
"""


def test_chinas_national_days_of_2025() -> None:
    # 国办发明电〔2024〕12号: 1 to 8 October off; Sunday 28 September and Saturday 11 October worked
    kinds = load_calendars(CALENDARS)["china"].kinds
    assert kinds(date(2025, 9, 27)) == {"weekend"}
    assert kinds(date(2025, 9, 28)) == frozenset()
    assert kinds(date(2025, 10, 1)) == {"holiday", "statutory"}
    assert kinds(date(2025, 10, 4)) == {"holiday"}  # a Saturday
    assert kinds(date(2025, 10, 6)) == {"holiday", "statutory"}  # 中秋节
    assert kinds(date(2025, 10, 9)) == frozenset()
    assert kinds(date(2025, 10, 11)) == frozenset()
    assert kinds(date(2025, 10, 12)) == {"weekend"}
    with pytest.raises(KeyError):
        kinds(date(2031, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2025-01-26, 2025-02-08", "2025-01-27, 2025-02-08", "weekend days that are no holidays"),
        ("workdays: [2025-01-26", "workdays: [2026-01-25, 2025-01-26", "expected days of 2025"),
        ("through: 2025-04-06", "through: 2025-04-03", "清明节: ends before it begins"),
        ("statutory: [2025-04-04]", "statutory: [2025-04-08]", "statutory days within it"),
        ("from: 2025-04-04", "from: 2025-02-04", "2025-02-04 is a holiday already"),
        ("year: 2026", "year: 2025", "2025 stands here twice"),
        ("weekend: [sat, sun]", "weekend: [sat, sonntag]", "expected one of"),
        ("from: 2025-04-04", 'from: "2025-04-31"', "expected a date, got '2025-04-31'"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = CALENDARS.read_text()
    assert old in text
    path = tmp_path / "calendars.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=r"calendars\.yaml:\d+: ") as refused:
        load_calendars(path)
    assert message in str(refused.value)


def test_a_calendar_twice_is_refused(tmp_path: Path) -> None:
    text = CALENDARS.read_text()
    path = tmp_path / "calendars.yaml"
    path.write_text(text + text[text.index("  - name: china") :])
    with pytest.raises(ConfigError, match="'china' stands on line 8 already"):
        load_calendars(path)


def test_no_file_is_no_calendar_and_no_figure(tmp_path: Path) -> None:
    assert load_calendars(tmp_path / "calendars.yaml") == {}
    assert load_figures(tmp_path / "figures") == ()


def test_figures_are_exact(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(FIGURES)
    (figure,) = load_figures(tmp_path)
    assert (figure.client, figure.month, figure.value) == ("acme", "2025-11", Decimal("1250000.50"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"1250000.50"', "1250000.50", "value: expected text in quotes"),
        ("2025-11,", "2025-13,", "month: expected text"),
        ("client: acme", "client: other", "client: expected 'acme'"),
        ('evidence: "sheet 7, signed 2025-12-03"', 'evidence: ""', "evidence: expected at least 1"),
    ],
)
def test_a_figure_that_says_too_little_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in FIGURES
    text = FIGURES.replace(old, new)
    (tmp_path / "acme.yaml").write_text(text)
    with pytest.raises(ConfigError, match=rf"acme\.yaml:{line_of(text, new)}: .*{message}"):
        load_figures(tmp_path)


def test_a_figure_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(FIGURES + FIGURES.splitlines()[-1] + "\n")
    with pytest.raises(ConfigError, match=r"acme\.yaml:4: .* stands on line 3 already"):
        load_figures(tmp_path)
