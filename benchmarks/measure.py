"""What the stream benchmarks share: a simulated log on a real broker, and process clocks."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.broker.local import local_broker
from pipeline.broker.topics import apply_topics
from pipeline.commands.demo_live import fetch_status
from pipeline.settings import PROJECT_ROOT, load_settings

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Bench:
    """A broker, a prefix of fresh topics and the environment for commands."""

    bootstrap: str
    home: Path
    env: dict[str, str]

    def vane(self, *arguments: str) -> None:
        """Run a vane command and wait; its output is kept from the results."""
        command = [sys.executable, "-m", "pipeline", *arguments]
        subprocess.run(command, env=self.env, check=True, stdout=subprocess.DEVNULL)

    def topic(self, name: str) -> str:
        """Return the broker's name of a topic."""
        return self.env["VANE_TOPIC_PREFIX"] + name


@contextlib.contextmanager
def bench(prefix: str) -> Iterator[Bench]:
    """Yield a fresh broker with our topics; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="vane-bench-") as folder:
        home = Path(folder)
        with local_broker(home, load_settings().jars) as bootstrap:
            apply_topics(bootstrap, PROJECT_ROOT / "schemas" / "topics", prefix=prefix)
            env = os.environ | {
                "VANE_HOME": str(home),
                "VANE_BOOTSTRAP": bootstrap,
                "VANE_TOPIC_PREFIX": prefix,
                "VANE_WEB_PORT": "16066",
                "PYTHONPATH": str(PROJECT_ROOT),
            }
            yield Bench(bootstrap, home, env)


def cpu_seconds(pid: int) -> float:
    """Return user and system CPU seconds of a running process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    """Return the peak resident memory of a running process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def status(env: dict[str, str]) -> dict[str, Any] | None:
    """Return the worker's status, or None while it does not answer."""
    return fetch_status(int(env["VANE_WEB_PORT"]))


@contextlib.contextmanager
def worker(env: dict[str, str], app_id: str = "bench") -> Iterator[subprocess.Popen[bytes]]:
    """Yield a running worker; it is stopped afterwards."""
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "worker",
        "--app-id",
        app_id,
        "--loglevel",
        "warning",
    ]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def folded(env: dict[str, str]) -> int:
    """Return how many offsets the worker has folded, by one metric, which costs it little."""
    url = f"http://127.0.0.1:{env['VANE_WEB_PORT']}/metrics?name[]=vane_events_total"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0
    return sum(round(float(x.split()[-1])) for x in lines if x.startswith("vane_events_total{"))


def gauges(env: dict[str, str], name: str) -> list[float]:
    """Return the values of a metric, one per partition."""
    url = f"http://127.0.0.1:{env['VANE_WEB_PORT']}/metrics?name[]={name}"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
        return [float(line.split()[-1]) for line in lines if line.startswith(f"{name}{{")]
    return []


def machine() -> str:
    """Return a line about the machine, to print above results."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown CPU",
    )
    date = time.strftime("%Y-%m-%d")
    return f"{date}, {os.cpu_count()} cores, {model}, Python {sys.version.split()[0]}"
