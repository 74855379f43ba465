"""``vane simulate`` on the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.commands.simulate import app
from pipeline.errors import InputError
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import write_canonical

RUN = CliRunner()


def test_help_shows_examples() -> None:
    result = RUN.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "vane simulate --scenario double11" in result.output


def test_a_run_writes_its_files_and_says_what_came(tmp_path: Path) -> None:
    out = tmp_path / "sim"
    options = ["--scenario", "double11", "--scale", "0.02", "--out", str(out)]
    result = RUN.invoke(app, options)
    assert result.exit_code == 0, result.output
    assert "meridian: 300 calls forecast," in result.output
    assert sorted(path.name for path in out.iterdir()) == [
        "acd.agent-states.ndjson",
        "acd.events.ndjson",
        "forecast.csv",
        "truth.json",
    ]


def test_the_forecast_has_every_half_hour_in_the_clients_zone(tmp_path: Path) -> None:
    options = ["--scenario", "double11", "--out", str(tmp_path), "--scale", "0.02"]
    assert RUN.invoke(app, options).exit_code == 0
    with (tmp_path / "forecast.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 48 * 8
    assert {row["interval_start"][-6:] for row in rows} == {"+08:00"}
    assert rows[0]["interval_start"] == "2025-11-11T00:00:00+08:00"
    calls = sum(float(row["expected_calls"]) for row in rows if row["client"] == "meridian")
    assert calls == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize("month", ["2025-13", "25-11", "1970-01", "2101-01", "November"])
def test_a_month_that_is_none_is_refused_by_value(month: str, tmp_path: Path) -> None:
    result = RUN.invoke(app, ["--month", month, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert month in result.output
    assert "expected YYYY-MM" in result.output


@pytest.mark.parametrize(
    "option", [("--scale", "0"), ("--days", "0"), ("--late-rate", "2"), ("--scenario", "flood")]
)
def test_an_impossible_option_is_refused(option: tuple[str, str], tmp_path: Path) -> None:
    assert RUN.invoke(app, [*option, "--out", str(tmp_path)]).exit_code == 2


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.write_text("")
    order = Order(scenario=Scenario.DOUBLE11, seed=1, year=2025, month=11, scale=0.02)
    with pytest.raises(InputError, match="expected a folder to write to, found a file"):
        write_canonical(order, file, lambda _: None)


def test_an_unfinished_run_leaves_no_truth(tmp_path: Path) -> None:
    order = Order(scenario=Scenario.DOUBLE11, seed=1, year=2025, month=11, scale=0.02)
    write_canonical(order, tmp_path, lambda _: None)
    assert json.loads((tmp_path / "truth.json").read_text())["scenario"] == "double11"

    def interrupt(_calls: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_canonical(order, tmp_path, interrupt)
    assert not (tmp_path / "truth.json").exists()


def test_a_normal_month_has_all_its_days_and_about_sixty_thousand_calls(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["--month", "2025-11", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    days = json.loads((tmp_path / "truth.json").read_text())["days"]
    assert len({row["day"] for row in days}) == 30
    assert 57_000 < sum(row["contacts"] for row in days) < 63_000
