"""Latency of alerts: from the event that carries event time past a pane's boundary to Alertmanager.

    python -m benchmarks.alert_latency [--rate 2000] [--seconds 120]

A rule is evaluated at every 30-second boundary of event time, so that is where a threshold is
crossed. Here event time runs 15 times as fast as the clock: every two seconds there is a boundary,
and at each, ten queues whose calls have waited too long cross the threshold. Counted is from the
broker's append time of the first event at or after the boundary, in the queue's partition, to the
answer of Alertmanager's API that has the alert. It is asked without a pause, one answer after the
other; worker, broker, sender and Alertmanager share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks import measure
from benchmarks.latency import reading
from pipeline.codec.encode import encode
from pipeline.domain.events import CallEvent, EventType, event_id
from pipeline.ingest.produce import partition_of
from tests.integration.alertmanager import Alertmanager, alertmanager

FASTER: Final = 15
"""Event time against the clock."""
PANE_S: Final = 30
CROSSING: Final = 10
"""Queues that cross the threshold at each boundary."""
CALLS: Final = 25
"""Their calls, which nobody answers: more than the rule's least volume."""
BEFORE_S: Final = 25
"""How long before the boundary those have come: past the threshold of 20 s by then."""
QUEUES: Final = 50
"""Queues of a client that are well."""
PARTITIONS: Final = 4
WARM_UP: Final = 4
"""Boundaries that are not counted."""
BEGIN_S: Final = 1_762_833_600
"""2025-11-11 04:00 UTC: a boundary."""
LEAST_SAMPLES: Final = 100
AFTER_S: Final = 15
"""How long alerts may still come in when all is sent."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """An alert that has to come: its queue, partition and boundary (epoch s of event time)."""

    queue: str
    partition: int
    boundary_s: int


def main() -> None:
    """Print the percentiles."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    sys.stdout.write(f"{measure.machine()}\n")
    with (
        tempfile.TemporaryDirectory(prefix="vane-bench-am-") as folder,
        alertmanager(Path(folder) / "am") as receiver,
        measure.bench("alert-latency.") as b,
    ):
        file = Path(folder) / "events.ndjson"
        crossings = write_events(file, options.rate, options.seconds)
        b.env["VANE_ALERTMANAGER_URL"] = receiver.url
        with measure.worker(b.env) as process:
            while not (measure.status(b.env) or {}).get("partitions"):
                time.sleep(0.1)
            cpu, started = measure.cpu_seconds(process.pid), time.perf_counter()
            latencies = asyncio.run(run(b, receiver, file, options, crossings))
            share = (measure.cpu_seconds(process.pid) - cpu) / (time.perf_counter() - started)
    latencies.sort()
    at = {p: latencies[min(len(latencies) - 1, int(len(latencies) * p))] for p in (0.5, 0.95, 0.99)}
    sys.stdout.write(
        f"{len(latencies)} alerts at {options.rate:,} events/s: p50 {at[0.5]:.0f} ms, "
        f"p95 {at[0.95]:.0f} ms, p99 {at[0.99]:.0f} ms, max {latencies[-1]:.0f} ms; "
        f"worker CPU {share:.0%} of a core\n"
    )


