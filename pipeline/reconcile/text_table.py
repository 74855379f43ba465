"""A client's file as a table of texts: CSV, Excel or Parquet, each row with the line it is from.

What it does not know: what the columns mean. Where a file keeps times and numbers as such (Excel,
Parquet), times are written as ISO 8601 and numbers with the mapping's decimal mark, so that all
files are read by one set of rules.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipeline.errors import InputError
from pipeline.reconcile.mapping import ClientMapping
from pipeline.reconcile.problems import SHOWN, Problems

LINE: Final = "line"
_BLOCK: Final = 1 << 24
_EXACT: Final = 10**15
"""From here on Excel does not keep every digit of a number; it is written as Excel shows it."""


def read_texts(path: Path, mapping: ClientMapping) -> tuple[list[str], pl.DataFrame]:
    """Return the header's names and the rows, columns named ``c0``, ``c1`` … and ``line``.

    An empty text stands for nothing. Rows without any value are left out.

    Raises:
        InputError: the file cannot be read as what it should be; names file and line.
    """
    kind = kind_of(path, mapping)
    readers: dict[str, Callable[[Path, ClientMapping], tuple[list[str], pl.DataFrame]]]
    readers = {"csv": _csv, "tsv": _csv, "txt": _csv, "xlsx": _xlsx, "parquet": _parquet}
    if kind not in readers:
        expected = "expected a file that ends in .csv, .xlsx or .parquet"
        msg = f"{path}: {expected}, or format: in {mapping.path}"
        raise InputError(msg)
    try:
        path.open("rb").close()
    except OSError as error:
        msg = f"{path}: expected a file that can be read: {error.strerror}"
        raise InputError(msg) from error
    header, rows = readers[kind](path, mapping)
    cells = [pl.col(f"c{i}").str.strip_chars() for i in range(len(header))]
    rows = rows.with_columns(cells)
    return header, rows.filter(pl.any_horizontal(pl.col(f"c{i}") != "" for i in range(len(header))))


def kind_of(path: Path, mapping: ClientMapping) -> str:
    """Return the kind of a file: what the mapping says, else what its name ends in."""
    return mapping.format or path.suffix.lower().removeprefix(".")


def _csv(path: Path, mapping: ClientMapping) -> tuple[list[str], pl.DataFrame]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    text = _decoded(path, mapping.encoding)
    header, skip = _header(path, text, mapping)
    names = [f"c{i}" for i in range(len(header))]
    bad: list[tuple[int, int, str]] = []

    def keep(row: arrow_csv.InvalidRow) -> str:
        bad.append((row.number, row.actual_columns, row.text))
        return "skip"

    table = arrow_csv.read_csv(
        pa.BufferReader(text.encode()),
        read_options=arrow_csv.ReadOptions(
            use_threads=False, skip_rows=skip, column_names=names, block_size=_BLOCK
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=mapping.separator,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=keep,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    rows = pl.DataFrame(pl.from_arrow(table))
    # A quoted value may go on over several lines.
    more = pl.sum_horizontal(pl.col(name).str.count_matches("\n") for name in names)
    rows = rows.with_columns(more.alias("more"))
    _refuse_ragged(path, rows["more"], bad, len(header), skip)
    place = pl.int_range(skip + 1, skip + 1 + pl.len(), dtype=pl.Int64)
    more = pl.col("more")
    return header, rows.select(*names, (place + more.cum_sum() - more).alias(LINE))


def _refuse_ragged(
    path: Path, more: pl.Series, bad: list[tuple[int, int, str]], count: int, skip: int
) -> None:
    """Raise if a row has another number of values than the header."""
    problems, places, further = Problems(str(path)), [], 0
    for nth, (number, got, text) in enumerate(bad[:SHOWN]):
        line = number + int(more.head(number - skip - 1 - nth).sum()) + further
        places.append((line, f"{got}: {text[:60]!r}"))
        further += text.count("\n")
    expected = f"expected {count} values, quoted as in RFC 4180"
    problems.add(expected, places, len(bad))
    problems.raise_any()


def _decoded(path: Path, encoding: str) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode(encoding).removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        got = raw[error.start : error.start + 4].hex(" ")
        hint = "; Chinese systems often write gb18030" if encoding == "utf-8" else ""
        msg = f"{path}:{line}: expected {encoding} (encoding: in the mapping{hint}), got {got}"
        raise InputError(msg) from error


def _header(path: Path, text: str, mapping: ClientMapping) -> tuple[list[str], int]:
    """Return the header's names and the number of lines up to its end."""
    lines = io.StringIO(text)
    for _ in range(mapping.header_row - 1):
        lines.readline()
    reader = csv.reader(lines, delimiter=mapping.separator)
    header = [cell.strip() for cell in next(reader, [])]
    if not any(header):
        msg = f"{path}:{mapping.header_row}: expected a header, got nothing"
        raise InputError(msg)
    return header, mapping.header_row - 1 + reader.line_num


