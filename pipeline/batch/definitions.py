"""KPI definitions as rows: those of the configuration now, and those a month was closed with.

A month is closed by the first run that read after its end, in the queue's zone. That run's
manifest keeps the terms it computed with, and the zone: a month stays the month it was. A later run
computes by both where they differ: rows of the registry ``closed`` stand for the month, rows of
``current`` say what the configuration now would have given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import duckdb

from pipeline.config_files import Targets
from pipeline.domain.business_time import Month
from pipeline.domain.definition import Calls, ShortAbandons, View, read_canonical
from pipeline.domain.refusal import Refusal
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.lake.catalog import FrozenTerm, Run
from pipeline.lake.warehouse import put_table

Queue = tuple[str, str, str]
Terms = list[tuple[int, int, ServiceTarget]]
"""(from, to, target), half-open, epoch milliseconds; ascending, without gaps."""

EARLIEST_MS: Final = -(2**62)
LATEST_MS: Final = 2**62
EARLIER_MS: Final = 3 * 86_400_000
"""A leg that counts in a month queued at most so long before it (``inputs.MARGIN_DAYS``)."""
CLOSED: Final = "closed"
CURRENT: Final = "current"
_EPOCH: Final = date(1970, 1, 1)

_TERM: Final = {
    "registry": "VARCHAR",
    "client": "VARCHAR",
    "site": "VARCHAR",
    "queue": "VARCHAR",
    "from_ms": "BIGINT",
}
KPI_TERMS: Final = {
    **_TERM,
    "to_ms": "BIGINT",
    "is_shown": "BOOLEAN",
    "is_in_force": "BOOLEAN",
    "is_live": "BOOLEAN",
    "definition_name": "VARCHAR",
    "definition_hash": "VARCHAR",
    "definition": "VARCHAR",
    "threshold_ms": "BIGINT",
    "most_wait_ms": "BIGINT",
    "goal_permille": "BIGINT",
    "short_abandon_ms": "BIGINT",
    "answer_shift_ms": "BIGINT",
    "service_level_formula": "VARCHAR",
    "clock_start": "VARCHAR",
    "view": "VARCHAR",
    "attribution": "VARCHAR",
    "is_finished_only": "BOOLEAN",
    "interval_minutes": "BIGINT",
    "repeat_window_ms": "BIGINT",
    "has_hours": "BOOLEAN",
    "flow_outs_in": "BOOLEAN",
    "callbacks_in": "BOOLEAN",
    "short_in_service_level": "BOOLEAN",
    "short_in_abandon_rate": "BOOLEAN",
    "short_in_offered": "BOOLEAN",
    "abandon_base": "VARCHAR",
    **{f"{kind}_in_received": "BOOLEAN" for kind in Refusal},
}
OPENING_SPANS: Final = {
    **_TERM,
    "weekday": "BIGINT",
    "local_day": "BIGINT",
    "opens_ms": "BIGINT",
    "closes_ms": "BIGINT",
}
SPECIAL_DAYS: Final = {**_TERM, "local_day": "BIGINT"}


def terms_of(history: TargetHistory) -> Terms:
    """Return a queue's terms as ranges; the first also holds before its start."""
    starts = (EARLIEST_MS, *history.starts_ms[1:])
    ends = (*history.starts_ms[1:], LATEST_MS)
    return list(zip(starts, ends, history.targets, strict=True))


def freeze(
    queues: Iterable[Queue], targets: Targets, closed: Mapping[Queue, Terms]
) -> list[FrozenTerm]:
    """Return what a run's manifest keeps: of each queue, the terms that stand for the month."""
    return [
        FrozenTerm(
            client=queue[0],
            site=queue[1],
            queue=queue[2],
            from_ms=start,
            to_ms=end,
            name=target.rules.name,
            definition=target.rules.canonical(),
            definition_hash=target.rules.content_hash,
            threshold_ms=target.threshold_ms,
            goal_permille=target.goal_permille,
            long_hold_ms=target.long_hold_ms,
            zone=target.zone,
        )
        for queue in queues
        for start, end, target in closed.get(queue) or terms_of(targets.history(*queue))
    ]


def closed_terms(runs: Iterable[Run], month: Month, targets: Targets) -> dict[Queue, Terms]:
    """Return the terms that each queue's month was closed with; queues not closed are left out.

    ``runs`` are all published runs, oldest first.
    """
    closed: dict[Queue, Terms] = {}
    for run in runs:
        if run.month != str(month):
            continue
        found: dict[Queue, Terms] = {}
        for term in run.definitions:
            queue = (term.client, term.site, term.queue)
            zone = term.zone or targets.zone(*queue)
            if run.seen_until_ms >= month.bounds(zone)[1] and queue not in closed:
                found.setdefault(queue, []).append((term.from_ms, term.to_ms, thaw(term, zone)))
        closed |= found
    return closed


def thaw(term: FrozenTerm, zone: str) -> ServiceTarget:
    """Return the target that a manifest's term was made of; ``zone`` is of one that names none."""
    rules = read_canonical(term.name, term.definition)
    return ServiceTarget(
        threshold_ms=term.threshold_ms,
        inclusive=rules.inclusive,
        short_abandon_ms=rules.short_abandon_ms,
        long_hold_ms=term.long_hold_ms,
        goal_permille=term.goal_permille,
        definition=rules,
        zone=term.zone or zone,
    )


