"""The state of a fold as plain values (for a snapshot), and back.

Contributions are not stored: they are a pure function of the facts and the watermark, so they
are computed again. ``STATE_VERSION`` changes whenever the meaning or the shape does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple
from itertools import islice
from typing import Any, Final, Protocol

from pipeline.domain.alert import AlertState
from pipeline.domain.alert_rule import Rule
from pipeline.domain.alert_scope import Place, Scope
from pipeline.domain.closed_legs import ClosedLegs, LegKey, fingerprint
from pipeline.domain.cold_legs import Packing
from pipeline.domain.day_sums import day_row, day_sum_of
from pipeline.domain.fold import PartitionFold
from pipeline.domain.forecast_book import QueueForecast, QueueKey
from pipeline.domain.live_leg import Leg, facts_of_plain, plain_facts
from pipeline.domain.marks import Marks
from pipeline.domain.outbox import Counters
from pipeline.domain.queue_state import QueueState
from pipeline.domain.target import TargetHistory
from pipeline.domain.watermark import Watermark

STATE_VERSION: Final = 6

STEP_ROWS: Final = 500
"""Legs or panes that a step of ``fill`` takes at most: some two milliseconds."""

Plain = dict[str, Any]


class Rows(Protocol):
    """Where the many rows of a state go."""

    def extend(self, rows: list[Any], /) -> None:
        """Take some more, in order."""
        ...


def dump(fold: PartitionFold) -> Plain:
    """Return the state as dicts, lists, strings and integers; the outbox must have been taken."""
    plain: Plain = {}
    for _ in fill(plain, fold):
        pass
    return plain


def fill(plain: Plain, fold: PartitionFold, rows: Callable[[], Rows] = list[Any]) -> Iterator[None]:
    """Do as ``dump`` does in short steps, between which the fold must not go on.

    ``rows`` makes what takes the legs and each queue's panes; lists by default.
    """
    numbers = {queue: i for i, queue in enumerate(fold.queues.values())}
    plain |= {
        "state_version": STATE_VERSION,
        "first_offset": fold.first_offset,
        "next_offset": fold.next_offset,
        "watermark_ms": fold.watermark.ms,
        "sources": {name: list(seen) for name, seen in fold.watermark.sources.items()},
        "next_boundary": fold.next_boundary,
        "next_sweep": fold.next_sweep,
        "next_forget": fold.next_forget,
        "counters": list(astuple(fold.counters)),
        "queues": [],
        "subjects": [
            [
                place.scope.value,
                *place[1:],
                {name: list(astuple(state)) for name, state in subject.alerts.items()},
                subject.restless,
            ]
            for place, subject in fold.subjects.items()
        ],
        "legs": rows(),
        "cold": [] if fold.cold is None else fold.cold.dump(),
        "closed": [
            fold.closed.newer.to_bytes(),
            fold.closed.older.to_bytes(),
            fold.closed.rotate_at_ms,
        ],
    }
    yield
    for queue in fold.queues.values():
        panes = [rows() for _ in queue.panes]
        days = rows()
        plain["queues"].append(
            {
                "key": [queue.client, queue.site, queue.queue],
                "panes": panes,
                "days": days,
                "newest_pane": queue.newest_pane,
            }
        )
        days.extend([day_row(ordinal, found) for ordinal, found in queue.days.items()])
        for found, starts in zip(panes, queue.panes, strict=True):
            for some in _steps(starts.items()):
                found.extend([[start, *counts] for start, counts in some])
                yield
    for some_legs in _steps(fold.legs.items()):
        plain["legs"].extend([_leg_row(key, leg, numbers[leg.queue]) for key, leg in some_legs])
        yield


def _steps(rows: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while some := list(islice(iterator, STEP_ROWS)):
        yield some


def _leg_row(key: LegKey, leg: Leg, queue_index: int) -> list[Any]:
    return [key[0], key[1], queue_index, leg.born_ms, leg.reopened, plain_facts(leg.facts)]


def load(
    plain: Plain,
    history: Callable[[str, str, str], TargetHistory],
    rules: Iterable[Rule] = (),
    packing: Packing | None = None,
    forecasts: Mapping[QueueKey, QueueForecast] | None = None,
) -> PartitionFold:
    """Return the fold that ``dump`` was taken of, which must have had the same packing.

    Raises:
        ValueError: the state is of another version, or has packed legs and there is no packing.
    """
    if plain["state_version"] != STATE_VERSION:
        msg = f"expected state version {STATE_VERSION}, got {plain['state_version']}"
        raise ValueError(msg)
    fold = PartitionFold(
        history, rules, first_offset=plain["first_offset"], packing=packing, forecasts=forecasts
    )
    fold.next_offset = plain["next_offset"]
    sources = {source: list(seen) for source, seen in plain["sources"].items()}
    fold.watermark = Watermark(plain["watermark_ms"], sources)
    fold.next_boundary = plain["next_boundary"]
    fold.next_sweep = plain["next_sweep"]
    fold.next_forget = plain["next_forget"]
    fold.counters = Counters(*plain["counters"])
    queues = [_load_queue(fold, q) for q in plain["queues"]]
    for scope, *names, alerts, restless in plain["subjects"]:
        subject = fold.subjects[Place(Scope(scope), *names)]
        subject.alerts.update((name, AlertState(*state)) for name, state in alerts.items())
        subject.restless = restless
    newer, older, rotate_at_ms = plain["closed"]
    fold.closed = ClosedLegs(Marks(newer), Marks(older), rotate_at_ms)
    if fold.cold is not None:
        fold.cold.load(plain["cold"])
    elif plain["cold"]:
        msg = "expected no packed legs, since there is nothing to unpack them with"
        raise ValueError(msg)
    for contact_id, number, queue_index, born_ms, reopened, facts in plain["legs"]:
        queue = queues[queue_index]
        key = (contact_id, number, queue.queue, queue.client, queue.site)
        leg = Leg(facts_of_plain(facts), queue, born_ms, fingerprint(key), reopened=reopened)
        fold.legs[key] = leg
        fold.resume(leg)
    return fold


def _load_queue(fold: PartitionFold, plain: Plain) -> QueueState:
    queue = fold.queue(*plain["key"])
    for index, panes in enumerate(plain["panes"]):
        for start, *counts in panes:
            queue.open_pane(index, start)[:] = counts
    queue.days.update(map(day_sum_of, plain["days"]))
    queue.newest_pane = plain["newest_pane"]
    return queue
