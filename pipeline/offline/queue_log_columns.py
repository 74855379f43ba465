"""The common calls of a chunk of ``queue_log`` lines, counted in columns instead of line by line.

A leg is *common* if the chunk holds it whole and in the plainest form: one ENTERQUEUE, then one
CONNECT and one COMPLETE or transfer, or one way out, with lengths that can be read. A call is
common if all its lines are of common legs, one after the other. Every other line goes to the
stitcher, which gives the same figures for common calls, too (a test holds the two equal); this file
only makes them cheaper.

Calls counted here are remembered for a while: if more is said of one later, ``recall`` returns its
legs, so that a repeated line counts nothing twice.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipeline.codec.queue_log_agents import Presence
from pipeline.codec.queue_log_fields import ARGUMENTS, NO_CALL, NOBODY
from pipeline.codec.queue_log_leg import AGREES_WITHIN_MS, LEFT_EMPTY, TIMEOUT, LoggedLeg
from pipeline.codec.queue_log_stitcher import KEPT_MS, Call
from pipeline.domain.events import EventType
from pipeline.offline.queue_log_book import Book
from pipeline.offline.queue_log_units import ABANDONED, ANSWERED, CALLBACK

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Lines = tuple[Ints, Ints, Ints]
    """Of entry, answer or way out, and end."""
    Bools = np.ndarray[Any, np.dtype[np.bool_]]

FEWEST_LINES: Final = 2_000
"""Below this the columns cost more than they save."""

_COLUMNS: Final = ("t", "c", "q", "a", "v", "x1", "x2", "x3", "x4", "x5", "x6")
_HEAD: Final = "|".join(_COLUMNS).encode() + b"\n"
_ENTER, _CONNECT, _DONE, _OUT, _RING, _OTHER = range(6)
_TRANSFERS: Final = ("BLINDTRANSFER", "TRANSFER", "ATTENDEDTRANSFER")
_GROUPS: Final = {
    "ENTERQUEUE": _ENTER,
    "CONNECT": _CONNECT,
    **dict.fromkeys(("COMPLETEAGENT", "COMPLETECALLER", *_TRANSFERS), _DONE),
    **dict.fromkeys(("ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY"), _OUT),
    "RINGNOANSWER": _RING,
}
_WEIGHTS: Final = {
    _ENTER: 1,
    _CONNECT: 1 << 10,
    _DONE: 1 << 20,
    _OUT: 1 << 30,
    _RING: 0,
    _OTHER: 1 << 40,
}
_COMMON: Final = ((1 + (1 << 10) + (1 << 20), 3), (1 + (1 << 30), 2))
"""(Sum of the weights of the lines of a common leg, how many of them are no rings)."""
_WAYS: Final = (ANSWERED, ABANDONED, TIMEOUT, LEFT_EMPTY, CALLBACK)
"""How a wait ended, by the code that stands for it in a column."""
_WAY_OF: Final = {"ABANDON": 1, "EXITWITHTIMEOUT": 2, "EXITEMPTY": 3, "EXITWITHKEY": 4}
_LEAVES: Final = {
    1: (EventType.ABANDONED, None),
    2: (EventType.FLOWED_OUT, TIMEOUT),
    3: (EventType.FLOWED_OUT, LEFT_EMPTY),
    4: (EventType.CALLBACK_REQUESTED, None),
}
_AGREES_S: Final = AGREES_WITHIN_MS // 1000
_LONGEST_S: Final = 10**7


class Taken(NamedTuple):
    """What came of a chunk: indexes of the lines left, and of those with a time before the last.

    ``last_ms`` is the latest time in it.
    """

    rest: list[int]
    went_back: list[int]
    last_ms: int


class _Settled(NamedTuple):
    """Legs counted from one chunk: their rows by call, and the chunk's last time."""

    rows: dict[str, int]
    more: dict[str, list[int]]
    """Of calls with several legs, the rows of all."""
    legs: pl.DataFrame
    last_ms: int


