"""Facts from files of CSV or JSON: one reader for all of them, driven by ``fact_fields.py``.

Whether a file is CSV or JSON shows in its first line. ``docs/formats/facts.md`` describes both.
Fed line by line (or record by record). Of every line fed, either records or a ``Rejected`` come
back, or it is counted in ``skipped``: a header, a blank line, a line that its record continues
beyond, a bracket of an array.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from pipeline.codec.adapter import Origin
from pipeline.codec.fact_build import PRIVATE, BadFactError, build, fail, shown
from pipeline.codec.fact_fields import OWN, READ_OF_ALL, topic_of
from pipeline.codec.fact_lines import CsvLines, JsonLines, Whole
from pipeline.codec.fact_values import issued_at_ms
from pipeline.domain.events import Rejected
from pipeline.domain.fact import Fact, FactKind

__all__ = ["FactAdapter", "of_file", "topic_of"]

_BOM: Final = b"\xef\xbb\xbf"
_MOST_SHOWN: Final = 40
_DELIMITERS: Final = ",;\t"
_MASKED: Final = bytes.maketrans(b"0123456789", b"*" * 10)


class FactAdapter:
    """Turns the lines of files of one kind of fact into records; see ``adapter.Adapter``.

    ``as_of_ms`` is when a file was issued: it stands for records that do not say so themselves.
    """

    def __init__(self, kind: FactKind, origin: Origin, *, as_of_ms: int | None = None) -> None:
        """Start at the beginning of a file."""
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._kind = kind
        self._origin = origin
        self._as_of_ms = as_of_ms
        self._fields = (*READ_OF_ALL, *OWN[kind])
        self._known = {column.name for field in self._fields for column in field.columns}
        self._is_private = "customer_number" in self._known
        self._line = 0
        self._lines: CsvLines | JsonLines | None = None
        self._header: list[str] | None = None
        self._delimiter = ","
        self._is_headless = False

    def feed(self, record: bytes) -> Iterator[Fact | Rejected]:
        """Take one line, without its end or with it. Never raises."""
        self._line += 1
        line = record.rstrip(b"\r\n")
        if self._lines is None:
            line = line.removeprefix(_BOM)
        if not line.strip() and not (self._lines and self._lines.is_open):
            self.skipped["blank"] += 1
            return
        if self._lines is None:
            self._lines = JsonLines() if line.lstrip()[:1] in {b"{", b"["} else CsvLines()
        was_skipped = self.skipped.total()
        has_come = False
        for whole in self._lines.feed(line):
            for found in self._take(whole):
                has_come = True
                yield found
        if not has_come and self.skipped.total() == was_skipped:
            self.skipped["continued_line" if self._lines.is_open else "punctuation"] += 1

    def finish(self) -> Iterator[Fact | Rejected]:
        """Say what the end of the file leaves open."""
        if self._lines is not None:
            for whole in self._lines.finish():
                # its last line was counted as continued, which it was not
                self.skipped.subtract({"continued_line": 1})
                self.skipped = +self.skipped
                yield from self._take(whole)

    def _take(self, whole: Whole) -> Iterator[Fact | Rejected]:
        is_json = isinstance(self._lines, JsonLines)
        values: Mapping[str, object] | None = None
        try:
            if whole.problem is not None:
                fail("malformed_json" if is_json else "malformed_csv", whole.problem)
            values = self._json(whole.raw) if is_json else self._csv(whole.raw)
            if values is None:
                return
            fact = build(
                self._kind,
                values,
                origin=self._origin,
                as_of_ms=self._as_of_ms,
                position=str(self._line),
                anomalies=self.anomalies,
            )
        except BadFactError as bad:
            raw = self._without_number(whole.raw, values)
            yield Rejected(reason=bad.reason, message=str(bad), raw=raw)
        else:
            yield fact

    def _json(self, raw: bytes) -> Mapping[str, object]:
        try:
            found = msgspec.json.decode(raw)
        except (ValueError, RecursionError) as error:
            fail("malformed_json", f"expected a JSON object in UTF-8: {error}")
        if not isinstance(found, dict):
            fail("not_an_object", f"expected a JSON object, got a {type(found).__name__}")
        self._note_unknown(found)
        stripped = {n: v.strip() if isinstance(v, str) else v for n, v in found.items()}
        return {name: value for name, value in stripped.items() if value not in (None, "", [])}

    def _csv(self, raw: bytes) -> Mapping[str, object] | None:
        if self._is_headless:
            self.skipped["under_bad_header"] += 1
            return None
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            fail("not_utf8", f"expected text in UTF-8: {error}")
        if self._header is None:
            self._read_header(text)
            self.skipped["header"] += 1
            return None
        cells = _cells(text, self._delimiter)
        if _names(text, self._delimiter) == self._header:  # files put one behind another
            self.skipped["header"] += 1
            return None
        if len(cells) != len(self._header):
            expected = f"expected {len(self._header)} cells as in the header"
            fail("column_count", f"{expected}, got {len(cells)}")
        named = zip(self._header, cells, strict=True)
        return {name: cell for name, raw_cell in named if (cell := raw_cell.strip())}

    def _read_header(self, text: str) -> None:
        self._is_headless = True

        def known(delimiter: str) -> int:
            return len(self._known & set(_names(text, delimiter)))

        self._delimiter = max(_DELIMITERS, key=known)
        header = _names(text, self._delimiter)
        if twice := sorted({name for name in header if name and header.count(name) > 1}):
            fail("bad_header", f"expected each column once, got {twice} more than once")
        for field in self._fields:
            if field.is_asked and not any(column.name in header for column in field.columns):
                if field.name == "as_of_ms":  # the file's own time may stand for it
                    continue
                names = " or ".join(column.name for column in field.columns)
                fail("bad_header", f"expected a column {names}, got {shown(header)}")
        self._is_headless = False
        self._header = header
        self._note_unknown(dict.fromkeys(header))

    def _note_unknown(self, names: Mapping[str, object]) -> None:
        for name in names:
            if name not in self._known:
                self.anomalies[f"unknown_column:{name[:_MOST_SHOWN]}"] += 1

    def _without_number(self, raw: bytes, values: Mapping[str, object] | None) -> bytes:
        """Return a record's bytes as a dead letter may keep them: without a caller's number.

        Where the number cannot be told from the rest, every digit goes.
        """
        if not self._is_private:
            return raw
        if values is None:
            is_named = "customer_number" in (self._header or ()) or b"customer_number" in raw
            return raw.translate(_MASKED) if is_named else raw
        for name in PRIVATE & values.keys():
            number = str(values[name]).encode()
            if number not in raw:
                return raw.translate(_MASKED)
            raw = raw.replace(number, number.translate(_MASKED))
        return raw


def of_file(kind: FactKind, origin: Origin, name: str) -> FactAdapter:
    """Return the reader of one file, whose name says when it was issued if the origin does not."""
    issued = origin.issued_at_ms
    return FactAdapter(
        kind, origin, as_of_ms=issued_at_ms(name, origin.zone) if issued is None else issued
    )


def _names(text: str, delimiter: str) -> list[str]:
    return [name.strip().lower().replace(" ", "_") for name in _cells(text, delimiter)]


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        fail("malformed_csv", f"expected CSV as in RFC 4180: {error}")
    if len(rows) != 1:
        fail("malformed_csv", f"expected one row, got {len(rows)}")
    return rows[0]
