"""Texts of a client's file to instants; every text that is none is told with its line.

A time without an offset needs the mapping's zone. Of a time that its clock shows twice the first
is meant; one that it skips is as long after midnight as it says. Both are flagged.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.reconcile.reading import Reading

_ISO: Final = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
_ISO_DAY: Final = "%Y-%m-%d"
_DAY: Final = pl.duration(days=1)
_DAY_MS: Final = 86_400_000
_FIRST_MS: Final = 1
_LAST_MS: Final = 221_845_392_000_000
"""The end of the year 8999, as for every other source."""


def instants(reading: Reading, meaning: str) -> pl.Expr:
    """Return epoch milliseconds (null where nothing stands); note what is no time."""
    form = reading.mapping.time_format
    if form in {"epoch_s", "epoch_ms"} and not reading.has_own_times:
        return _epochs(reading, meaning, 1000 if form == "epoch_s" else 1)
    aware, wall = _read(reading, meaning)
    expected = f"a time as {form}" if "%" in form else "a time such as 2026-03-01T09:30:00"
    aware_name, wall_name = f"{meaning} aware", f"{meaning} wall"
    reading.rows = reading.rows.with_columns(aware.alias(aware_name), wall.alias(wall_name))
    aware, wall = pl.col(aware_name), pl.col(wall_name)
    zone = reading.mapping.zone
    if not zone:
        which = f"an offset, or zone: in {reading.mapping.path} to say which clock it is by"
        reading.refuse(aware.is_null() & wall.is_not_null(), meaning, f"a time with {which}")
        reading.refuse(aware.is_null() & wall.is_null(), meaning, expected)
        return aware
    _flag_clock_changes(reading, wall, zone)
    return _within(reading, meaning, pl.coalesce(aware, localised(wall, zone)), expected)


def _read(reading: Reading, meaning: str) -> tuple[pl.Expr, pl.Expr]:
    """Return epoch milliseconds of times with an offset, and wall-clock times without."""
    form = reading.mapping.time_format
    text = pl.col(meaning)
    aware: list[pl.Expr] = []
    wall: list[pl.Expr] = []
    if "%" in form:
        read = text.str.to_datetime(form, strict=False, time_unit="ms")
        (aware if "%z" in form else wall).append(read)
    if "%" not in form or reading.has_own_times:
        plain = text.str.replace("T", " ", literal=True).str.replace("Z$", "+00:00")
        for iso in (*_ISO, _ISO_DAY) if reading.has_own_times else _ISO:
            wall.append(plain.str.to_datetime(iso, strict=False, time_unit="ms"))
            if iso != _ISO_DAY:
                aware.append(plain.str.to_datetime(f"{iso}%z", strict=False, time_unit="ms"))
    nothing = pl.lit(None, pl.Int64)
    return (
        pl.coalesce(*(at.dt.epoch("ms") for at in aware), nothing),
        pl.coalesce(*wall, pl.lit(None, pl.Datetime("ms"))),
    )


def localised(wall: pl.Expr, zone: str) -> pl.Expr:
    """Return the epoch milliseconds of wall-clock times; see the module for odd ones."""
    at = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    # A skipped time: the offset is that of the day before.
    before = (wall - _DAY).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(at.dt.epoch("ms"), before.dt.epoch("ms") + _DAY_MS)


def _flag_clock_changes(reading: Reading, wall: pl.Expr, zone: str) -> None:
    first = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    second = wall.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    rows = reading.rows
    reading.flag("time that its clock shows twice", rows.filter(first != second))
    reading.flag("time that its clock skips", rows.filter(wall.is_not_null() & first.is_null()))


def _epochs(reading: Reading, meaning: str, scale: int) -> pl.Expr:
    number = pl.col(meaning).cast(pl.Float64, strict=False)
    at = (number * scale).round().cast(pl.Int64, strict=False)
    unit = "seconds" if scale > 1 else "milliseconds"
    return _within(reading, meaning, at, f"epoch {unit}")


def _within(reading: Reading, meaning: str, at: pl.Expr, expected: str) -> pl.Expr:
    good = at.is_between(_FIRST_MS, _LAST_MS).fill_null(value=False)
    reading.refuse(~good, meaning, f"{expected} from 1970 to 8999")
    return at