def _xlsx(path: Path, mapping: ClientMapping) -> tuple[list[str], pl.DataFrame]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever its parts do
        msg = f"{path}: expected an Excel workbook (.xlsx): {error}"
        raise InputError(msg) from error
    try:
        names = book.sheetnames
        if mapping.sheet not in names and (mapping.sheet or len(names) != 1):
            msg = (
                f"{path}: expected a sheet {mapping.sheet!r} (sheet: in the mapping), found {names}"
            )
            raise InputError(msg)
        sheet = book[mapping.sheet or names[0]]
        sheet.reset_dimensions()  # some writers say that there is one cell
        found = sheet.iter_rows(min_row=mapping.header_row, values_only=True)
        first = next(found, ())
        header = [str(cell).strip() if cell is not None else "" for cell in first]
        while header and not header[-1]:
            header.pop()
        if not header:
            msg = f"{path}:{mapping.header_row}: expected a header, got nothing"
            raise InputError(msg)
        texts: list[list[str]] = [[] for _ in header]
        for row in found:
            for i, column in enumerate(texts):
                column.append(_text(row[i], mapping) if i < len(row) else "")
    finally:
        book.close()
    columns = {f"c{i}": pl.Series(column, dtype=pl.String) for i, column in enumerate(texts)}
    place = pl.int_range(mapping.header_row + 1, mapping.header_row + 1 + pl.len(), dtype=pl.Int64)
    return header, pl.DataFrame(columns).with_columns(place.alias(LINE))


def _text(value: Any, mapping: ClientMapping) -> str:  # noqa: ANN401 - whatever a cell holds
    if value is None:
        return ""
    if isinstance(value, datetime):
        # A day's cell is beside one with the time of day, where there are two.
        return str(value.date() if value.time() == time() else value)
    if isinstance(value, timedelta | time):
        return _clock(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        is_whole = value.is_integer() and abs(value) < _EXACT
        text = str(int(value)) if is_whole else repr(value)
        return text.replace(".", ",") if mapping.decimal == "comma" else text
    return str(value)


def _clock(value: timedelta | time) -> str:
    if isinstance(value, time):
        return value.strftime("%H:%M:%S")
    seconds = round(value.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _parquet(path: Path, mapping: ClientMapping) -> tuple[list[str], pl.DataFrame]:
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        msg = f"{path}: expected a Parquet file: {str(error).splitlines()[0]}"
        raise InputError(msg) from error
    header = frame.columns
    cells = [
        _cell(name, frame.schema[name], mapping).alias(f"c{i}") for i, name in enumerate(header)
    ]
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    return header, frame.select(*cells, place.alias(LINE))


def _cell(name: str, kind: pl.DataType, mapping: ClientMapping) -> pl.Expr:
    cell = pl.col(name)
    if isinstance(kind, pl.Datetime):
        form = "%Y-%m-%dT%H:%M:%S%.f"
        if kind.time_zone is not None:
            cell, form = cell.dt.convert_time_zone("UTC"), f"{form}+00:00"
        return cell.dt.strftime(form).fill_null("")
    if kind == pl.Duration:
        return cell.dt.total_milliseconds().cast(pl.String).fill_null("")
    text = cell.cast(pl.String).fill_null("")
    if kind.is_float():
        text = text.str.replace(r"\.0$", "")
        text = text.str.replace(".", ",", literal=True) if mapping.decimal == "comma" else text
    return text
