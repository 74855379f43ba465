"""Where a worker's CPU goes: the stages of one event, each run alone over the same records.

    make bench-stages            (or: python -m benchmarks.stages --scale 3)

No broker: records lie in memory as the client's parser hands them on. What the stages add up to is
the floor of the full engine, which besides them fetches, parses and sends.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pipeline import kernel

FOLD = kernel.use("auto")  # before anything imports the domain

from benchmarks import measure  # noqa: E402
from benchmarks.paced import PARTITIONS, keyed  # noqa: E402
from pipeline.codec.decode import decode_call_event  # noqa: E402
from pipeline.codec.judge import judge_chunk  # noqa: E402
from pipeline.config_files import load_alert_rules, load_targets  # noqa: E402
from pipeline.domain.fold_state import dump  # noqa: E402
from pipeline.ingest.produce import partition_of  # noqa: E402
from pipeline.settings import PROJECT_ROOT  # noqa: E402
from pipeline.streams import outgoing, snapshots  # noqa: E402
from pipeline.streams.engine import SLICE_RECORDS  # noqa: E402
from pipeline.streams.recovery import Basis  # noqa: E402
from pipeline.streams.transport import CHUNK_RECORDS  # noqa: E402

APPEND_LAG_MS: Final = 5_000


class Kept(NamedTuple):
    """A record as far as folding needs it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes


Chunk = Sequence[Kept]


def main() -> None:
    """Time each stage and print it."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--scale", type=float, default=3, help="of the simulated 双11 day")
    options = parser.parse_args()
    gc.disable()  # as a worker does (streams/garbage.py)
    sys.stdout.write(f"{measure.machine()}; fold: {FOLD}\n")
    logs = simulated(options.scale)
    events = sum(len(log) for log in logs)
    sys.stdout.write(f"{events:,} events on {PARTITIONS} partitions\n\n")
    config = PROJECT_ROOT / "config"
    basis = Basis(load_targets(config / "queues.yaml"), load_alert_rules(config / "alerts.yaml"))
    stages: dict[str, Callable[[], Any]] = {
        "decode": lambda: [decode_call_event(r.value) for log in logs for r in log],
        "decode, check of key": lambda: [judge_chunk(c) for log in logs for c in slices(log)],
        "… and fold": lambda: [folded(log, basis, publishes=False) for log in logs],
        "… and make upserts": lambda: [folded(log, basis, publishes=True) for log in logs],
    }
    before = 0.0
    for name, stage in stages.items():
        spent = min(cpu_of(stage) for _ in range(3))
        us = spent / events * 1e6
        sys.stdout.write(f"{name:24}{us:8.2f} us an event{us - before:+8.2f}\n")
        before = us
    states = [dump(folded(log, basis, publishes=False)) for log in logs]
    spent = cpu_of(lambda: [pack(n, state, basis) for n, state in enumerate(states)])
    legs = sum(len(state["legs"]) for state in states)
    sys.stdout.write(f"{'a snapshot of each':24}{spent * 1e3:8.1f} ms ({legs:,} open legs)\n")


def simulated(scale: float) -> list[list[Kept]]:
    """Return the log of a simulated day by partition."""
    logs: list[list[Kept]] = [[] for _ in range(PARTITIONS)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pipeline", "simulate", "--scenario", "double11"]
        options = ["--month", "2025-11", "--seed", "1", "--scale", str(scale), "--out", folder]
        subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
        for line in (Path(folder) / "acd.events.ndjson").read_bytes().splitlines():
            key, value = keyed(line)
            log = logs[partition_of(key, PARTITIONS)]
            at = decode_call_event(value)
            stamp = getattr(at, "occurred_at_ms", log[-1].timestamp if log else 0)
            log.append(Kept(len(log), stamp + APPEND_LAG_MS, key, value))
    return logs


def slices(log: Chunk, size: int = SLICE_RECORDS) -> Iterator[Chunk]:
    """Yield a log in pieces."""
    for start in range(0, len(log), size):
        yield log[start : start + size]


def folded(log: Chunk, basis: Basis, *, publishes: bool) -> Any:  # noqa: ANN401 - compiled or not
    """Fold a log in chunks as the engine does; make the upserts of each, or throw them away."""
    fold = basis.new_fold(0)
    templates = outgoing.PaneTemplates(0, basis.config_hash)
    for chunk in slices(log, CHUNK_RECORDS):
        for part in slices(chunk):
            fold.fold(judge_chunk(part))
        box = fold.take_outbox()
        if publishes:
            outgoing.pane_upserts(box, fold.next_offset, templates)
            outgoing.progress(fold, 0, basis.config_hash)
    return fold


def pack(partition: int, state: dict[str, Any], basis: Basis) -> bytes:
    """Return the bytes of a snapshot."""
    config_hash = basis.config_hash
    return snapshots.record(partition, state, config_hash=config_hash, source_topic="acd.events")[1]


def cpu_of(what: Callable[[], Any]) -> float:
    """Return the CPU seconds of a call."""
    gc.collect()
    began = time.process_time()
    what()
    return time.process_time() - began


if __name__ == "__main__":
    main()
