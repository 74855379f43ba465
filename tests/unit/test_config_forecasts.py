"""Forecasts from a folder: whose, from when, and what is wrong in which line of which file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config_files import load_targets
from pipeline.config_forecasts import Forecasts, load_forecasts
from pipeline.settings import PROJECT_ROOT

TARGETS = load_targets(PROJECT_ROOT / "config" / "queues.yaml")
HALF = 30 * 60_000
NINE = int(datetime(2025, 11, 11, 1, tzinfo=UTC).timestamp() * 1000)
"""Nine o'clock in Shanghai."""
HEADER = "site,queue,interval_start,interval_min,calls\n"
ROW = "sh,orders,2025-11-11 09:00,30,120.5\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def problems(folder: Path) -> list[str]:
    return [text.replace(str(folder), "F") for text in load_forecasts(folder, TARGETS).problems]


def test_local_times_are_by_the_clients_zone(tmp_path: Path) -> None:
    written(tmp_path, "meridian/plan-2025-11-01.csv", HEADER + ROW)
    found = load_forecasts(tmp_path, TARGETS)
    assert (found.files, found.problems) == (1, ())
    queue = found.queues["meridian", "sh", "orders"]
    assert queue.expected_milli(NINE, NINE + HALF) == 120_500


def test_files_of_several_clients_and_kinds_hold_together(tmp_path: Path) -> None:
    row = {"queue": "cards", "interval_start": "2025-11-11T09:00+08:00", "interval_min": 30,
           "calls": 7, "as_of": "2025-11-01T00:00Z"}  # fmt: skip
    written(tmp_path, "harbour/plan.ndjson", json.dumps(row))
    written(tmp_path, "meridian/plan-2025-11-01.csv", HEADER + ROW)
    written(tmp_path, "meridian/plan-2025-11-10.CSV", HEADER + ROW.replace("120.5", "300"))
    written(tmp_path, "meridian/.plan.csv.part", "half")
    found = load_forecasts(tmp_path, TARGETS)
    assert (found.files, found.problems) == (3, ())
    assert found.queues["harbour", "", "cards"].expected_milli(NINE, NINE + HALF) == 7_000
    assert found.queues["meridian", "sh", "orders"].expected_milli(NINE, NINE + HALF) == 300_000


def test_a_file_that_is_wrong_is_left_out_whole_and_the_others_hold(tmp_path: Path) -> None:
    bad = ROW.replace("120.5", "many") + ROW + ROW.replace("30", "0")
    written(tmp_path, "meridian/bad-2025-11-02.csv", HEADER + bad)
    written(tmp_path, "meridian/plan-2025-11-01.csv", HEADER + ROW)
    found = load_forecasts(tmp_path, TARGETS)
    assert found.files == 1
    assert found.queues["meridian", "sh", "orders"].expected_milli(NINE, NINE + HALF) == 120_500
    first, second = problems(tmp_path)
    assert first.startswith("F/meridian/bad-2025-11-02.csv:2: calls: expected ")
    assert "'many'" in first
    assert second.startswith("F/meridian/bad-2025-11-02.csv:4: interval_min: interval_ms expec")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("acme/plan.csv", HEADER + ROW, "F/acme/plan.csv:2: as_of: expected "),
        ("acme/plan-2025-11-01.csv", "queue,calls\n", "F/acme/plan-2025-11-01.csv:1: expected a "),
        (
            "acme/plan-2025-11-01.csv",
            f'{HEADER}"sh,orders\n',
            "F/acme/plan-2025-11-01.csv:2: expec",
        ),
        ("plan-2025-11-01.csv", HEADER + ROW, "F/plan-2025-11-01.csv: expected CLIENT/NAME with"),
        ("acme/plan-2025-11-01.xlsx", "PK", "F/acme/plan-2025-11-01.xlsx: expected CLIENT/NAME wi"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    written(tmp_path, name, text)
    (problem,) = problems(tmp_path)
    assert problem.startswith(expected)
    assert load_forecasts(tmp_path, TARGETS).queues == {}


def test_a_file_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "plan.csv").symlink_to("plan.csv")
    written(tmp_path, "meridian/plan-2025-11-01.csv", HEADER + ROW)
    assert load_forecasts(tmp_path, TARGETS).files == 1
    (problem,) = problems(tmp_path)
    assert problem.startswith("F/acme/plan.csv: cannot be read: ")


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    assert load_forecasts(None, TARGETS) == Forecasts({})
    assert load_forecasts(tmp_path, TARGETS) == Forecasts({})