class Columns:
    """Counts the common calls of chunks, and remembers them for as long as calls are kept."""

    def __init__(self, book: Book, agents: dict[str, Presence], queues: set[str]) -> None:
        """Count into a book; ``agents`` and ``queues`` are the stitcher's."""
        self._book, self._agents, self._queues = book, agents, queues
        self._settled: list[_Settled] = []
        self.disagreeing = 0
        """Legs whose clock readings and lengths are further apart than rounding, so far."""

    def recall(self, name: str) -> Call | None:
        """Return the call of a name that was counted here lately."""
        for settled in reversed(self._settled):
            row = settled.rows.get(name)
            if row is not None:
                return [
                    _leg(name, number, settled.legs.row(place, named=True))
                    for number, place in enumerate(settled.more.get(name, [row]), start=1)
                ]
        return None

    def take(self, chunk: bytes, lines: int, open_calls: list[str]) -> Taken | None:
        """Count the common calls of a chunk; return which lines are left.

        None if the chunk cannot be read in columns: then it is all for the stitcher.

        Args:
            chunk: UTF-8 lines without a backslash, the last without its end.
            lines: how many there are.
            open_calls: names of calls that the stitcher knows.
        """
        import polars as pl

        frame = _read(chunk)
        if frame is None or frame.height != lines:
            return None
        rows = _with_meaning(frame)
        known = [pl.Series(open_calls, dtype=pl.String).hash()]
        known += [settled.legs.get_column("call") for settled in self._settled]
        legs = _common_legs(rows, pl.concat(known))
        if legs.height:
            legs = _untransferred(self._countable(legs), rows)
        last = rows.get_column("event_s").max()
        last_ms = last * 1000 if isinstance(last, int) else 0
        if legs.height == 0:
            return Taken(list(range(lines)), _went_back(rows), last_ms)
        self._count(legs)
        self._remember(legs, last_ms)
        is_counted = rows.get_column("call").is_in(legs.get_column("call").implode())
        self._see(rows.filter(is_counted))
        return Taken((~is_counted).arg_true().to_list(), _went_back(rows), last_ms)

    def _countable(self, legs: pl.DataFrame) -> pl.DataFrame:
        """Return the legs of calls all of whose queues count by shape, under one dated term."""
        import polars as pl

        spans = legs.group_by("q").agg(pl.col("entered").min(), pl.col("entered").max().alias("l"))
        others = []
        for queue, first, last in spans.iter_rows():
            judge = self._book.judge(queue)
            if not judge.is_plain or judge.term_at(first * 1000) != judge.term_at(last * 1000):
                others.append(queue)
        if not others:
            return legs
        uncounted = legs.filter(pl.col("q").is_in(others)).get_column("call")
        return legs.filter(~pl.col("call").is_in(uncounted.implode()))

    def _count(self, legs: pl.DataFrame) -> None:
        """Add the legs to the book."""
        import numpy as np

        book = self._book
        queues, queue = _coded(legs.get_column("q"))
        agents, agent = _coded(legs.get_column("a").fill_null(""))
        entered, wait = (legs.get_column(name).to_numpy() for name in ("entered", "wait"))
        talk, way = (legs.get_column(name).to_numpy() for name in ("talk", "way"))
        packed = (queue * len(_WAYS) + way) * (_LONGEST_S + 1) + wait
        _, examples, of = np.unique(packed, return_index=True, return_inverse=True)
        answers = []
        for i in examples.tolist():
            judge = book.judge(queues[queue[i]])
            term = judge.term_at(int(entered[i]) * 1000)
            found = judge.plain(term, _WAYS[way[i]], int(wait[i]) * 1000, is_over=True)
            answers.append((0, 0, -1) if found is None else found)
        after, after_talk, shapes = np.array(answers, dtype=np.int64).T[:, of]
        at = entered * 1000 + after + after_talk * talk * 1000
        starts, interval = self._intervals(at)
        counts = shapes >= 0
        most = int(shapes.max()) + 1
        cells = (queue * len(starts) + interval) * most + shapes
        for cell, calls, seconds in _sums(cells[counts], talk[counts]):
            rest, shape = divmod(cell, most)
            which, when = divmod(rest, len(starts))
            book.queues[queues[which]].add(starts[when], shape, seconds * 1000, calls)
        answered = counts & (way == 0)
        places = agent * len(starts) + interval
        for place, calls, seconds in _sums(places[answered], talk[answered]):
            which, when = divmod(place, len(starts))
            cells_of = book.agent(agents[which])
            cells_of.add(starts[when], 0, calls)
            cells_of.add(starts[when], 1, seconds * 1000)
        self._queues.update(queues)
        self.disagreeing += int(legs.get_column("odd").sum())

    def _see(self, rows: pl.DataFrame) -> None:
        """Note when agents were first seen at work, given the lines that are counted."""
        import polars as pl

        at_work = rows.filter(pl.col("group").is_in([_CONNECT, _RING]))
        for agent, first in at_work.group_by("a").agg(pl.col("s").min()).iter_rows():
            presence = self._agents.get(agent)
            if presence is None:
                self._agents[agent] = Presence(first * 1000)
            else:
                presence.first_seen = min(presence.first_seen, first * 1000)

    def _intervals(self, at: Ints) -> tuple[list[int], Ints]:
        """Return the starts of all intervals that hold instants, and which holds each."""
        import numpy as np

        grid = self._book.grid
        found = [i.start_ms for i in grid.covering(int(at.min()), int(at.max()) + 1)]
        return found, np.searchsorted(np.array(found), at, side="right") - 1

    def _remember(self, legs: pl.DataFrame, last_ms: int) -> None:
        self._settled = [one for one in self._settled if one.last_ms > last_ms - KEPT_MS]
        names = legs.get_column("c").to_list()
        places = dict(zip(names, range(len(names)), strict=True))
        more: dict[str, list[int]] = {}
        if len(places) < len(names):
            for place, name in enumerate(names):
                if places[name] != place or name in more:
                    more.setdefault(name, []).append(place)
        self._settled.append(_Settled(places, more, legs, last_ms))


def _read(chunk: bytes) -> pl.DataFrame | None:
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
    return pl.when(found.is_between(0, _LONGEST_S)).then(found)