def write_events(file: Path, rate: int, seconds: int) -> list[Crossing]:
    """Write what is sent, in order of event time; return the alerts that have to come of it."""
    clients = client_of_each_partition()
    length_s = seconds * FASTER
    crossings = [
        Crossing(f"b{boundary:04}-{n}", n % PARTITIONS, BEGIN_S + boundary * PANE_S)
        for boundary in range(WARM_UP, length_s // PANE_S)
        for n in range(CROSSING)
    ]
    lost = [
        _event(EventType.QUEUED, c.boundary_s - BEFORE_S + n / 1000, clients[c.partition],
               c.queue, f"{c.queue}-{n}")
        for c in crossings
        for n in range(CALLS)
    ]  # fmt: skip
    wanted = rate * seconds - len(lost)
    well = itertools.islice(_answered(clients, length_s, wanted // 3), wanted)
    events = sorted([*lost, *well], key=lambda event: event.occurred_at_ms)
    with file.open("wb") as out:
        for event in events:
            out.write(encode(event) + b"\n")
    return crossings


def _answered(clients: list[str], length_s: int, calls: int) -> Iterator[CallEvent]:
    for call in range(calls):
        at_s = BEGIN_S + call * length_s / calls
        client = clients[call % PARTITIONS]
        queue, contact = f"well-{call // PARTITIONS % QUEUES}", f"c{call}"
        yield _event(EventType.QUEUED, at_s, client, queue, contact)
        yield _event(EventType.ANSWERED, at_s + 5, client, queue, contact, agent="ann")
        yield _event(EventType.ENDED, at_s + 65, client, queue, contact)


def _event(
    kind: EventType, at_s: float, client: str, queue: str, contact: str, agent: str | None = None
) -> CallEvent:
    at_ms = round(at_s * 1000)
    return CallEvent(
        v=1,
        event_id=event_id("bench", f"{contact}|{kind}"),
        type=kind,
        occurred_at_ms=at_ms,
        client=client,
        queue=queue,
        contact_id=contact,
        leg=1,
        source=f"bench-{client}",
        source_position=f"{contact}-{kind}",
        agent=agent,
    )


def client_of_each_partition() -> list[str]:
    """Return for each partition a client whose events lie there."""
    found: dict[int, str] = {}
    for n in itertools.count():
        found.setdefault(partition_of(b"client-%d" % n, PARTITIONS), f"client-{n}")
        if len(found) == PARTITIONS:
            return [found[partition] for partition in range(PARTITIONS)]
    raise AssertionError


async def run(
    b: measure.Bench,
    receiver: Alertmanager,
    file: Path,
    options: argparse.Namespace,
    crossings: list[Crossing],
) -> list[float]:
    """Send, and look; return the latency of each alert, milliseconds."""
    seen: dict[str, float] = {}
    looking = asyncio.create_task(look(receiver, crossings, seen))
    arguments = (b.bootstrap, b.topic("acd.events"), str(file), str(options.rate),
                 str(options.seconds))  # fmt: skip
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.paced", *arguments, env=b.env
    )
    await sender.wait()
    with suppress(TimeoutError):
        await asyncio.wait_for(looking, AFTER_S)
    passed = await boundaries_passed(b)
    due = [c for c in crossings if (c.partition, c.boundary_s) in passed]
    missing = [c.queue for c in due if c.queue not in seen]
    if missing or len(due) < LEAST_SAMPLES:
        msg = f"{len(missing)} of {len(due)} alerts did not come, such as {missing[:3]}"
        raise SystemExit(msg)
    return [seen[c.queue] * 1000 - passed[c.partition, c.boundary_s] for c in due]


async def look(receiver: Alertmanager, crossings: list[Crossing], seen: dict[str, float]) -> None:
    """Note when (epoch s) Alertmanager's API first had each alert, one boundary after the other."""
    by_boundary = itertools.groupby(crossings, key=lambda crossing: crossing.boundary_s)
    async with aiohttp.ClientSession() as session:
        for _, group in by_boundary:
            waited_for = {crossing.queue for crossing in group}
            pattern = next(iter(waited_for)).partition("-")[0]
            query = urllib.parse.urlencode({"filter": f'queue=~"{pattern}-.*"'})
            while waited_for:
                async with session.get(f"{receiver.url}/api/v2/alerts?{query}") as answer:
                    found = {alert["labels"]["queue"] for alert in await answer.json()}
                now = time.time()
                seen.update(dict.fromkeys(found & waited_for, now))
                waited_for -= found
                await asyncio.sleep(0.005)


async def boundaries_passed(b: measure.Bench) -> dict[tuple[int, int], int]:
    """Return when (epoch ms) an event at or after each boundary was first appended."""
    passed: dict[tuple[int, int], int] = {}
    newest: dict[int, int] = {}
    async with reading(b, "acd.events") as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    pane = json.loads(record.value or b"")["occurred_at_ms"] // 1000 // PANE_S
                    first = newest.get(record.partition, pane)
                    for crossed in range(first + 1, pane + 1):
                        passed[record.partition, crossed * PANE_S] = record.timestamp
                    newest[record.partition] = max(first, pane)
    return passed


if __name__ == "__main__":
    main()
