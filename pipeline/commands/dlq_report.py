"""How ``vane dlq`` tells what it found and did. Telephone numbers are hidden in all of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.codec.private_numbers import (
    hide_numbers,
    hide_numbers_in_text,
    without_cut_number,
)
from pipeline.dead_letters.advice import advice_on
from pipeline.dead_letters.letter import Letter
from pipeline.dead_letters.redrive import Redriven
from pipeline.dead_letters.verdict import Hold

_HELD: Final = {
    Hold.REDRIVEN: "sent before",
    Hold.ROW: "rows of files: ingest them again",
    Hold.LATE: "late: the month counts them",
    Hold.FOREIGN: "of another or no topic",
    Hold.SPENT: "came back too often",
    Hold.NOT_DUE: "their time has not come",
    Hold.STILL_WRONG: "the worker would reject them again",
    Hold.TOO_LARGE: "too large to be sent",
}


class Summary:
    """Counts of all letters by reason, and the newest few."""

    def __init__(self, limit: int) -> None:
        """Keep so many letters to show."""
        self.letters: Counter[str] = Counter()
        self.redriven: Counter[str] = Counter()
        self.shown: list[tuple[Letter, str | None]] = []
        self._limit = limit

    def add(self, letter: Letter, sent_to: str | None) -> None:
        """Count a letter; of more than can be shown the oldest goes."""
        self.letters[letter.reason] += 1
        self.redriven[letter.reason] += sent_to is not None
        self.shown.append((replace(letter, value=b""), sent_to))
        if len(self.shown) > 2 * self._limit:
            self._cut()

    def newest(self) -> list[tuple[Letter, str | None]]:
        """Return the newest letters, newest first."""
        self._cut()
        return self.shown

    def _cut(self) -> None:
        self.shown.sort(key=lambda found: (-found[0].at_ms, found[0].place))
        del self.shown[self._limit :]


def show_list(summary: Summary, topic: str) -> None:
    """Print counts per reason, and where the newest lie."""
    console = Console()
    if not summary.letters:
        console.print(f"{topic}: no such dead letters", soft_wrap=True)
        return
    counts = Table(title=topic)
    counts.add_column("reason")
    for heading in ("letters", "redriven", "left"):
        counts.add_column(heading, justify="right")
    for reason, count in summary.letters.most_common():
        sent = summary.redriven[reason]
        counts.add_row(_cell(reason), f"{count:,}", f"{sent:,}", f"{count - sent:,}")
    console.print(counts)
    newest = summary.newest()
    if not newest:
        return
    table = Table(title=f"newest {len(newest):,} of {summary.letters.total():,}")
    for heading in ("partition:offset", "since", "reason", "came from", "attempt", "redriven to"):
        table.add_column(heading, overflow="fold")
    for letter, sent_to in newest:
        row = (letter.reason, letter.source, str(letter.attempt or ""), sent_to or "")
        place = f"{letter.place.partition}:{letter.place.offset}"
        table.add_row(place, _time(letter.at_ms), *map(_cell, row))
    console.print(table)


def json_line(letter: Letter, sent_to: str | None, key: bytes) -> str:
    """Return a letter without its value as one line of JSON."""
    origin = letter.origin
    found = {
        "topic": letter.place.topic,
        "partition": letter.place.partition,
        "offset": letter.place.offset,
        "at_ms": letter.at_ms,
        "reason": letter.reason,
        "message": hide_numbers_in_text(letter.message, key),
        "from": letter.source,
        "from_topic": origin and origin.topic,
        "from_partition": origin and origin.partition,
        "from_offset": origin and origin.offset,
        "attempt": letter.attempt,
        "redriven_to": sent_to,
        "bytes": len(letter.value),
    }
    return json.dumps(found, ensure_ascii=False)


def show_letter(letter: Letter, sent_to: str | None, *, key: bytes, most: int) -> None:
    """Print one letter whole; of its value at most so many bytes."""
    advice = advice_on(letter.reason, letter.stage)
    print(f"{letter.place}, since {_time(letter.at_ms)}")
    print(f"reason:   {_plain(letter.reason)}: {advice.meaning}")
    if letter.message:
        print(f"          {_plain(hide_numbers_in_text(letter.message, key))}")
    print(f"to do:    {advice.what_to_do}")
    print(f"redriven: {'no' if sent_to is None else f'to {sent_to}'}")
    print("headers:")
    for name, value in letter.headers.items():
        print(f"  {_plain(name)}: {_plain(hide_numbers_in_text(value, key))}")
    print(f"key:      {'none' if letter.key is None else _text(letter.key, key)}")
    cut = f", the first {most:,} shown" if len(letter.value) > most else ""
    print(f"value:    {len(letter.value):,} bytes{cut}")
    print(_text(letter.value, key, most))


def show_redriven(done: Redriven, topic: str, *, key: bytes, is_dry_run: bool) -> None:
    """Print what became of the letters, and examples of what was held."""
    console = Console()
    if not done.read:
        console.print(f"{topic}: no such dead letters; nothing to send", soft_wrap=True)
        return
    table = Table(title="dry run: nothing was sent" if is_dry_run else None)
    table.add_column("letters")
    table.add_column("count", justify="right")
    for reason, count in done.sent.most_common():
        would = "would be sent" if is_dry_run else "sent"
        table.add_row(f"{would}: {_cell(reason)}", f"{count:,}")
    for why, count in done.held.most_common():
        table.add_row(f"held: {_HELD[why]} ({why})", f"{count:,}")
    console.print(table)
    for (why, _), examples in done.examples.items():
        for letter, message in examples:
            place = f"{letter.place.partition}:{letter.place.offset}"
            text = _plain(hide_numbers_in_text(message, key))
            console.print(f"{place} {why}: {text}", markup=False, highlight=False, soft_wrap=True)


def _text(raw: bytes, key: bytes, most: int | None = None) -> str:
    if most is not None and len(raw) > most:
        raw = without_cut_number(raw[:most])
    return _plain(hide_numbers(raw, key).decode("utf-8", "backslashreplace"))


def _cell(text: str) -> str:
    return escape(_plain(text))


def _plain(text: str) -> str:
    """Return a text in which nothing can steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%SZ}"
