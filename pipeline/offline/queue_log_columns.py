"""The common calls of a chunk of ``queue_log`` lines, counted in columns instead of line by line.

Which calls are common ``queue_log_frame`` says. Every other line goes to the stitcher, which gives
the same figures for common calls, too (a test holds the two equal); this file only makes them
cheaper.

Calls counted here are remembered for a while: if more is said of one later, ``recall`` returns its
legs, so that a repeated line counts nothing twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipeline.codec.queue_log_agents import Presence
from pipeline.codec.queue_log_kept import KEPT_MS, Call
from pipeline.codec.queue_log_leg import LEFT_EMPTY, TIMEOUT, LoggedLeg
from pipeline.domain.events import EventType
from pipeline.offline.queue_log_book import Book
from pipeline.offline.queue_log_frame import (
    CONNECT,
    LONGEST_S,
    RING,
    common_legs,
    read_frame,
    untransferred,
    went_back,
    with_meaning,
)
from pipeline.offline.queue_log_units import ABANDONED, ANSWERED, CALLBACK

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Ints = np.ndarray[Any, np.dtype[np.int64]]

FEWEST_LINES: Final = 2_000
"""Below this the columns cost more than they save."""

_WAYS: Final = (ANSWERED, ABANDONED, TIMEOUT, LEFT_EMPTY, CALLBACK)
"""How a wait ended, by the code that stands for it in a column."""
_LEAVES: Final = {
    1: (EventType.ABANDONED, None),
    2: (EventType.FLOWED_OUT, TIMEOUT),
    3: (EventType.FLOWED_OUT, LEFT_EMPTY),
    4: (EventType.CALLBACK_REQUESTED, None),
}


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
            chunk: UTF-8 lines, none blank or with a backslash, the last without its end.
            lines: how many there are.
            open_calls: names of calls that the stitcher knows.
        """
        import polars as pl

        frame = read_frame(chunk)
        if frame is None or frame.height != lines:
            return None
        rows = with_meaning(frame)
        known = [pl.Series(open_calls, dtype=pl.String).hash()]
        known += [settled.legs.get_column("call") for settled in self._settled]
        legs = common_legs(rows, pl.concat(known))
        if legs.height:
            legs = untransferred(self._countable(legs), rows)
        last = rows.get_column("event_s").max()
        last_ms = last * 1000 if isinstance(last, int) else 0
        if legs.height == 0:
            return Taken(list(range(lines)), went_back(rows), last_ms)
        self._count(legs)
        self._remember(legs, last_ms)
        is_counted = rows.get_column("call").is_in(legs.get_column("call").implode())
        self._see(rows.select("group", "a", "s").filter(is_counted))
        return Taken((~is_counted).arg_true().to_list(), went_back(rows), last_ms)

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
        packed = (queue * len(_WAYS) + way) * (LONGEST_S + 1) + wait
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

        at_work = rows.filter(pl.col("group").is_in([CONNECT, RING]))
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
