"""The limit: how fast the client that Vane reads with takes the records and does nothing else."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from benchmarks.stream import RAW
from benchmarks.streaming import feed
from benchmarks.streaming.install import version
from benchmarks.streaming.log import Log


def measure(bootstrap: str, log: Log) -> dict[str, Any]:
    """Return a row of the table."""
    feed.create_topics(bootstrap, "calls")
    feed.send(bootstrap, "calls", log.events, "peer")
    done = subprocess.run(
        [sys.executable, "-c", RAW, bootstrap, "calls"], check=True, capture_output=True, text=True
    )
    _, events, seconds, cpu = done.stdout.split()
    return {
        "title": "raw aiokafka consume",
        "version": version(None, "aiokafka"),
        "throughput": {
            "events": int(events),
            "seconds": float(seconds),
            "cpu_s": float(cpu),
        },
    }