def _with_meaning(frame: pl.DataFrame) -> pl.DataFrame:
    """Return what each line says: its group of verbs, its time and lengths in seconds.

    ``call`` and ``leg`` are hashes of the call's id, and of it with its queue. ``weight`` adds up,
    over the lines of a leg, to one of ``_COMMON`` if the leg is common.
    """
    import polars as pl

    verb, group = pl.col("v"), pl.col("group")
    is_transfer = verb.is_in(_TRANSFERS)
    is_link = (verb == "ATTENDEDTRANSFER") & (pl.col("x1").str.to_uppercase() == "LINK")
    seconds = pl.col("t").cast(pl.Int64, strict=False)
    rows = frame.with_columns(
        group=pl.when(is_link)
        .then(_OTHER)
        .otherwise(verb.replace_strict(_GROUPS, default=_OTHER, return_dtype=pl.Int8)),
        s=pl.when(pl.col("t").str.len_bytes() == 10, seconds >= 10**9).then(seconds),  # noqa: PLR2004
        ring=_seconds("x3"),
        fourth=_seconds("x4"),
        call=pl.col("c").hash(),
    )
    rows = rows.with_columns(
        wait=pl.when(verb == "EXITWITHKEY")
        .then(pl.col("fourth"))
        .when((group == _OUT) | is_transfer)
        .then(pl.col("ring"))
        .when(group <= _RING)
        .then(_seconds("x1")),
        talk=pl.when(is_transfer).then(_seconds("x4")).when(group == _DONE).then(_seconds("x2")),
        way=verb.replace_strict(_WAY_OF, default=0, return_dtype=pl.Int8),
        leg=pl.col("call") ^ pl.col("q").hash(1),
    )
    is_fine = pl.col("s").is_not_null() & (
        (group == _ENTER)
        | (
            (group < _OTHER)
            & pl.col("wait").is_not_null()
            & ((group != _DONE) | pl.col("talk").is_not_null())
            & ((group != _CONNECT) | pl.col("ring").is_not_null())
            & ((verb != "ABANDON") | pl.col("a").is_in([*NOBODY]))
            & ((group != _RING) | ~pl.col("a").fill_null("").is_in([*NOBODY]))
        )
    )
    weight = group.replace_strict(_WEIGHTS, return_dtype=pl.Int64)
    return rows.select(
        *("c", "q", "a", "call", "leg", "group", "s", "wait", "talk", "way"),
        attended=verb == "ATTENDEDTRANSFER",
        event_s=pl.when((group < _OTHER) | verb.is_in([*ARGUMENTS])).then(pl.col("s")),
        weight=pl.when(is_fine).then(weight).otherwise(_WEIGHTS[_OTHER]),
        counts=(group != _RING).cast(pl.Int32),
    )


def _went_back(rows: pl.DataFrame) -> list[int]:
    """Return the indexes of the lines of events whose time is before that of the one before."""
    import polars as pl

    times = rows.select("event_s").with_row_index("i").drop_nulls()
    found = times.filter(pl.col("event_s") < pl.col("event_s").shift())
    return found.get_column("i").to_list()


def _common_legs(rows: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
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

    enter, connect, done, out = (places(which) for which in (_ENTER, _CONNECT, _DONE, _OUT))
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


def _untransferred(legs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
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
    return (one_at < other_at) | ((one_at == other_at) & (one_line < other_line))


def _coded(names: pl.Series) -> tuple[list[str], Ints]:
    """Return the distinct names, and for each row which it is."""
    import numpy as np

    distinct = names.unique().sort()
    found = distinct.to_list()
    code = names.replace_strict(distinct, np.arange(len(found)))
    return found, code.to_numpy()


def _sums(keys: Ints, amounts: Ints) -> list[tuple[int, int, int]]:
    """Return each distinct key, how often it occurs, and the sum of its amounts."""
    import numpy as np

    order = np.argsort(keys)
    in_order = keys[order]
    firsts = np.flatnonzero(np.concatenate([[True], in_order[1:] != in_order[:-1]]))
    if len(keys) == 0:
        return []
    distinct = in_order[firsts]
    counts = np.diff(np.append(firsts, len(keys)))
    sums = np.add.reduceat(amounts[order], firsts)
    return list(zip(distinct.tolist(), counts.tolist(), sums.tolist(), strict=True))


def _leg(name: str, number: int, row: dict[str, Any]) -> LoggedLeg:
    """Return a leg counted in columns as the stitcher would have it."""
    leg = LoggedLeg(name, number, row["q"], row["entered"] * 1000)
    leg.is_counted = True
    if row["way"] == 0:
        leg.connected, leg.agent, leg.ring_ms = row["reached"] * 1000, row["a"], 0
        leg.hold_ms = row["wait"] * 1000
        leg.completed, leg.talk_ms, leg.by = row["last"] * 1000, row["talk"] * 1000, ""
    else:
        leg.out_at, leg.waited_ms = row["reached"] * 1000, row["wait"] * 1000
        leg.out_as, leg.out_reason = _LEAVES[row["way"]]
    return leg
