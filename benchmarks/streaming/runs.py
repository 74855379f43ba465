"""What is done with each engine: reading a whole log, and living through a kill.

*Throughput*: the log lies on the topic; the engine starts from its first record. What has been
read is told by the newest window of each queue, the same for all engines.

*Life*: records come at a steady rate; in the middle the engine and all its children are killed
(-9) and started again at once. Latencies are those before the kill; the results at the end are
compared with the oracle's.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.streaming import feed, latency, oracle, tree
from benchmarks.streaming.log import Log, Progress
from benchmarks.streaming.peers import Peer
from benchmarks.streaming.results import Results
from benchmarks.streaming.stage import Stage, running
from benchmarks.streaming.window import HOP_MS, SIZE_MS

START_S: Final = 90
"""Longest wait for a first result."""
READ_S: Final = 60
"""Longest reading that is measured: a slower engine's rate is that of its first minute."""
SETTLE_S: Final = 120
"""Longest wait, after the last record of a life, for the last result."""
WARM_UP_S: Final = 5
KILLED_S: Final = 0.5
"""Between kill and restart: what the engine sent before has been read by then."""
STEP_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What reading a whole log cost, from the start of the process to its last result."""

    events: int
    seconds: float
    cpu_s: float
    peak_mb: float
    first_events: int
    """How many were read at the first result, which took"""
    first_s: float
    """so long, and"""
    first_cpu_s: float
    """so much CPU."""
    differences: oracle.Differences | None
    """Of the results of the whole log, undisturbed; None if it was not read to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a kill in the middle did."""

    rate: float
    start_s: float
    """From the start of the process to a first result of the few events that were there,"""
    start_cpu_s: float
    """and the CPU it took."""
    kept_up: bool
    p50_ms: float | None
    p99_ms: float | None
    recovered_s: float | None
    """From the restart to the first new result; None if none came."""
    finished: bool
    differences: oracle.Differences


def throughput(stage: Stage, log: Log) -> Throughput:
    """Let an engine read a log that is there."""
    feed.send(stage.bootstrap, stage.input, log.events + log.ticks, stage.form)
    progress, total = Progress.of(log), len(log.events)
    with stage.results(keep_all=False) as results, running(stage) as (process,):
        began = time.perf_counter()
        first: tuple[int, float, float] | None = None
        last = (0, began, 0.0)
        peak = 0.0
        while last[0] < total:
            time.sleep(STEP_S)
            now = time.perf_counter()
            covered = progress.covered(dict(results.newest))
            cpu, rss = tree.measure(process.pid)
            peak = max(peak, rss)
            if process.poll() is not None:
                raise stage.failure(f"ended with {process.returncode}")
            if covered > last[0]:
                last = (covered, now, cpu)
                first = first or last
            if first is None and now - began > START_S:
                raise stage.failure(f"no result within {START_S} s")
            if first is not None and now - first[1] > READ_S:
                break
        if first is None:
            raise stage.failure("no result")
        whole = last[0] >= total
        if whole:
            _settle(results, log)
    return Throughput(
        events=last[0], seconds=last[1] - began, cpu_s=last[2], peak_mb=peak,
        first_events=first[0], first_s=first[1] - began, first_cpu_s=first[2],
        differences=_differences(stage, results, log) if whole else None,
    )  # fmt: skip


def life(stage: Stage, log: Log, rate: float) -> Life:
    """Feed an engine at a rate, kill it half-way, and compare its results with the oracle's."""
    primer = log.primer(stage.peer.grace_ms)
    half = (len(log.events) + primer) // 2
    progress = Progress.of(log)
    appended = feed.send(stage.bootstrap, stage.input, log.events[:primer], stage.form)
    with stage.results(keep_all=True) as results, running(stage) as processes:
        deadline = time.perf_counter() + START_S
        while not results.newest:
            if time.perf_counter() > deadline or processes[0].poll() is not None:
                raise stage.failure(f"no result within {START_S} s")
            time.sleep(STEP_S)
        start_s = time.perf_counter() - deadline + START_S
        start_cpu_s, _ = tree.measure(processes[0].pid)
        begun = time.time() * 1000
        appended += feed.send(
            stage.bootstrap, stage.input, log.events[primer:half], stage.form, rate=rate
        )
        behind = half - progress.covered(_told(stage.peer, results))
        killed = time.time() * 1000
        tree.kill(processes[-1])
        time.sleep(KILLED_S)
        before = results.count
        processes.append(stage.start())
        feeder = threading.Thread(
            target=feed.send,
            args=(stage.bootstrap, stage.input, log.events[half:] + log.ticks, stage.form),
            kwargs={"rate": rate},
            daemon=True,
        )
        feeder.start()
        restarted = time.perf_counter()
        recovered = None
        deadline = restarted + (len(log.events) - half) / rate + SETTLE_S
        while time.perf_counter() < deadline and not _done(results, log):
            time.sleep(STEP_S)
            if recovered is None and results.count > before:
                recovered = time.perf_counter() - restarted
            if processes[-1].poll() is not None:
                sys.stderr.write(f"{stage.failure('ended after its restart')}\n")
                break
        feeder.join()
        finished = _done(results, log)
        _settle(results, log)
    times = latency.of(stage.peer, log, appended, results.arrived, begun + WARM_UP_S * 1000, killed)
    return Life(
        rate=rate,
        start_s=start_s,
        start_cpu_s=start_cpu_s,
        kept_up=behind < 3 * rate,
        p50_ms=latency.percentile(times, 0.5),
        p99_ms=latency.percentile(times, 0.99),
        recovered_s=recovered,
        finished=finished,
        differences=_differences(stage, results, log),
    )


def _done(results: Results, log: Log) -> bool:
    newest = dict(results.newest)
    return all(newest.get(queue, 0) >= log.end_ms for queue in log.queues)


def _told(peer: Peer, results: Results) -> dict[str, int]:
    """Return up to which event time each queue's results tell, epoch ms."""
    ahead = SIZE_MS + peer.grace_ms if peer.emits == "when the window closes" else 0
    return {queue: start + ahead for queue, start in dict(results.newest).items()}


def _settle(results: Results, log: Log) -> None:
    """Wait until every queue has been read to its end, a minute at most, and a little more."""
    deadline = time.perf_counter() + READ_S
    while time.perf_counter() < deadline and not _done(results, log):
        time.sleep(STEP_S)
    time.sleep(2)


def _differences(stage: Stage, results: Results, log: Log) -> oracle.Differences:
    found = results.cells(stage.peer.read_value)
    if stage.peer.size_ms == HOP_MS:
        found = oracle.roll(found, size_ms=SIZE_MS, hop_ms=HOP_MS)
    wanted = oracle.cells(
        log, stage.home, size_ms=SIZE_MS, hop_ms=HOP_MS, attribution=stage.peer.attribution
    )
    return oracle.compare(found, wanted, end_ms=log.end_ms)
