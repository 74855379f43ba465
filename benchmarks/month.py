"""How long a month of a million calls takes from landed Parquet to published, and how much memory.

    python benchmarks/month.py [--scale 14] [--home FOLDER]

Simulates the month, lands it by the lander's own code (no broker), then runs
``vane month run`` in a process of its own and reports wall time, peak memory and the stages.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pipeline.ingest.produce import partition_of
from pipeline.lake import landing, manifest
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS, SHAPES

PARTITIONS = 4
BATCH = 250_000
TARGET_S = 60
TARGET_GB = 3.0


@dataclass(slots=True)
class Line:
    """A line of a simulated file, as a consumed record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def _value(raw: bytes, name: bytes) -> bytes:
    start = raw.find(b'"' + name + b'":"')
    if start < 0:
        return b""
    start += len(name) + 4
    return raw[start : raw.index(b'"', start)]


def _lines(path: Path) -> Iterator[tuple[bytes, bytes]]:
    with path.open("rb") as source:
        for raw in source:
            site = _value(raw, b"site")
            client = _value(raw, b"client")
            yield (client + b"/" + site if site else client), raw.rstrip()


def land(file: Path, topic: str, home: Path) -> int:
    """Land a simulated file as the lander would, offset by offset; return its rows."""
    shape, root = SHAPES[topic], home / "landing"
    drafts = {p: landing.Draft(shape, "benchmark", p, 0, 0) for p in range(PARTITIONS)}
    rows, now_ms = 0, int(time.time() * 1000)
    lines = _lines(file)
    while chunk := list(islice(lines, 20_000)):
        parts: dict[int, list[Line]] = {p: [] for p in drafts}
        for key, raw in chunk:
            p = partition_of(key, PARTITIONS)
            offset = drafts[p].next_offset + len(parts[p])
            parts[p].append(Line(offset, now_ms, key, raw))
        for p, records in parts.items():
            drafts[p].add(records, now_ms)
            if drafts[p].size >= BATCH:
                drafts[p] = _commit(root, drafts[p])
        rows += len(chunk)
    for draft in drafts.values():
        if draft.size:
            _commit(root, draft)
    return rows


def _commit(root: Path, draft: landing.Draft) -> landing.Draft:
    manifest.commit(root, landing.write(root, draft))
    return landing.Draft(
        draft.shape, draft.topic_id, draft.partition, draft.seq + 1, draft.next_offset
    )


def main() -> None:
    """Prepare the input once per home, then measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", default="14", help="of the simulated month; 14: 1 M calls")
    options.add_argument("--home", type=Path, help="folder to keep; a temporary one by default")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home: Path = chosen.home or Path(scratch)
        if not (home / "landing").exists():
            _prepare(home, chosen.scale)
        _measure(home)


def _prepare(home: Path, scale: str) -> None:
    out = home / "sim"
    started = time.monotonic()
    command = [sys.executable, "-m", "pipeline", "simulate", "--out", str(out), "--scale", scale]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(f"simulated in {time.monotonic() - started:.0f} s")
    for topic in (CALL_EVENTS, AGENT_STATES):
        started = time.monotonic()
        rows = land(out / f"{topic}.ndjson", topic, home)
        took = time.monotonic() - started
        print(f"landed {rows:,} {topic} in {took:.0f} s without a broker, {rows / took:,.0f}/s")


def _measure(home: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "month", "run", "--month", "2025-11"]
    env = os.environ | {"VANE_HOME": str(home)}
    started = last = time.monotonic()
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    for line in process.stderr or ():
        now = time.monotonic()
        print(f"{now - started:7.1f} s  +{now - last:5.1f}  {line.rstrip()}")
        last = now
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - started
    peak_gb = usage.ru_maxrss / 2**20
    print(f"published in {took:.1f} s (target {TARGET_S}), peak RSS {peak_gb:.2f} GB ({TARGET_GB})")
    if status:
        raise SystemExit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
