"""The same rolling KPI by Vane and by other stream engines, on one log, against one oracle.

    make bench-peers                                    every engine, then the table
    make bench-peers PEERS="vane quix" EVENTS=200000    some of them, on a shorter log

Each engine's figures are kept in .cache/peers/results as soon as they are there, so that engines
can be measured one at a time; --write puts the table and the plot into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks import measure
from benchmarks.streaming import log as log_of
from benchmarks.streaming import plot, raw, runs, table
from benchmarks.streaming.install import CACHE, NotInstalledError
from benchmarks.streaming.peers import PEERS, Peer
from benchmarks.streaming.stage import PeerFailedError, Stage
from pipeline.broker.local import local_broker
from pipeline.settings import load_settings

RESULTS: Final = CACHE / "results"
EVENTS: Final = 1_000_000
LIFE_S: Final = 50


def main() -> None:
    """Measure, keep, print."""
    names = ["raw", *PEERS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.streaming", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"of {', '.join(names)}")
    parser.add_argument("--events", type=int, default=EVENTS, help="in the log that is read whole")
    parser.add_argument("--rate", type=float, default=1000, help="events per second of the life")
    parser.add_argument("--table", action="store_true", help="measure nothing, print what is kept")
    parser.add_argument("--write", action="store_true", help="put tables and plot into docs/")
    options = parser.parse_args()
    unknown = sorted(set(options.peers) - set(names))
    if unknown:
        parser.error(f"expected peers of {', '.join(names)}; got {', '.join(unknown)}")
    if not options.table:
        _measure(options.peers or names, options.events, options.rate)
    kept = [json.loads(p.read_text()) for p in RESULTS.glob("*.json")]
    rows = sorted(kept, key=lambda row: names.index(row["name"]))
    sys.stdout.write(table.markdown(rows))
    if options.write:
        table.write(rows)
        plot.draw(rows)


def _measure(names: list[str], events: int, rate: float) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vane-peers-") as folder:
        home = Path(folder)
        config = _config(home)
        logs = log_of.make(home / "day", events), log_of.make(home / "life", round(LIFE_S * rate))
        _say(f"logs of {' and '.join(f'{len(log.events):,}' for log in logs)} events")
        for name in names:
            row: dict[str, Any] = {
                "name": name, "machine": measure.machine(), "events": len(logs[0].events),
                "busy": round(_others_load(), 2),
            }  # fmt: skip
            with tempfile.TemporaryDirectory(prefix="broker-", dir=home) as run_folder:
                run_home = Path(run_folder)
                with local_broker(run_home, load_settings().jars) as bootstrap:
                    if name == "raw":
                        row |= raw.measure(bootstrap, logs[0])
                    else:
                        row |= _one(PEERS[name], bootstrap, run_home, config, logs, rate)
            (RESULTS / f"{name}.json").write_text(json.dumps(row, indent=1) + "\n")


def _one(
    peer: Peer,
    bootstrap: str,
    home: Path,
    config: Path,
    logs: tuple[log_of.Log, log_of.Log],
    rate: float,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "title": peer.title, "emits": peer.emits, "guarantee": peer.guarantee,
    }  # fmt: skip
    try:
        command = peer.prepare()
        row["version"] = peer.version()
        _say(f"{peer.name} {row['version']}: reading the log")
        stage = Stage(bootstrap, peer, command, "full.", home, config)
        row["throughput"] = dataclasses.asdict(runs.throughput(stage, logs[0]))
        _say(f"{peer.name}: {row['throughput']}")
        stage = Stage(bootstrap, peer, command, "life.", home, config)
        row["life"] = dataclasses.asdict(runs.life(stage, logs[1], rate))
        _say(f"{peer.name}: {row['life']}")
    except (NotInstalledError, PeerFailedError) as error:
        row["not_run"] = str(error)
        _say(f"{peer.name}: not run: {error}")
    return row


def _config(home: Path) -> Path:
    """Return a copy of Vane's configuration in which every queue's threshold is 20 s."""
    config = home / "config"
    shutil.copytree(load_settings().config_dir, config)
    queues = config / "queues.yaml"
    queues.write_text(queues.read_text().replace("threshold_s: 30", "threshold_s: 20"))
    return config


def _others_load() -> float:
    """Return how many cores others use now: a busy machine's figures are no record."""
    before = _machine_time()
    time.sleep(1)
    after = _machine_time()
    share = (after[0] - before[0]) / max(1, after[1] - before[1])
    return share * (os.cpu_count() or 1)


def _machine_time() -> tuple[int, int]:
    """Return (time busy, time) of all cores, clock ticks."""
    fields = [int(x) for x in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


if __name__ == "__main__":
    main()
