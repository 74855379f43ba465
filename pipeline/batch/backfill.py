"""Closes many months, several at a time, each in a process of its own.

Months do not depend on each other, so they run side by side and one that fails holds up no other.
One that was published from the same landed files, configuration and models is left as it is: cut
short anywhere, a backfill begun again does what is left.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.batch import inputs
from pipeline.batch.fingerprint import fingerprint
from pipeline.config_files import load_targets
from pipeline.domain.business_time import Month
from pipeline.errors import InputError
from pipeline.lake import catalog, manifest
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import Settings


class End(StrEnum):
    """What became of a month."""

    PUBLISHED = "published"
    CURRENT = "up to date"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """A month, what became of it, what its run said last, and how long it took."""

    month: Month
    end: End
    said: str = ""
    seconds: float = 0.0


def landed_months(settings: Settings) -> tuple[Month, Month]:
    """Return the first and the last month in which a call event was landed, by UTC.

    Raises:
        InputError: no call events have been landed.
    """
    batches = manifest.read_batches(settings.landing, CALL_EVENTS)
    days = sorted({file.event_date for file in manifest.files(batches)})
    if not days:
        raise inputs.nothing_landed(settings.landing)
    first, last = (date.fromisoformat(day) for day in (days[0], days[-1]))
    return Month(first.year, first.month), Month(last.year, last.month)


def span(first: Month, last: Month) -> list[Month]:
    """Return the months from one to another, both included.

    Raises:
        InputError: they are the wrong way round.
    """
    numbers = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    if not numbers:
        msg = f"expected months in order, got {first} to {last}"
        raise InputError(msg)
    return [Month(n // 12, n % 12 + 1) for n in numbers]


def is_current(settings: Settings, month: Month) -> bool:
    """Say whether the newest run of a month read what is landed now, by the same rules."""
    runs = [run for run in catalog.read_runs(settings.published) if run.month == str(month)]
    if not runs or runs[-1].client:
        return False
    days = load_targets(settings.config_dir / "queues.yaml").longest_repeat_days
    found = inputs.find(settings.landing, month, repeat_days=days)
    return runs[-1].inputs_hash == fingerprint(settings, found)


def backfill(
    settings: Settings,
    months: Sequence[Month],
    *,
    jobs: int,
    again: bool = False,
    started: Callable[[Month], None] = lambda _: None,
) -> Iterator[Ended]:
    """Close months, ``jobs`` at a time; yield each when it has come to its end.

    Args:
        settings: as for one month.
        months: which.
        jobs: how many at a time.
        again: also those that are up to date.
        started: told when a month begins.
    """

    def one(month: Month) -> Ended:
        if not again and is_current(settings, month):
            return Ended(month, End.CURRENT)
        started(month)
        return _run(settings, month)

    with ThreadPoolExecutor(jobs) as pool:
        for ended in as_completed([pool.submit(one, month) for month in months]):
            yield ended.result()


def _run(settings: Settings, month: Month) -> Ended:
    begun = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "pipeline", "month", "run", "--month", str(month)],
        env=os.environ
        | {
            "VANE_HOME": str(settings.home),
            "VANE_CONFIG": str(settings.config_dir),
            "VANE_PUBLISH_URL": "",  # pushed once, at the end
        },
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - begun
    if done.returncode:
        return Ended(month, End.FAILED, done.stderr.strip(), seconds)
    said = next((x for x in done.stderr.splitlines() if x.startswith("published: ")), "")
    return Ended(month, End.PUBLISHED, said.removeprefix("published: "), seconds)