def zone_in_force(queue: Queue, targets: Targets, closed: Mapping[Queue, Terms]) -> str:
    """Return the zone of a queue's month: the one it was closed in, else the configuration's."""
    return closed[queue][0][2].zone if queue in closed else targets.zone(*queue)


def is_same(one: Terms, other: Terms, bounds: tuple[int, int]) -> bool:
    """Say whether terms that hold within bounds are the same, whatever definitions are called."""
    return _within(one, bounds) == _within(other, bounds)


def _within(terms: Terms, bounds: tuple[int, int]) -> list[tuple[Any, ...]]:
    start, end = bounds
    found: list[tuple[Any, ...]] = []
    for from_ms, to_ms, target in terms:
        if from_ms < end and to_ms > start:
            numbers = (target.threshold_ms, target.goal_permille)
            content = (*numbers, target.rules.canonical())
            if not found or found[-1][1:] != content:
                found.append((max(from_ms, start), *content))
    return found


def _judging(month: Month, zone: str) -> tuple[int, int]:
    """Return when legs may have queued that count in a month: some have before it began."""
    start, end = month.bounds(zone)
    return start - EARLIER_MS, end


def put_definitions(
    con: duckdb.DuckDBPyConnection,
    *,
    month: Month,
    targets: Targets,
    queues: Sequence[Queue],
    closed: Mapping[Queue, Terms],
) -> list[Queue]:
    """Write the tables of definitions; return the queues whose closed figures may differ now."""
    current = {queue: terms_of(targets.history(*queue)) for queue in queues}
    own = {
        queue
        for queue in queues
        if queue in closed
        and not is_same(
            closed[queue], current[queue], _judging(month, zone_in_force(queue, targets, closed))
        )
    }
    clients = {client for client, _, _ in own}
    # A queue that counts contacts counts legs of its client's other queues by their terms.
    changed = [
        queue
        for queue in queues
        if queue in own
        or (
            queue[0] in clients
            and queue in closed
            and any(target.rules.view is View.CONTACT for _, _, target in closed[queue])
        )
    ]
    listed = [
        Listed(CURRENT, queue, term, is_shown=True, is_in_force=queue not in changed)
        for queue in queues
        for term in current[queue]
    ]
    if changed:
        # Every queue, not only those changed: a contact's other legs are judged alike.
        listed += [
            Listed(CLOSED, queue, term, is_shown=queue in changed, is_in_force=queue in changed)
            for queue in queues
            for term in closed.get(queue, current[queue])
        ]
    put_table(con, "kpi_terms", KPI_TERMS, map(_term_row, listed))
    put_table(con, "opening_spans", OPENING_SPANS, (row for x in listed for row in _span_rows(x)))
    put_table(con, "special_days", SPECIAL_DAYS, (row for x in listed for row in _day_rows(x)))
    return changed


Row = tuple[Any, ...]


class Listed(NamedTuple):
    """A term of a queue, and of which registry."""

    registry: str
    queue: Queue
    term: tuple[int, int, ServiceTarget]
    is_shown: bool
    is_in_force: bool

    @property
    def key(self) -> Row:
        """Return what its rows are joined by."""
        return (self.registry, *self.queue, self.term[0])


def _term_row(listed: Listed) -> Row:
    _, end, target = listed.term
    rules = target.rules
    short_out = rules.short_abandons_out_of
    return (
        *(*listed.key, end, listed.is_shown, listed.is_in_force, rules.is_live),
        *(rules.name, rules.content_hash, rules.canonical()),
        *(target.threshold_ms, target.threshold_ms - (0 if target.inclusive else 1)),
        *(target.goal_permille, target.short_abandon_ms, target.answer_shift_ms),
        *map(str, (rules.service_level, rules.clock_start, rules.view, rules.attribution)),
        rules.calls is Calls.FINISHED,
        rules.interval_minutes,
        rules.repeat_window_h * 3_600_000,
        target.has_hours,
        rules.flow_outs,
        rules.callbacks,
        ShortAbandons.SERVICE_LEVEL not in short_out,
        ShortAbandons.ABANDON_RATE not in short_out,
        ShortAbandons.OFFERED not in short_out,
        str(rules.abandon_rate),
        *(kind not in rules.refused_left_out for kind in Refusal),
    )


def _span_rows(listed: Listed) -> Iterator[Row]:
    hours = listed.term[2].rules.opening_hours
    for weekday, spans in enumerate(hours.weekly if hours else ()):
        for opens, closes in spans:
            yield (*listed.key, weekday, None, opens * 60_000, closes * 60_000)
    for day, spans in hours.special if hours else ():
        for opens, closes in spans:
            yield (*listed.key, None, (day - _EPOCH).days, opens * 60_000, closes * 60_000)


def _day_rows(listed: Listed) -> Iterator[Row]:
    """Yield the dates on which the hours of the week do not hold: closed, or open otherwise."""
    hours = listed.term[2].rules.opening_hours
    dates = {*hours.closed_on, *(day for day, _ in hours.special)} if hours else set()
    for day in sorted(dates):
        yield (*listed.key, (day - _EPOCH).days)
