"""The figures of a book as rows: sums of counts, divided last, one row per subject and interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.domain.intervals import Grid
from pipeline.domain.kpi import Counts, ratio
from pipeline.domain.refusal import Refusal
from pipeline.domain.service_level import FORMULAS
from pipeline.domain.target import ServiceTarget
from pipeline.offline.queue_log_book import AGENT_FIELDS, Book
from pipeline.offline.queue_log_units import FIELDS

Row = dict[str, Any]

TOTAL_NAME: Final = "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which intervals are wanted: those that begin in ``[from_ms, until_ms)``; None: no bound.

    With both bounds every interval between them has a row, whether anything happened or not.
    """

    from_ms: int | None = None
    until_ms: int | None = None

    def holds(self, start_ms: int) -> bool:
        """Say whether an interval that begins then is wanted."""
        return (self.from_ms is None or start_ms >= self.from_ms) and (
            self.until_ms is None or start_ms < self.until_ms
        )

    def starts(self, grid: Grid, met: Sequence[int]) -> list[int]:
        """Return the starts of the intervals that have a row, given those that anything is in."""
        if self.from_ms is None or self.until_ms is None:
            return sorted(start for start in met if self.holds(start))
        every = (interval.start_ms for interval in grid.covering(self.from_ms, self.until_ms))
        return [start for start in every if self.holds(start)]


def queue_rows(book: Book, wanted: Range, *, totals: bool = False) -> Iterator[Row]:
    """Yield a row per queue and interval, ascending; with ``totals``, one over all intervals last.

    A total has no interval: ``interval_start`` and ``interval_end`` are None.
    """
    shapes, labels = book.shapes.vectors, _Labels(book.grid)
    for queue in sorted(book.queues):
        judge = book.judges[queue]
        found = book.queues[queue].rows(shapes)
        width = len(judge.terms.histories)
        nothing = [[0] * len(FIELDS) for _ in range(width)]
        total = [[0] * len(FIELDS) for _ in range(width)]
        starts = wanted.starts(book.grid, list(found))
        at = 0
        for start in starts:
            at = start
            counts = found.get(start, nothing)
            for sums, more in zip(total, counts, strict=True):
                for place, count in enumerate(more):
                    sums[place] += count
            targets = [history.at(start) for history in judge.terms.histories]
            yield {"queue": queue, **labels.of(start)} | queue_figures(counts, targets)
        if totals and starts:
            targets = [history.at(at) for history in judge.terms.histories]
            yield {"queue": queue, **labels.of(None)} | queue_figures(total, targets)


def agent_rows(book: Book, wanted: Range, *, totals: bool = False) -> Iterator[Row]:
    """Yield a row per agent and interval, ascending; totals as those of queues."""
    labels = _Labels(book.grid)
    for agent in sorted(book.agents):
        found = book.agents[agent].rows()
        nothing = [0] * len(AGENT_FIELDS)
        total = nothing
        starts = wanted.starts(book.grid, list(found))
        for start in starts:
            counts = found.get(start, nothing)
            total = [a + b for a, b in zip(total, counts, strict=True)]
            yield {"agent": agent, **labels.of(start)} | agent_figures(counts)
        if totals and starts:
            yield {"agent": agent, **labels.of(None)} | agent_figures(total)


def queue_figures(by_threshold: list[list[int]], targets: list[ServiceTarget]) -> Row:
    """Return the figures of counts in the order of ``FIELDS``, one list per threshold."""
    every = [dict(zip(FIELDS, counts, strict=True)) for counts in by_threshold]
    counts, rules = every[0], targets[0].rules
    refused = sum(counts[f"refused_{kind}"] for kind in Refusal)
    waited = counts["waited"]
    return {
        "definition": rules.name,
        "received": counts["offered"] + counts["out_of_hours"] + refused,
        "offered": rules.offered(counts),
        "answered": counts["answered"],
        "abandoned": counts["abandoned"],
        "abandoned_short": counts["abandoned_short"],
        "timeout": counts["timeout"],
        "left_empty": counts["left_empty"],
        "flowed_out": counts["flowed_out"],
        "callbacks": counts["callbacks"],
        "waiting_over": counts["waiting_over"],
        "out_of_hours": counts["out_of_hours"],
        "closed": counts["refused_closed"],
        "saturated": counts["refused_full"],
        "join_empty": counts["refused_empty"],
        "refused_other": counts["refused_other"],
        "answered_rate": ratio(*rules.answered_parts(counts)),
        "abandon_rate": ratio(*rules.abandon_parts(counts)),
        "waited": waited,
        "wait_s_total": seconds(counts["wait_ms"]),
        "average_wait_s": ratio(counts["wait_ms"], waited * 1000),
        "average_speed_of_answer_s": ratio(counts["wait_answered_ms"], counts["answered"] * 1000),
        "handled": counts["handled"],
        "talk_s_total": seconds(counts["talk_ms"]),
        "average_talk_s": ratio(counts["talk_ms"], counts["handled"] * 1000),
        "contract_service_level": {
            _threshold(target): ratio(*target.rules.service_level_parts(those))
            for those, target in zip(every, targets, strict=True)
        },
        "service_level": {
            _threshold(target): _levels(those, target)
            for those, target in zip(every, targets, strict=True)
        },
    }


def _levels(counts: Counts, target: ServiceTarget) -> Row:
    return {
        str(variant): ratio(*formula(counts, target.rules.inclusions))
        for variant, formula in FORMULAS.items()
    }


def _threshold(target: ServiceTarget) -> str:
    return str(seconds(target.threshold_ms))


def agent_figures(counts: list[int]) -> Row:
    """Return the figures of an agent's counts, in the order of ``AGENT_FIELDS``."""
    answered, talk, login, pause, wrapup = counts
    return {
        "answered": answered,
        "conversation_s": seconds(talk),
        "average_conversation_s": ratio(talk, answered * 1000),
        "login_s": seconds(login),
        "pause_s": seconds(pause),
        "wrapup_s": seconds(wrapup),
    }


def seconds(milliseconds: int) -> int | float:
    """Return seconds: whole ones as an integer, others to the millisecond."""
    whole, rest = divmod(milliseconds, 1000)
    return whole if rest == 0 else milliseconds / 1000


class _Labels:
    """The start and end of intervals as text; many subjects share few intervals."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._known: dict[int | None, Row] = {None: {"interval_start": None, "interval_end": None}}

    def of(self, start: int | None) -> Row:
        """Return an interval's labels by its start; None stands for all intervals."""
        found = self._known.get(start)
        if found is None:
            interval = self._grid.at(start or 0)
            found = self._known[start] = {
                "interval_start": self._grid.label(interval),
                "interval_end": self._grid.label_at(interval.end_ms),
            }
        return found


def flat(row: Row) -> Row:
    """Return a row without levels, for CSV: ``service_level_20s_sl1`` and so on."""
    found: Row = {}
    for name, value in row.items():
        if name == "contract_service_level":
            found |= {f"service_level_{threshold}s": level for threshold, level in value.items()}
        elif name == "service_level":
            found |= {
                f"service_level_{threshold}s_{variant.lower()}": level
                for threshold, levels in value.items()
                for variant, level in levels.items()
            }
        else:
            found[name] = value
    return found
