"""What is done with each engine: reading a whole log, and living through a kill.

*Throughput*: the log lies on the topic; the engine starts from its first record. What has been
read is told by the newest window of each queue, the same for all engines.

*Life*: records come at a steady rate; in the middle the engine and all its children are killed
(-9) and started again at once. Latencies are those before the kill; the results at the end are
compared with the oracle's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.streaming import feed, latency, oracle, tree
from benchmarks.streaming.log import GRACE_MS, Log, Progress
from benchmarks.streaming.peers import Peer
from benchmarks.streaming.results import Results
from benchmarks.streaming.window import HOP_MS, SIZE_MS
from pipeline.broker.topics import apply_topics
from pipeline.settings import PROJECT_ROOT

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
WEB_PORT: Final = "16166"


class PeerFailedError(Exception):
    """An engine ended, or gave no result, for a reason that goes into the table."""


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


@dataclass(slots=True)
class Stage:
    """Topics, state and environment of one run of one engine."""

    bootstrap: str
    peer: Peer
    command: list[str]
    prefix: str
    home: Path
    config: Path
    """Vane's configuration: every queue's threshold is the benchmark's."""
    app: str = ""
    state: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        """Make topics and the state folder."""
        self.app = f"{self.prefix}{self.peer.name}"
        self.state = self.home / self.app / "state"
        self.state.mkdir(parents=True)
        if self.peer.name == "vane":
            apply_topics(self.bootstrap, PROJECT_ROOT / "schemas" / "topics", prefix=self.prefix)
        else:
            feed.create_topics(self.bootstrap, self.input, self.output)

    @property
    def form(self) -> feed.Form:
        """Return which form of the events the engine reads."""
        return "vane" if self.peer.name == "vane" else "peer"

    @property
    def input(self) -> str:
        """Return the topic with the log."""
        return self.prefix + ("acd.events" if self.form == "vane" else "calls")

    @property
    def output(self) -> str:
        """Return the topic that the engine writes results to."""
        return self.prefix + ("kpi.service-level" if self.form == "vane" else "results")

    def results(self, *, keep_all: bool) -> Results:
        """Return a reader of the engine's results."""
        topic = self.peer.topic(self.output, self.app)
        return Results(self.bootstrap, topic, self.peer.read_key, keep_all)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the engine, which goes on where it was if it ran before."""
        env = os.environ | {
            "PEER_BOOTSTRAP": self.bootstrap, "PEER_INPUT": self.input, "PEER_OUTPUT": self.output,
            "PEER_APP": self.app, "PEER_STATE": str(self.state),
            "PEER_SIZE_MS": str(SIZE_MS), "PEER_HOP_MS": str(HOP_MS),
            "PEER_GRACE_MS": str(GRACE_MS),
            "VANE_HOME": str(self.state), "VANE_BOOTSTRAP": self.bootstrap,
            "VANE_TOPIC_PREFIX": self.prefix, "VANE_CONFIG": str(self.config),
            "VANE_WEB_PORT": WEB_PORT, "PYTHONPATH": str(PROJECT_ROOT),
        } | dict(self.peer.env)  # fmt: skip
        if self.peer.name not in ("vane", "faust"):
            env.pop("PYTHONPATH")  # it has its own packages
        before = self.peer.before(str(self.state))
        if before is not None and not any(self.state.iterdir()):
            done = subprocess.run(before, env=env, check=False, capture_output=True, text=True)
            if done.returncode:
                raise PeerFailedError(f"{before[-3:]}: {done.stderr.strip()[-200:]}")
        command = [part.format(app=self.app, state=self.state) for part in self.command]
        with (self.state.parent / "log").open("ab") as log:
            return subprocess.Popen(
                command, env=env, cwd=self.state.parent, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def failure(self, what: str) -> PeerFailedError:
        """Return an error with the last line that the engine said."""
        said = (self.state.parent / "log").read_text(errors="replace").strip().splitlines()
        return PeerFailedError(f"{what}: {said[-1][:200] if said else 'it said nothing'}")


@contextmanager
def running(stage: Stage) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Yield a list with the started engine; whatever is last in it is killed afterwards."""
    processes = [stage.start()]
    try:
        yield processes
    finally:
        tree.kill(processes[-1])


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
    primer = log.primer
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
    ahead = SIZE_MS + GRACE_MS if peer.emits == "when the window closes" else 0
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
