"""The lines of a ``queue_log`` as columns, and the legs in them that are told in the plainest form.

A leg is *common* if a chunk holds it whole: one ENTERQUEUE, then one CONNECT and one COMPLETE or
transfer, or one way out, with lengths that can be read. A call is common if all its lines are of
common legs, one after the other.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from pipeline.codec.queue_log_fields import ARGUMENTS, NO_CALL, NOBODY
from pipeline.codec.queue_log_leg import AGREES_WITHIN_MS

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Lines = tuple[Ints, Ints, Ints]
    """Of entry, answer or way out, and end."""
    Bools = np.ndarray[Any, np.dtype[np.bool_]]

_COLUMNS: Final = ("t", "c", "q", "a", "v", "x1", "x2", "x3", "x4", "x5", "x6")
_HEAD: Final = "|".join(_COLUMNS).encode() + b"\n"
ENTER, CONNECT, DONE, OUT, RING, OTHER = range(6)
_TRANSFERS: Final = ("BLINDTRANSFER", "TRANSFER", "ATTENDEDTRANSFER")
_GROUPS: Final = {
    "ENTERQUEUE": ENTER,
    "CONNECT": CONNECT,
    **dict.fromkeys(("COMPLETEAGENT", "COMPLETECALLER", *_TRANSFERS), DONE),
    **dict.fromkeys(("ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY"), OUT),
    "RINGNOANSWER": RING,
}
_WEIGHTS: Final = {
    ENTER: 1,
    CONNECT: 1 << 10,
    DONE: 1 << 20,
    OUT: 1 << 30,
    RING: 0,
    OTHER: 1 << 40,
}
_COMMON: Final = ((1 + (1 << 10) + (1 << 20), 3), (1 + (1 << 30), 2))
"""(Sum of the weights of the lines of a common leg, how many of them are no rings)."""
_WAY_OF: Final = {"ABANDON": 1, "EXITWITHTIMEOUT": 2, "EXITEMPTY": 3, "EXITWITHKEY": 4}
"""Codes of the ways out; 0 is an answer."""
_CODES: Final = {verb: code for code, verb in enumerate(ARGUMENTS, start=1)}
"""A number for each verb of events; 0 is any other, one more an ATTENDEDTRANSFER by LINK."""
_BY_CODE: Final = ("", *_CODES, "")
_GROUP_BY_CODE: Final = [_GROUPS.get(verb, OTHER) for verb in _BY_CODE]
_WAY_BY_CODE: Final = [_WAY_OF.get(verb, 0) for verb in _BY_CODE]
_IS_TRANSFER_BY_CODE: Final = [verb in _TRANSFERS for verb in _BY_CODE]
_AGREES_S: Final = AGREES_WITHIN_MS // 1000
LONGEST_S: Final = 10**7


def read_frame(chunk: bytes) -> pl.DataFrame | None:
    """Return the fields of each line as text, or None if the lines are no such table."""
    import polars as pl

    try:
        return pl.read_csv(
            io.BytesIO(_HEAD + chunk),
            separator="|",
            quote_char=None,
            schema=dict.fromkeys(_COLUMNS, pl.String),
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError:
        return None


def _seconds(column: str) -> pl.Expr:
    import polars as pl

    found = pl.col(column).cast(pl.Int64, strict=False)
    return pl.when(found.is_between(0, LONGEST_S)).then(found)


def with_meaning(frame: pl.DataFrame) -> pl.DataFrame:
    """Return what each line says: its group of verbs, its time and lengths in seconds.

    ``call`` and ``leg`` are hashes of the call's id, and of it with its queue. ``weight`` adds up,
    over the lines of a leg, to one of ``_COMMON`` if the leg is common.
    """
    import numpy as np
    import polars as pl

    code = pl.col("code")
    codes = frame.get_column("v").replace_strict(_CODES, default=0, return_dtype=pl.Int16)
    is_link = (codes == _CODES["ATTENDEDTRANSFER"]) & (frame.get_column("x1") == "LINK")
    codes = codes.set(is_link.fill_null(value=False), len(_CODES) + 1)
    verb = codes.to_numpy()
    seconds = pl.col("t").cast(pl.Int64, strict=False)
    rows = frame.with_columns(
        code=codes,
        group=pl.Series(np.array(_GROUP_BY_CODE, dtype=np.int8)[verb]),
        way=pl.Series(np.array(_WAY_BY_CODE, dtype=np.int8)[verb]),
        is_transfer=pl.Series(np.array(_IS_TRANSFER_BY_CODE)[verb]),
        s=pl.when(pl.col("t").str.len_bytes() == 10, seconds >= 10**9).then(seconds),  # noqa: PLR2004
        ring=_seconds("x3"),
        fourth=_seconds("x4"),
        call=pl.col("c").hash(),
    )
    group, is_transfer = pl.col("group"), pl.col("is_transfer")
    rows = rows.with_columns(
        wait=pl.when(code == _CODES["EXITWITHKEY"])
        .then(pl.col("fourth"))
        .when((group == OUT) | is_transfer)
        .then(pl.col("ring"))
        .when(group <= RING)
        .then(_seconds("x1")),
        talk=pl.when(is_transfer).then(pl.col("fourth")).when(group == DONE).then(_seconds("x2")),
        leg=pl.col("call") ^ pl.col("q").hash(1),
        is_nobody=pl.col("a").fill_null("").is_in([*NOBODY]),
    )
    is_fine = pl.col("s").is_not_null() & (
        (group == ENTER)
        | (
            (group < OTHER)
            & pl.col("wait").is_not_null()
            & ((group != DONE) | pl.col("talk").is_not_null())
            & ((group != CONNECT) | pl.col("ring").is_not_null())
            & ((code != _CODES["ABANDON"]) | pl.col("is_nobody"))
            & ((group != RING) | ~pl.col("is_nobody"))
        )
    )
    weight = pl.Series(np.array([_WEIGHTS[g] for g in _GROUP_BY_CODE], dtype=np.int64)[verb])
    attended = (_CODES["ATTENDEDTRANSFER"], len(_CODES) + 1)
    return rows.select(
        *("c", "q", "a", "call", "leg", "group", "s", "wait", "talk", "way"),
        attended=(code == attended[0]) | (code == attended[1]),
        event_s=pl.when(code > 0).then(pl.col("s")),
        weight=pl.when(is_fine).then(weight).otherwise(_WEIGHTS[OTHER]),
        counts=(group != RING).cast(pl.Int32),
    )


def went_back(rows: pl.DataFrame) -> list[int]:
    """Return the indexes of the lines of events whose time is before that of the one before."""
    import polars as pl

    times = rows.select("event_s").with_row_index("i").drop_nulls()
    found = times.filter(pl.col("event_s") < pl.col("event_s").shift())
    return found.get_column("i").to_list()


def common_legs(rows: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Return the legs of common calls that are not ``known``, in order of their first lines.

    Calls and legs are told apart by 64-bit hashes. Should two ever meet, the sum of their weights
    is no common leg's, and their lines go to the stitcher.
    """
    import numpy as np
    import polars as pl

    def ints(column: str) -> Ints:
        return rows.get_column(column).fill_null(-1).to_numpy()

    call, group, seconds = rows.get_column("call").to_numpy(), ints("group"), ints("s")
    is_common, k = _grouped(rows, known)
    spare = int(is_common.sum())  # lines of no common leg go to one place more, which is cut off

    def places(which: int) -> Ints:
        """Return where the line of a group stands for each leg; -1: there is none."""
        at = np.flatnonzero(group == which)
        line = np.full(spare + 1, -1, dtype=np.int64)
        line[k[at]] = at
        return line[:spare]

    enter, connect, done, out = (places(which) for which in (ENTER, CONNECT, DONE, OUT))
    in_turn = np.argsort(enter)
    enter, connect, done, out = (line[in_turn] for line in (enter, connect, done, out))
    reached, last = np.maximum(connect, out), np.maximum(done, out)
    way = ints("way")[last]
    talk = np.where(way == 0, ints("talk")[last], 0)
    wait = ints("wait")[reached]
    times = seconds[enter], seconds[reached], seconds[last]
    is_odd = np.abs(times[1] - times[0] - wait) > _AGREES_S
    is_odd |= (way == 0) & (np.abs(times[2] - times[1] - talk) > _AGREES_S)
    legs = pl.DataFrame(
        {
            "c": rows.get_column("c").gather(enter),
            "q": rows.get_column("q").gather(enter),
            "a": rows.get_column("a").gather(reached),
            "call": call[enter],
            "way": way,
            "wait": wait,
            "talk": talk,
            "odd": is_odd,
            **dict(zip(("entered", "reached", "last"), times, strict=True)),
            "follows": _follow(call[enter], (enter, reached, last), times),
        }
    )
    is_fine = pl.col("follows") & ~(
        pl.col("c").fill_null("").is_in([*NO_CALL])
        | pl.col("q").fill_null("").is_in([*NOBODY])
        | ((pl.col("way") == 0) & pl.col("a").fill_null("").is_in([*NOBODY]))
    )
    wrong = legs.filter(~is_fine).get_column("call")
    return legs.filter(~pl.col("call").is_in(wrong.implode())) if wrong.len() else legs


