"""A client's file of sums to typed rows: one per day and queue."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from pipeline.domain.business_time import Month
from pipeline.reconcile import figures
from pipeline.reconcile.kept import Import, keep
from pipeline.reconcile.mapping import ClientMapping
from pipeline.reconcile.problems import Problems
from pipeline.reconcile.reading import Reading, begin, places
from pipeline.reconcile.text_table import LINE, kind_of, read_texts

_DAY: Final = "%Y-%m-%d"
DURATIONS: Final = ("handle", "duration", "talk")


def import_sums(
    path: Path, mapping: ClientMapping, *, month: Month, queues: list[str], folder: Path
) -> tuple[Import, Path]:
    """Read a client's sums and put them to rest; see ``imported.import_calls``.

    The rows have line, business_on, queue, calls and length_ms (null without a duration's column).

    Raises:
        InputError: every problem of the file, with file and line; nothing was written.
    """
    header, texts = read_texts(path, mapping)
    reading = begin(mapping, header, texts, Problems(str(path)))
    reading.has_own_times = kind_of(path, mapping) in {"xlsx", "parquet"}
    queue = figures.words(reading, "queue", queues)
    reading.refuse(~pl.col("calls").str.contains(r"^\d{1,9}$"), "calls", "a whole number from 0")
    for meaning in ("day", "calls"):
        empty = reading.rows.filter(pl.col(meaning) == "")
        expected = f"{reading.name(meaning)}: expected a value"
        reading.problems.add(expected, places(empty, meaning), empty.height)
    form = mapping.time_format if "%" in mapping.time_format else _DAY
    day = pl.col("day").str.to_date(form, strict=False)
    if reading.has_own_times:
        day = pl.coalesce(
            day, pl.col("day").str.slice(0, len("2026-01-01")).str.to_date(_DAY, strict=False)
        )
    is_in_month = day.is_between(month.first_day, month.next_first_day, closed="left")
    reading.refuse(~is_in_month.fill_null(value=False), "day", f"a day of {month} as {form}")
    length = pl.lit(None, pl.Int64)
    for meaning in DURATIONS:
        if meaning in mapping.columns:
            length = figures.durations(reading, meaning)
            break
    reading.problems.raise_any()
    reading.rows = reading.rows.select(
        LINE,
        day.alias("business_on"),
        queue.alias("queue"),
        pl.col("calls").cast(pl.Int64),
        length.alias("length_ms"),
    )
    _refuse_repeats(reading)
    return keep(path, reading, folder)


def _refuse_repeats(reading: Reading) -> None:
    key = pl.struct("business_on", "queue")
    again = reading.rows.filter(~key.is_first_distinct())
    told = (
        (line, f"{day} {queue}")
        for line, day, queue in again.head().select(LINE, "business_on", "queue").rows()
    )
    reading.problems.add("expected each day and queue once", told, again.height)
    reading.problems.raise_any()
