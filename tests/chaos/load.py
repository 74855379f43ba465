"""The input of a schedule: a simulated day in portions, disturbed as the schedule says."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.settings import Settings
from tests.chaos.schedule import PORTIONS, Fault, Schedule
from tests.integration import live

Record = tuple[int, bytes | None, bytes | None]
"""(partition, key, value)."""

PARTITION_OF: Final = {b"meridian/sh": 0, b"meridian/cd": 1, b"harbour": 2, b"acme/sh": 3}
SCALE: Final = "0.2"
DISORDER: Final = 200
"""Records within which order is lost ..."""
REPEATED_WITHIN: Final = 400
"""... and within which one is repeated."""
LATE: Final = 60
AHEAD: Final = 30
IN_2100_MS: Final = 4_102_444_800_000
IN_A_ROW: Final = 25


@dataclass(frozen=True, slots=True)
class Portion:
    """Records sent at once; with ``after_snapshot``, once all before them is in a snapshot."""

    records: list[Record]
    after_snapshot: bool = False


def portions(schedule: Schedule, settings: Settings) -> list[Portion]:
    """Return ``PORTIONS`` portions: a simulated double 11, the same for a seed."""
    rng = random.Random(f"vane load {schedule.seed}")  # noqa: S311 - draws records, not keys
    records = _disturbed(rng, list(_day(schedule.seed, settings)), schedule.whole)
    size = len(records) // PORTIONS + 1
    poisoned = {step.portion: step.fault for step in schedule.steps}
    return [
        _poisoned(rng, records[number * size :][:size], poisoned.get(number))
        for number in range(PORTIONS)
    ]


def _day(seed: int, settings: Settings) -> Iterator[Record]:
    folder = settings.home / "sim"
    live.vane(settings, "simulate", "--scenario", "double11", "--month", "2025-11",
              "--seed", str(seed), "--scale", SCALE, "--out", str(folder))  # fmt: skip
    for line in (folder / "acd.events.ndjson").read_bytes().splitlines():
        event = json.loads(line)
        key = "/".join(filter(None, (event["client"], event.get("site")))).encode()
        yield PARTITION_OF[key], key, line
        if key == b"meridian/sh":  # a busy client for the fourth partition
            copy = line.replace(b'"client":"meridian"', b'"client":"acme"')
            yield PARTITION_OF[b"acme/sh"], b"acme/sh", copy


def _disturbed(rng: random.Random, records: list[Record], kinds: frozenset[Fault]) -> list[Record]:
    if Fault.LATE in kinds:
        _delay(rng, records)
    if Fault.DISORDER in kinds:
        for start in range(0, len(records), 2 * DISORDER):
            window = records[start : start + DISORDER]
            rng.shuffle(window)
            records[start : start + DISORDER] = window
    if Fault.DUPLICATES in kinds:
        for place in sorted(rng.sample(range(len(records)), len(records) // 50), reverse=True):
            records.insert(place + rng.randint(1, REPEATED_WITHIN), records[place])
    if Fault.FUTURE in kinds:
        for number in range(AHEAD):
            partition, key, value = rng.choice(records)
            event = json.loads(value or b"{}")
            event |= {"occurred_at_ms": IN_2100_MS, "contact_id": f"ahead-{number}"}
            ahead = json.dumps(event, separators=(",", ":")).encode()
            records.insert(rng.randrange(len(records)), (partition, key, ahead))
    return records


def _delay(rng: random.Random, records: list[Record]) -> None:
    """Move some of the first half a third of the day on, which is far more than two hours."""
    chosen = sorted(rng.sample(range(len(records) // 2), LATE), reverse=True)
    moved = [(place, records.pop(place)) for place in chosen]
    for place, record in moved:
        records.insert(place + len(records) // 3, record)


def _poison(rng: random.Random, partition: int) -> Record:
    key = next(k for k, p in PARTITION_OF.items() if p == partition)
    good = b'{"v":1,"type":"queued"}'
    return rng.choice(
        [
            (partition, key, b'{"v":1,'),
            (partition, key, b""),
            (partition, key, None),
            (partition, None, good),
            (partition, key, good.replace(b"queued", b"vanished")),
            (partition, key, b"\xff\xfe" * 1000),
            (partition, key, b"[" * 100_000),
        ]
    )


def _poisoned(rng: random.Random, records: list[Record], fault: Fault | None) -> Portion:
    one = [_poison(rng, partition) for partition in PARTITION_OF.values()]
    match fault:
        case Fault.POISON_FIRST:
            return Portion(one + records)
        case Fault.POISON_LAST:
            return Portion(records + one)
        case Fault.POISON_ALONE:
            return Portion(one)
        case Fault.POISON_ROW:
            row = [_poison(rng, 0) for _ in range(IN_A_ROW)]
            return Portion(records[: len(records) // 2] + row + records[len(records) // 2 :])
        case Fault.POISON_AFTER_SNAPSHOT:
            return Portion(one + records, after_snapshot=True)
        case _:
            return Portion(records)