def untransferred(legs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the legs but those of calls that a transfer under another call's id may speak of."""
    import polars as pl

    transfers = rows.filter("attended").select("q", "a", "call", at="s")
    transfers = transfers.join(legs.select("call").unique(), on="call", how="anti").drop("call")
    if transfers.height == 0:
        return legs
    meant = legs.join(transfers, on=["q", "a"])
    meant = meant.filter(pl.col("at").is_between("reached", "last") | pl.col("at").is_null())
    return legs.filter(~pl.col("call").is_in(meant.get_column("call").implode()))


def _grouped(rows: pl.DataFrame, known: pl.Series) -> tuple[Bools, Ints]:
    """Return which legs are common, and for each line the number of its leg among those."""
    import numpy as np
    import polars as pl

    leg, weights, counts, names = (
        rows.get_column(column).to_numpy() for column in ("leg", "weight", "counts", "call")
    )
    order = np.argsort(leg, kind="stable")
    in_order = leg[order]
    is_first = np.concatenate([[True], in_order[1:] != in_order[:-1]])
    firsts = np.flatnonzero(is_first)
    weight = np.add.reduceat(weights[order], firsts)
    count = np.add.reduceat(counts[order], firsts)
    call = names[order[firsts]]
    is_common = np.zeros(len(firsts), dtype=bool)
    for common in _COMMON:
        is_common |= (weight == common[0]) & (count == common[1])
    others = pl.concat([pl.Series(call[~is_common], dtype=pl.UInt64), known])
    is_common &= ~pl.Series(call).is_in(others.implode()).to_numpy()
    number = np.where(is_common, np.cumsum(is_common) - 1, int(is_common.sum()))
    k = np.empty(len(leg), dtype=np.int64)
    k[order] = number[np.cumsum(is_first) - 1]
    return is_common, k


def _follow(call: Ints, lines: Lines, times: Lines) -> Bools:
    """Return which legs are told in order, after their call's leg before them was over.

    In order of time, and within a second in order of the lines.
    """
    import numpy as np

    enter, reached, last = lines
    entered, reached_at, ended = times
    is_ordered = _before(entered, enter, reached_at, reached)
    is_ordered &= (reached == last) | _before(reached_at, reached, ended, last)
    order = np.argsort(call, kind="stable")
    one, other = order[:-1], order[1:]
    is_same = call[one] == call[other]
    is_ordered[other] &= ~is_same | _before(ended[one], last[one], entered[other], enter[other])
    return is_ordered


def _before(one_at: Ints, one_line: Ints, other_at: Ints, other_line: Ints) -> Bools:
    found: Bools = (one_at < other_at) | ((one_at == other_at) & (one_line < other_line))
    return found
