"""``vane cause`` as it is typed: the table, JSON, and wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.settings import Settings
from tests.unit.offline import landed_day as landed

BASE = (
    *("cause", "--client", "meridian", "--queue", "service"),
    *("--from", "2025-11-11 08:00", "--to", "2025-11-11 12:00"),
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    found = landed.new_settings(tmp_path)
    monkeypatch.setenv("VANE_HOME", str(found.home))
    monkeypatch.setenv("VANE_CONFIG", str(found.config_dir))
    service, handle = landed.panes_of("2025-11-11", from_h=8, until_h=12, calls=357, in_time=84)
    landed.land_live(found, service, handle)
    landed.land_forecast(found, [landed.a_forecast(at) for at in landed.quarters("2025-11-11")])
    return found


def vane(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    out, err = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), out, err


def test_singles_day_is_the_volumes_doing(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = vane(capsys, *BASE, "--agents", "73")
    assert (code, err) == (0, "")
    assert "In time: 23.5 %; by plan 86.5 % (Erlang A): 63.0 points below plan" in out
    lines = out.splitlines()
    first = next(i for i, line in enumerate(lines) if "points" in line and "cause" in line) + 1
    assert "environment 环" in lines[first]
    assert "4,286" in lines[first]
    assert "5,712" in lines[first]
    assert "11 Nov 08:00" in lines[first]
    assert "material 料" in lines[first + 1]
    assert lines[first].split()[0].startswith("-6")
    assert any(line.split()[:2] == ["-63.0", "fall"] for line in lines)
    assert "agents: 73 on average, as stated" in out


def test_programs_are_told_the_same(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = vane(capsys, *BASE, "--agents", "66", "--format", "json")
    found: Any = json.loads(out)
    assert code == 0
    points = {row["cause"]: row["points"] for row in found["causes"]}
    assert set(points) == {"people", "machine", "material", "method", "environment"}
    assert points["environment"] > points["people"] > points["material"] > 0
    assert sum(points.values()) + found["remainder"] == pytest.approx(found["fall"], abs=1e-12)
    assert found["planned"] - found["observed"] == found["fall"]
    assert found["reason"] is None
    parts = found["causes"][0]["parts"]
    assert sum(part["points"] for part in parts) == pytest.approx(points["environment"])


def test_nothing_to_explain_has_a_code_of_its_own(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    night = [*BASE]
    night[night.index("2025-11-11 08:00")] = "2025-11-11 13:00"
    night[night.index("2025-11-11 12:00")] = "2025-11-11 14:00"
    code, out, _ = vane(capsys, *night, "--agents", "73")
    assert code == 3
    assert "No call of the window counts" in out
    code, out, _ = vane(capsys, *night, "--agents", "73", "--format", "json")
    assert (code, json.loads(out)["reason"]) == (3, "no calls")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--from", "yesterday"), "--from: expected a date and time such as"),
        (("--to", "2025-11-11"), "--to: expected a date and time such as"),
        (("--to", "2025-11-11 08:00"), "expected a window of more than nothing"),
        (("--agents", "-1"), "--agents: expected 0 or more, got -1"),
        (("--planned-agents", "-1"), "--planned-agents: expected 0 or more, got -1"),
        (("--rework", "100"), "--rework: expected 0 to below 100 percent, got 100"),
        (("--patience", "0"), "--patience"),
        (("--top", "-1"), "--top: expected 0 or more, got -1"),
    ],
)
def test_wrong_input_is_named(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    said: str,
) -> None:
    code, out, err = vane(capsys, *BASE, *more)
    assert (code, out) == (1, "")
    assert said in err


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = vane(capsys, "cause", "--help")
    assert code == 0
    assert "vane cause --client meridian" in out
    assert "Exit code 0" in out
