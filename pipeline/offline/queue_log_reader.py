"""Reads chunks of a ``queue_log`` into a book of counters: every line ends in exactly one count.

Lines are put in order of time within a chunk before they are taken, so that a log whose lines are
a little out of order, or an export in descending order, reads as it should.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.codec.queue_log_fields import (
    ARGUMENTS,
    BOM,
    VERB,
    NoEventError,
    UnusableError,
    epoch_ms,
    read_line,
    split_line,
)
from pipeline.codec.queue_log_kept import Call
from pipeline.codec.queue_log_leg import disagrees
from pipeline.codec.queue_log_stitcher import Stitcher
from pipeline.codec.queue_log_table import Header, read_header, read_row
from pipeline.offline.log_files import Chunk
from pipeline.offline.log_tally import Place, Tally
from pipeline.offline.queue_log_book import Book
from pipeline.offline.queue_log_columns import FEWEST_LINES, Columns, Taken

NOT_KEPT: Final = frozenset({"agent_on_two_calls"})
"""Oddities that the columns do not see, and the adapter tells."""
_ODD: Final = re.compile(r"[\\\r]|^\s*$")
"""Escaped bars, carriage returns and blank lines are not for the columns."""

Record = tuple[int, int, list[str]]
"""(time, index of the line in its chunk, fields)."""


class LogReader:
    """Takes the chunks of a log, in order, and counts them into a book."""

    def __init__(
        self,
        book: Book,
        tally: Tally,
        *,
        zone: ZoneInfo | None,
        is_in_columns: bool = True,
    ) -> None:
        """Read into ``book``; ``zone`` is that of times without one (None: they are rejected)."""
        self._book, self._tally, self._zone = book, tally, zone
        self.stitcher = Stitcher(
            note=self._note,
            over=self._over,
            spent=book.spend,
            keeps_offers=False,
            recall=self._recall,
        )
        self._columns = Columns(book, self.stitcher.agents, self.stitcher.queues)
        self._is_in_columns = is_in_columns and find_spec("polars") is not None
        self._headers: dict[str, Header | None] = {}
        self._path, self._first_line, self._index = "", 1, 0

    def take(self, chunk: Chunk) -> None:
        """Count the lines of a chunk."""
        self._path, self._first_line = chunk.path, chunk.first_line
        try:
            lines: list[str | None] = list(chunk.data.decode().split("\n"))
        except UnicodeDecodeError:
            lines = [self._decoded(i, raw) for i, raw in enumerate(chunk.data.split(b"\n"))]
        self._tally.lines += len(lines)
        if self._header(chunk, lines) is not None:
            self._take_lines(range(len(lines)), lines, chunk, self._row)
            return
        taken = None
        if self._is_in_columns and len(lines) >= FEWEST_LINES:
            self._see_first(lines)
            taken = self._in_columns(chunk.data, lines)
        if taken is None:
            self._take_lines(range(len(lines)), lines, chunk, read_line)
            return
        self._tally.taken += len(lines) - len(taken.rest)
        self._book.last_ms = max(self._book.last_ms, taken.last_ms)
        for self._index in taken.went_back:
            self._note("time_went_back")
        self._take_lines(taken.rest, lines, chunk, read_line, told=True)

    def _in_columns(self, data: bytes, lines: list[str | None]) -> Taken | None:
        """Let the columns count what they can, all but the lines that need another look."""
        open_calls = self.stitcher.kept.names
        if all(lines) and b"\\" not in data and b"\r" not in data:
            return self._columns.take(data, len(lines), open_calls)
        plain = [i for i, line in enumerate(lines) if line and not _ODD.search(line)]
        others = set(range(len(lines))).difference(plain)
        for i in others:
            open_calls += split_line(lines[i] or "")[1:2]
        text = "\n".join(lines[i] or "" for i in plain)
        taken = self._columns.take(text.encode(), len(plain), open_calls) if plain else None
        if taken is None:
            return None
        rest = sorted([*others, *(plain[i] for i in taken.rest)])
        return Taken(rest, [plain[i] for i in taken.went_back], taken.last_ms)

    def finish(self) -> None:
        """Count the calls that are open at the end of the log."""
        self.stitcher.kept.finish()
        if self._columns.disagreeing:
            self._tally.anomalies["wait_disagrees"] += self._columns.disagreeing

    # --- lines ---------------------------------------------------------------------------------

    def _take_lines(
        self,
        wanted: range | list[int],
        lines: list[str | None],
        chunk: Chunk,
        read: Callable[[str], tuple[int, list[str]]],
        *,
        told: bool = False,
    ) -> None:
        """Take the wanted lines of a chunk; ``told``: which went back in time is noted already."""
        records: list[Record] = []
        before, is_ordered = 0, True
        last = len(lines) - 1
        for i in wanted:
            line = lines[i]
            if line is None:
                continue  # rejected already
            self._index = i
            try:
                at, fields = read(line)
            except NoEventError as error:
                self._tally.skip(error.reason)
                continue
            except UnusableError as error:
                self._reject(error.reason, str(error))
                continue
            if i == last and chunk.is_cut and self._is_cut_short(fields):
                self._reject("truncated_line", f"{fields[VERB]}: the file ends within the line")
                continue
            if at < before:
                is_ordered = False
                if not told:
                    self._note("time_went_back")
            before = at
            records.append((at, i, fields))
        if not is_ordered:
            records.sort(key=lambda record: record[:2])
        if records:
            self._feed(records)

    def _feed(self, records: list[Record]) -> None:
        stitcher, book, tally = self.stitcher, self._book, self._tally
        take = stitcher.take
        if book.first_ms is None or records[0][0] < book.first_ms:
            book.first_ms = records[0][0]
        stitcher.kept.went_back(records[0][0])
        for at, i, fields in records:
            if at >= stitcher.kept.due_at:
                book.last_ms = max(book.last_ms, at)
                stitcher.kept.turn(at)
                book.pack(at)
            self._index = i
            try:
                take(at, fields)
            except UnusableError as error:
                self._reject(error.reason, f"{fields[VERB]}: {error}")
                continue
            tally.taken += 1
        book.last_ms = max(book.last_ms, records[-1][0])

    def _row(self, line: str) -> tuple[int, list[str]]:
        """Return a row of a table as a record."""
        line = line.removesuffix("\r")
        if not line or line.isspace():
            raise NoEventError("blank")
        header = self._headers[self._path]
        if header is None or self._first_line + self._index == 1:
            raise NoEventError("header")
        found = read_row(line, header, self._zone)
        if found.anomaly is not None:
            self._note(found.anomaly)
        return found.at_ms, found.fields

    def _is_cut_short(self, fields: list[str]) -> bool:
        """Say whether the last line of a file, without its end, lacks what its verb documents."""
        return len(fields) - VERB - 1 < ARGUMENTS[fields[VERB]][1] and fields[VERB] in _FIXED

    def _header(self, chunk: Chunk, lines: list[str | None]) -> Header | None:
        """Return the header of a file that is an export of the table."""
        if chunk.path not in self._headers or chunk.first_line == 1:
            first = lines[0] or ""
            self._headers[chunk.path] = read_header(first.removeprefix(BOM).removesuffix("\r"))
        return self._headers[chunk.path]

    def _decoded(self, index: int, raw: bytes) -> str | None:
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            self._index = index
            self._reject("not_utf8", f"expected text in UTF-8, byte {error.start + 1} of the line")
            return None

    def _see_first(self, lines: list[str | None]) -> None:
        """Let the book know when the log begins before anything of the chunk is counted."""
        if self._book.first_ms is not None:
            return
        for line in lines:
            try:
                self._book.first_ms = epoch_ms((line or "").partition("|")[0])
            except ValueError:
                continue
            return

    # --- counts --------------------------------------------------------------------------------

    def _over(self, call: Call) -> None:
        for leg in call:
            if not leg.is_counted and disagrees(leg):
                self._tally.anomalies["wait_disagrees"] += 1
        self._book.count(call)

    def _recall(self, name: str) -> Call | None:
        return self._columns.recall(name)

    def _place(self, message: str) -> Place:
        return Place(self._path, self._first_line + self._index, message)

    def _reject(self, reason: str, message: str) -> None:
        self._tally.reject(reason, self._place(message))

    def _note(self, code: str) -> None:
        if code not in NOT_KEPT:
            self._tally.note(code, self._place(""))


_FIXED: Final = frozenset(
    {
        *("CONNECT", "COMPLETEAGENT", "COMPLETECALLER", "ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY"),
        *("EXITWITHKEY", "RINGNOANSWER", "BLINDTRANSFER", "TRANSFER"),
    }
)
"""Verbs that Asterisk writes with all their arguments, whatever its version."""


def first_time(zone: ZoneInfo | None) -> Callable[[bytes], int | None]:
    """Return a function that finds the first time in the head of a log, for its place in order."""

    def find(head: bytes) -> int | None:
        lines = head.decode(errors="replace").lstrip(BOM).splitlines()
        header = read_header(lines[0]) if lines else None
        return next(_times(lines, header, zone), None)

    return find


def _times(lines: list[str], header: Header | None, zone: ZoneInfo | None) -> Iterator[int]:
    for line in lines:
        try:
            if header is None:
                yield epoch_ms(line.partition("|")[0])
            else:
                yield read_row(line, header, zone or ZoneInfo("UTC")).at_ms
        except ValueError:
            continue
