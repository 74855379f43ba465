"""What an Excel cell may hold: nothing is rounded, run as a formula or cut."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.errors import InputError
from pipeline.lake import workbook

NOON = datetime(2025, 11, 11, 12, 0, tzinfo=timezone(timedelta(hours=8)))
SINGLES = date(2025, 11, 11)


def written(path: Path, columns: list[tuple[str, str]], rows: list[tuple[Any, ...]]) -> Any:
    count = workbook.write_workbook(path, columns, rows, {"query": "q"}, [("2025-11", "", "r1")])
    assert count == len(rows)
    return openpyxl.load_workbook(path)


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("INTEGER", 7, 7),
        ("BIGINT", 999_999_999_999_999, 999_999_999_999_999),
        ("BIGINT", 1_234_567_890_123_456, "1234567890123456"),
        ("DECIMAL(18,2)", Decimal("1234.50"), 1234.5),
        ("DECIMAL(18,2)", Decimal("-0.01"), -0.01),
        ("DECIMAL(38,2)", Decimal("12345678901234.56"), "12345678901234.56"),
        ("DOUBLE", 0.8125, 0.8125),
        ("DOUBLE", float("inf"), "inf"),
        ("BOOLEAN", True, True),
        ("VARCHAR", "=1+1", "=1+1"),
        ("VARCHAR", "双11", "双11"),
        ("VARCHAR", "007", "007"),
        ("DATE", SINGLES, datetime(2025, 11, 11)),  # noqa: DTZ001 - Excel has no zones
        ("DATE", date(1899, 12, 31), "1899-12-31"),
        ("TIME", time(9, 30), time(9, 30)),
        ("TIMESTAMP WITH TIME ZONE", NOON, datetime(2025, 11, 11, 4, 0)),  # noqa: DTZ001
        ("INTEGER[]", [1, 2], "[1, 2]"),
        ("INTEGER", None, None),
    ],
)
def test_a_value_is_kept_as_it_is_or_as_text(
    tmp_path: Path, kind: str, value: Any, kept: Any
) -> None:
    book = written(tmp_path / "a.xlsx", [("a", kind)], [(value,)])
    cell = book["rows"]["A2"]
    assert (cell.value, type(cell.value)) == (kept, type(kept))
    assert cell.data_type != "f"


def test_columns_are_shown_by_their_type() -> None:
    shown = {
        ("amount", "DECIMAL(18,2)"): "#,##0.00",
        ("count", "DECIMAL(38,0)"): "#,##0",
        ("offered", "BIGINT"): "#,##0",
        ("queued_at_ms", "BIGINT"): "0",
        ("day", "DATE"): "yyyy-mm-dd",
        ("name", "VARCHAR"): "General",
    }
    assert {column: workbook.shown(*column) for column in shown} == shown


def test_header_stays_and_columns_are_as_wide_as_what_they_hold(tmp_path: Path) -> None:
    sheet = written(tmp_path / "a.xlsx", [("a", "VARCHAR"), ("b", "VARCHAR")], [("x" * 30, "y")])[
        "rows"
    ]
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.bold
    assert sheet.auto_filter.ref == "A1:B2"
    assert sheet.column_dimensions["A"].width > 30 > sheet.column_dimensions["B"].width


def test_no_rows_are_a_sheet_with_a_header(tmp_path: Path) -> None:
    book = written(tmp_path / "a.xlsx", [("a", "INTEGER")], [])
    assert [c.value for c in book["rows"][1]] == ["a"]
    assert [c.value for c in book["origin"][2]][:2] == ["rows", "0"]


def test_what_excel_cannot_hold_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xlsx"
    with pytest.raises(InputError, match=r"row 2, note: expected at most 32,767 .* got 32,768"):
        written(path, [("note", "VARCHAR")], [("x" * 32_767,), ("x" * 32_768,)])
    monkeypatch.setattr(workbook, "ROWS", 2)
    with pytest.raises(InputError, match="expected at most 2 rows"):
        written(path, [("a", "INTEGER")], [(1,), (2,), (3,)])


def test_instants_of_one_moment_are_one_time(tmp_path: Path) -> None:
    kind = "TIMESTAMP WITH TIME ZONE"
    book = written(tmp_path / "a.xlsx", [("a", kind), ("b", kind)], [(NOON, NOON.astimezone(UTC))])
    a, b = book["rows"][2]
    assert a.value == b.value
