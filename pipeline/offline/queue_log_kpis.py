"""KPIs of ``queue_log`` files, no broker needed: what to count by, the files read, the book filled.

Calls are judged by the queue's dated terms in ``config/queues.yaml``, or by one definition of
``config/kpis.yaml`` for all of them (a *profile*).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.config_files import Targets
from pipeline.domain.business_time import midnight_ms
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.intervals import Grid
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.errors import InputError
from pipeline.offline.log_files import Chunk
from pipeline.offline.log_tally import Tally
from pipeline.offline.queue_log_book import Book
from pipeline.offline.queue_log_reader import LogReader
from pipeline.offline.queue_log_rows import Range
from pipeline.offline.queue_log_units import Terms, with_thresholds

WAZO: Final = "wazo"
"""Of this dialect logins and pauses nobody ended last to the end of the range, as in wazo-stat."""

_ALL_WILD: Final = 3


@dataclass(slots=True)
class TermsFinder:
    """Finds a queue's terms; remembers which queues have none of their own.

    ``profile`` is a definition that holds for all queues instead of that of their terms.
    """

    targets: Targets
    client: str
    site: str
    profile: KpiDefinition | None
    thresholds_s: tuple[int, ...]
    without_terms: dict[str, ServiceTarget] = field(default_factory=dict)

    def __call__(self, queue: str) -> Terms:
        """Return the terms that a queue's calls are judged by."""
        entry = self.targets.entry(self.client, self.site, queue)
        history = entry.history
        if entry.wildcards == _ALL_WILD:
            self.without_terms[queue] = history.targets[-1]
        profile = self.profile
        if profile is not None:
            targets = tuple(
                replace(
                    target,
                    definition=profile,
                    inclusive=profile.inclusive,
                    short_abandon_ms=profile.short_abandon_ms,
                )
                for target in history.targets
            )
            history = TargetHistory(history.starts_ms, targets)
        terms = with_thresholds(history, self.thresholds_s)
        for one in terms.histories:
            for target in one.targets:
                _check(queue, target)
        return terms


def _check(queue: str, target: ServiceTarget) -> None:
    if not target.is_within(target.short_abandon_ms):
        short_s, threshold_s = target.short_abandon_ms // 1000, target.threshold_ms // 1000
        msg = (
            f"--threshold: queue {queue!r} calls an abandon within {short_s} s a short one "
            f"(definition {target.rules.name!r}); expected a threshold not below, got {threshold_s}"
        )
        raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Counted:
    """A log that was read: its counters, its lines, and what was open when it ended."""

    book: Book
    tally: Tally
    terms: TermsFinder
    open_spells: int
    until_ms: int


def count_log(
    chunks: Iterable[Chunk],
    grid: Grid,
    terms: TermsFinder,
    *,
    zone: ZoneInfo | None,
    wanted: Range,
    is_in_columns: bool = True,
) -> Counted:
    """Read a log and count its calls and its agents' time.

    Args:
        chunks: the lines, in order of time.
        grid: the intervals to count in.
        terms: finds what calls of a queue are judged by.
        zone: that of times without one; None: such lines are rejected.
        wanted: the range; its end is how long logins and pauses last that nobody ended.
        is_in_columns: False reads every line on its own, which only takes longer.
    """
    book, tally = Book(grid, terms), Tally()
    reader = LogReader(book, tally, zone=zone, is_in_columns=is_in_columns)
    for chunk in chunks:
        reader.take(chunk)
    until = _end(book, grid, wanted, terms.profile)
    reader.finish()
    open_spells = book.close(reader.stitcher.agents, until)
    return Counted(book, tally, terms, open_spells, until)


def _end(book: Book, grid: Grid, wanted: Range, profile: KpiDefinition | None) -> int:
    """Return how long what is open lasts: to the range's end, or as far as the log tells."""
    if wanted.until_ms is not None:
        return max(wanted.until_ms, book.last_ms)
    if profile is not None and profile.name == WAZO and book.last_ms:
        day = grid.local(book.last_ms).date()
        return midnight_ms(day + timedelta(days=1), grid.zone)
    return book.last_ms
