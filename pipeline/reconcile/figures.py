"""Texts of a client's file to durations and words of ours, column by column, never row by row."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.reconcile.reading import Reading, places

_UNITS: Final = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000}


def durations(reading: Reading, meaning: str) -> pl.Expr:
    """Return milliseconds (null where nothing stands); note what is no duration."""
    mapping = reading.mapping
    text = pl.col(meaning)
    reading.refuse(text.str.starts_with("-"), meaning, "a duration of 0 or more")
    if mapping.duration_unit == "hms":
        form = r"^(\d+):([0-5]\d):([0-5]\d)$"
        hours, minutes, seconds = (
            text.str.extract(form, i).cast(pl.Int64, strict=False) for i in (1, 2, 3)
        )
        reading.refuse(~text.str.contains(form) & ~text.str.starts_with("-"), meaning, "h:mm:ss")
        return ((hours * 60 + minutes) * 60 + seconds) * 1000
    mark, other = (",", ".") if mapping.decimal == "comma" else (".", ",")
    form = rf"^\d{{1,12}}(\{mark}\d+)?$"
    reading.refuse(
        text.str.contains(other, literal=True),
        meaning,
        f"decimals after a {'comma' if mark == ',' else 'point'} (decimal: {mapping.decimal})",
    )
    reading.refuse(
        ~text.str.contains(form)
        & ~text.str.starts_with("-")
        & ~text.str.contains(other, literal=True),
        meaning,
        f"a number of {mapping.duration_unit}",
    )
    number = text.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    return (number * _UNITS[mapping.duration_unit]).round().cast(pl.Int64)


def words(reading: Reading, meaning: str, known: list[str]) -> pl.Expr:
    """Return our words for the file's; note those that nobody knows.

    A word that the mapping maps to null leaves its rows out: they are dropped here.
    """
    said = reading.mapping.values.get(meaning, {})
    dropped = [word for word, ours in said.items() if ours is None]
    if dropped:
        left_out = pl.col(meaning).is_in(dropped)
        reading.flag(f"left out by values.{meaning}", reading.rows.filter(left_out))
        reading.rows = reading.rows.filter(~left_out)
    mapped = {word: ours for word, ours in said.items() if ours is not None}
    ours = pl.col(meaning).replace(mapped) if mapped else pl.col(meaning)
    listed = ", ".join(known)
    bad = ~ours.is_in(known)
    found = reading.rows.filter(bad).unique(meaning, keep="first", maintain_order=True)
    reading.problems.add(
        f"{reading.name(meaning)}: expected one of {listed}, or a word that values.{meaning} of "
        f"{reading.mapping.path} knows",
        places(found, meaning),
        found.height,
    )
    return ours


def truths(reading: Reading, meaning: str) -> pl.Expr:
    """Return booleans for the file's words; note those that nobody knows."""
    said = {"true": True, "false": False, "1": True, "0": False}
    said |= {w: v for w, v in reading.mapping.values.get(meaning, {}).items() if v is not None}
    text = pl.col(meaning)
    reading.refuse(~text.is_in(list(said)), meaning, f"one of {', '.join(said)}")
    return text.replace_strict(said, default=None, return_dtype=pl.Boolean)
