"""Rows as an Excel workbook: what a cell may hold, how it looks, and where the rows come from.

Excel's numbers are doubles of 15 digits and its times have no zone. So what has more digits is
written as text, and times are UTC; nothing is rounded to fit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipeline.errors import InputError

ROWS: Final = 1_048_575
"""Rows of a sheet below its header."""
CHARACTERS: Final = 32_767
"""Characters of a cell."""
DIGITS: Final = 15
"""Digits that a number in Excel keeps."""
FIRST_DAY: Final = date(1900, 3, 1)
"""From here on Excel's days are those of the calendar; it thinks that 1900 was a leap year."""
WIDEST: Final = 60

_DECIMAL: Final = re.compile(r"DECIMAL\(\d+,(\d+)\)")
_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_SHOWN: Final = {
    "DATE": "yyyy-mm-dd",
    "TIMESTAMP": "yyyy-mm-dd hh:mm:ss",
    "TIMESTAMP WITH TIME ZONE": "yyyy-mm-dd hh:mm:ss",
    "TIME": "hh:mm:ss",
    "DOUBLE": "0.0###",
    "FLOAT": "0.0###",
}
_COUNT: Final = "#,##0"
_INSTANT: Final = "0"


def write_workbook(
    path: Path,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[Any]],
    origin: Mapping[str, str],
    runs: Sequence[tuple[str, str, str]],
) -> int:
    """Write the sheets ``rows`` and ``origin``; return the number of rows.

    Args:
        path: the file.
        columns: name and DuckDB type of each column.
        rows: values as DuckDB's Python client gives them.
        origin: what to say about them, by name.
        runs: month, client (empty: all) and run id of each run in force.

    Raises:
        InputError: Excel cannot hold the rows or a text; names row and column.
    """
    book = open_workbook(path)
    head = _head(book)
    try:
        count = write_sheet(book, "rows", columns, rows)
        _write_origin(book, head, {**origin, "rows": f"{count:,}"}, runs)
    finally:
        book.close()
    return count


def open_workbook(path: Path) -> xlsxwriter.Workbook:
    """Return a new workbook; it is written when it is closed, a row at a time in memory."""
    return xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}
    )


def write_sheet(
    book: xlsxwriter.Workbook,
    name: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Add a sheet with a header and rows; return the number of rows.

    Args:
        book: from ``open_workbook``.
        name: of the sheet.
        columns: name and DuckDB type of each column.
        rows: values as DuckDB's Python client gives them.

    Raises:
        InputError: Excel cannot hold the rows or a text; names row and column.
    """
    sheet = book.add_worksheet(name)
    head = _head(book)
    names = [name for name, _ in columns]
    widths = [min(len(name), 20) for name in names]
    formats = [book.add_format({"num_format": shown(*column)}) for column in columns]
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, names, head)
    count = 0
    for count, row in enumerate(rows, 1):
        if count > ROWS:
            msg = (
                f"expected at most {ROWS:,} rows, what an Excel sheet holds; "
                "ask for fewer or use --format parquet"
            )
            raise InputError(msg)
        for i, value in enumerate(row):
            cell = in_a_cell(value)
            if isinstance(cell, str) and len(cell) > CHARACTERS:
                msg = (
                    f"row {count}, {names[i]}: expected at most {CHARACTERS:,} characters, what "
                    f"an Excel cell holds, got {len(cell):,}; use --format parquet"
                )
                raise InputError(msg)
            _write_cell(sheet, count, i, cell, formats[i])
            widths[i] = max(widths[i], _width(cell))
    for i, width in enumerate(widths):
        sheet.set_column(i, i, min(width, WIDEST) + 2)
    if names:
        sheet.autofilter(0, 0, count, len(names) - 1)
    return count


def _head(book: xlsxwriter.Workbook) -> Format:
    return book.add_format({"bold": True, "bottom": 1, "valign": "top", "text_wrap": True})


def _write_origin(
    book: xlsxwriter.Workbook,
    head: Format,
    origin: Mapping[str, str],
    runs: Sequence[tuple[str, str, str]],
) -> None:
    sheet = book.add_worksheet("origin")
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1, 24)
    sheet.set_column(2, 2, WIDEST)
    row = 0
    for row, (name, text) in enumerate(origin.items()):
        sheet.write_string(row, 0, name, head)
        sheet.merge_range(row, 1, row, 2, "", wrapped)
        sheet.write_string(row, 1, text[:CHARACTERS], wrapped)
    sheet.write_row(row + 2, 0, ["month", "client", "run in force"], head)
    for at, (month, client, run) in enumerate(runs, row + 3):
        for i, text in enumerate((month, client or "all", run)):
            sheet.write_string(at, i, text)


def shown(name: str, kind: str) -> str:
    """Return Excel's number format of a column."""
    if found := _DECIMAL.fullmatch(kind):
        places = int(found[1])
        return _COUNT + ("." + "0" * places if places else "")
    if kind.removeprefix("U") in _WHOLE:
        return _INSTANT if name.endswith(("_at_ms", "_start_ms", "_from_ms")) else _COUNT
    return _SHOWN.get(kind, "General")


def in_a_cell(value: Any) -> str | float | bool | date | time | Decimal | None:  # noqa: ANN401 - any type of DuckDB
    """Return the value as Excel keeps it, or as text if it would change."""
    if value is None or isinstance(value, bool | str | time):
        return value
    if isinstance(value, int | Decimal):
        return value if len(Decimal(value).as_tuple().digits) <= DIGITS else f"{Decimal(value):f}"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, date):
        return _instant(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _instant(value: date) -> date | str:
    if isinstance(value, datetime) and value.tzinfo:
        value = value.astimezone(UTC).replace(tzinfo=None)
    day = value.date() if isinstance(value, datetime) else value
    return value if day >= FIRST_DAY else str(value)


def _write_cell(sheet: Worksheet, row: int, i: int, cell: Any, form: Format) -> None:  # noqa: ANN401
    # Never the library's own choice: it would make a formula of a text that begins with "=".
    write: Callable[..., object]
    if cell is None:
        return
    if isinstance(cell, str):
        write = sheet.write_string
    elif isinstance(cell, bool):
        write = sheet.write_boolean
    elif isinstance(cell, date | time):
        write = sheet.write_datetime
    else:
        write = sheet.write_number
    write(row, i, cell, form)


def _width(cell: Any) -> int:  # noqa: ANN401 - as above
    if isinstance(cell, datetime):
        return 19
    if isinstance(cell, float):
        return 8
    if isinstance(cell, int | Decimal) and not isinstance(cell, bool):
        digits = len(str(cell))
        return digits + digits // 3
    return max(map(len, str(cell).split("\n"))) if cell is not None else 0
