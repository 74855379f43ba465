"""A client's file of calls to typed rows, without a telephone number.

Numbers become the keyed hash that our own legs carry (``customer_ref``) before anything is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from pipeline.errors import ConfigError
from pipeline.reconcile import figures
from pipeline.reconcile.instants import instants
from pipeline.reconcile.kept import Import, keep
from pipeline.reconcile.mapping import DURATIONS, INSTANTS, ClientMapping
from pipeline.reconcile.problems import Problems
from pipeline.reconcile.pseudonyms import pseudonyms
from pipeline.reconcile.reading import Reading, begin, places
from pipeline.reconcile.text_table import LINE, kind_of, read_texts

OUTCOMES: Final = ["answered", "abandoned", "flowed_out", "callback", "waiting"]
MOST_OF_AN_ID: Final = 100
"""A call has no more rows than this; a column that repeats more often is no id."""

COLUMNS: Final = {
    LINE: pl.Int64,
    "source_id": pl.String,
    "leg": pl.Int64,
    "number_ref": pl.String,
    "queue": pl.String,
    "at_ms": pl.Int64,
    "outcome": pl.String,
    "is_billable": pl.Boolean,
    **{f"{name}_ms": pl.Int64 for name in DURATIONS},
    "agent": pl.String,
}
CONTENT: Final = tuple(name for name in COLUMNS if name != LINE)
"""What a row says, wherever it stands in the file."""


def import_calls(
    path: Path, mapping: ClientMapping, *, queues: list[str], key: bytes, folder: Path
) -> tuple[Import, Path]:
    """Read a client's file of calls and put it to rest below ``folder``.

    Args:
        path: the file.
        mapping: how to read it.
        queues: our names of the client's queues.
        key: keys the hash of a caller's number.
        folder: where imports are kept.

    Returns:
        What was imported, and the Parquet file of its rows (``COLUMNS``).

    Raises:
        InputError: every problem of the file, with file and line; nothing was written.
        ConfigError: the mapping does not say which queue a row is of.
    """
    read = read_calls(path, mapping, queues=queues, key=key)
    return keep(path, read, folder, key=key)


def read_calls(path: Path, mapping: ClientMapping, *, queues: list[str], key: bytes) -> Reading:
    """Read a client's calls into typed rows; see ``import_calls``."""
    header, texts = read_texts(path, mapping)
    reading = begin(mapping, header, texts, Problems(str(path)))
    reading.has_own_times = kind_of(path, mapping) in {"xlsx", "parquet"}
    if "queue" not in mapping.columns and len(queues) > 1:
        msg = f"columns: expected queue, as the client has several: {', '.join(queues)}"
        raise ConfigError(mapping.path, msg)
    if "queue" in mapping.columns:
        ours = figures.words(reading, "queue", queues)
        reading.rows = reading.rows.with_columns(ours.alias("queue_name"))
    if "outcome" in mapping.columns:
        ours = figures.words(reading, "outcome", OUTCOMES)
        reading.rows = reading.rows.with_columns(ours.alias("outcome_name"))
    cells = _cells(reading, queues)
    _check_names(reading)
    reading.problems.raise_any()
    rows = reading.rows.with_columns(cells)
    rows = pseudonyms(rows, mapping, key)
    reading.rows = rows.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
    _flag_repeats(reading)
    reading.problems.raise_any()
    return reading


def _cells(reading: Reading, queues: list[str]) -> list[pl.Expr]:
    given = reading.mapping.columns
    cells = []
    for meaning in INSTANTS:
        if meaning in given:
            at = instants(reading, meaning)
            cells.append(at.alias(f"{meaning}_ms"))
            if meaning == reading.mapping.instant:
                cells.append(at.alias("at_ms"))
                _refuse_empty(reading, meaning)
    for meaning in DURATIONS:
        read = figures.durations(reading, meaning) if meaning in given else pl.lit(None, pl.Int64)
        cells.append(read.alias(f"{meaning}_ms"))
    billable = pl.lit(value=True)
    if "billable" in given:
        billable = figures.truths(reading, "billable")
    only = queues[0] if len(queues) == 1 else None
    queue = pl.col("queue_name") if "queue" in given else pl.lit(only, pl.String)
    outcome = pl.col("outcome_name") if "outcome" in given else pl.lit("answered")
    return [
        *cells,
        billable.alias("is_billable"),
        _text(reading, "source_id").alias("source_id"),
        _leg(reading).alias("leg"),
        queue.alias("queue"),
        outcome.alias("outcome"),
        _text(reading, "agent").alias("agent"),
        _text(reading, "number").alias("number"),
    ]


def _text(reading: Reading, meaning: str) -> pl.Expr:
    if meaning not in reading.mapping.columns:
        return pl.lit(None, pl.String)
    return pl.when(pl.col(meaning) != "").then(pl.col(meaning))


def _leg(reading: Reading) -> pl.Expr:
    if "leg" not in reading.mapping.columns:
        return pl.lit(None, pl.Int64)
    reading.refuse(~pl.col("leg").str.contains(r"^[1-9]\d{0,8}$"), "leg", "a whole number from 1")
    return pl.col("leg").cast(pl.Int64, strict=False)


def _refuse_empty(reading: Reading, meaning: str) -> None:
    empty = reading.rows.filter(pl.col(meaning) == "")
    problem = f"{reading.name(meaning)}: expected a time"
    reading.problems.add(problem, places(empty, meaning), empty.height)


def _check_names(reading: Reading) -> None:
    names = [name for name in ("source_id", "number") if name in reading.mapping.columns]
    for name in names:
        is_cut = pl.col(name).str.contains(r"^\d[.,]\d+[eE]\+\d+$")
        reading.refuse(is_cut, name, "all its digits (in Excel, make the column a text)")
    without = reading.rows.filter(pl.all_horizontal(pl.col(name) == "" for name in names))
    listed = " or ".join(reading.name(name) for name in names)
    if names == ["source_id"]:
        told = places(without, names[0])
        reading.problems.add(f"{listed}: expected an id", told, without.height)
    else:
        reading.flag("neither id nor number", without)


def _flag_repeats(reading: Reading) -> None:
    rows = reading.rows
    named = rows.filter(pl.col("source_id").is_not_null())
    # Legs of one contact share its id where the file does not number them.
    names = ["source_id", "leg"]
    if reading.mapping.grain == "leg" and "leg" not in reading.mapping.columns:
        names += ["at_ms"]
    again = named.filter(pl.struct(names).is_duplicated() & ~pl.struct(names).is_first_distinct())
    reading.flag("id listed again", again)
    many = named.group_by("source_id").agg(pl.len().alias("n"), pl.col(LINE).min())
    many = many.filter(pl.col("n") > MOST_OF_AN_ID).sort(LINE)
    if many.height:
        line, name, count = many.select(LINE, "source_id", "n").row(0)
        reading.problems.add_one(
            line,
            f"{reading.name('source_id')}: expected an id of a call, "
            f"got {name!r} on {count:,} lines",
        )
