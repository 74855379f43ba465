"""Who can be called in for a queue: the pool file's people, and what its programmes can spare."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

from pipeline.config_files import Targets
from pipeline.config_pool import PoolEntry
from pipeline.domain.intervals import Grain, Grid
from pipeline.errors import InputError
from pipeline.lake.queue_day import QueueData, QueueKey
from pipeline.offline.expectation import Stated
from pipeline.offline.situation import DayIsOverError, Situation, read_situation
from pipeline.offline.wall_clock import wall_ms
from pipeline.staffing.pool import Lent, Source, spare

ANYBODY: Final = "people"
_ENOUGH: Final = 1.6
"""Agents over the load with which no queue is behind: as many as a plan ever needs."""


def sources_of(
    found: Situation,
    entries: Sequence[PoolEntry] | None,
    *,
    people: int | None,
    ramp_s: float,
    targets: Targets,
    data: QueueData,
) -> tuple[list[Source], list[str]]:
    """Return who can be called in, and what has to be said of them.

    Without a pool file and a number it is as many as could be needed: the plan says how many.

    Raises:
        InputError: a programme of the pool cannot be judged; the message says why.
    """
    slots = found.rest.slots
    whole_day = (found.at_ms, slots[-1].end_ms)
    if entries is None:
        notes = [f"{people} people can be called in, as stated"]
        if people is None:
            most = max(slot.calls / slot.length_s * slot.handle_s for slot in slots)
            least = min(slot.agents for slot in slots)
            people = max(5, ceil(_ENOUGH * most + 5 - least))
            notes = [f"no pool given: anybody, {ramp_s / 60:g} min after being asked"]
        return [Source(name=ANYBODY, lent=(Lent(*whole_day, people),), ramp_s=ramp_s)], notes
    sources, notes = [], []
    for entry in entries:
        if entry.programme is None:
            lent = _limited((Lent(*whole_day, entry.people or 0),), entry, found)
        else:
            lent = _limited(_spared(entry, found, targets, data), entry, found)
            most = max((span.people for span in lent), default=0)
            notes.append(f"{entry.name} can spare up to {most} and keep to its own goal")
        sources.append(
            Source(
                name=entry.name,
                lent=lent,
                ramp_s=entry.ramp_s,
                cost_per_hour=entry.cost_per_hour,
                pace=entry.pace,
            )
        )
    return sources, notes


def _spared(
    entry: PoolEntry, found: Situation, targets: Targets, data: QueueData
) -> tuple[Lent, ...]:
    key = QueueKey(*entry.programme) if entry.programme else found.key
    try:
        donor = read_situation(key, found.at_ms, targets=targets, data=data, stated=Stated())
    except DayIsOverError:
        return ()  # its people have gone home
    except InputError as error:
        msg = f"pool: {entry.name} cannot be judged: {error}"
        raise InputError(msg) from error
    return spare(donor.rest)


def _limited(lent: tuple[Lent, ...], entry: PoolEntry, found: Situation) -> tuple[Lent, ...]:
    """Return spans within the entry's hours of the day, with its people at most."""
    day = Grid(found.zone, Grain.DAY).local(found.at_ms).date()
    opens, closes = (wall_ms(day, minute, found.zone) for minute in entry.hours)
    kept = []
    for span in lent:
        start, end = max(span.start_ms, opens), min(span.end_ms, closes)
        if start < end:
            most = span.people if entry.people is None else min(span.people, entry.people)
            kept.append(Lent(start, end, most))
    return tuple(kept)
