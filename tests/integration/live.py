"""What tests of the live side share: run a worker process, read topics, fold a log afresh."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from pipeline.codec.judge import judge_call_record
from pipeline.config_files import load_alert_rules, load_targets
from pipeline.domain.fold import PartitionFold
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.settings import PROJECT_ROOT, Settings

PARTITIONS = 4
ENDS = ("accepted", "duplicate", "late", "rejected", "quarantined")
Panes = dict[tuple[str, str, int], dict[str, int]]
"""(KPI, client/site/queue, pane start) to counts."""


@dataclass
class Clean:
    """What a fold of the whole log from its start gives."""

    folds: dict[int, PartitionFold] = field(default_factory=dict)
    panes: Panes = field(default_factory=dict)
    alert_ids: set[str] = field(default_factory=set)
    late: set[tuple[int, int]] = field(default_factory=set)
    rejected: set[tuple[int, int]] = field(default_factory=set)
    quarantined: set[tuple[int, int]] = field(default_factory=set)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Settings, **more: str) -> dict[str, str]:
    return os.environ | {
        "VANE_HOME": str(settings.home),
        "VANE_BOOTSTRAP": settings.bootstrap,
        "VANE_TOPIC_PREFIX": settings.topic_prefix,
        "VANE_CONFIG": str(settings.config_dir),
        "PYTHONPATH": str(PROJECT_ROOT),
        **more,
    }


def vane(settings: Settings, *arguments: str) -> str:
    """Run a vane command to its end; a failure shows what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"vane {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Worker:
    """A ``vane worker`` process and its status page; ``module`` is what else may start one."""

    def __init__(
        self, settings: Settings, *options: str, module: str = "pipeline", **env: str
    ) -> None:
        self.port = free_port()
        self.log = settings.home / f"worker-{self.port}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", module, "worker", "--loglevel", "warning", *options]
        variables = environment(settings, **{"VANE_WEB_PORT": str(self.port), **env})
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, env=variables, stdout=out, stderr=out)

    def status(self) -> dict[str, Any] | None:
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.port}/status.json"
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        return None

    def folded(self) -> int:
        found = self.status()
        return 0 if found is None else sum(p["next_offset"] for p in found["partitions"])

    def wait_for(self, what: Callable[[Worker], bool], timeout: float = 90) -> None:
        deadline = time.monotonic() + timeout
        while not what(self):
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, f"{self.status()}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """Have it stop; return its exit code. What it said is shown where that is not 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        if code:
            sys.stderr.write(self.log.read_text()[-5000:])
        return code


@contextlib.contextmanager
def running(settings: Settings, *options: str, **env: str) -> Iterator[Worker]:
    worker = Worker(settings, *options, **env)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill()


def send(
    settings: Settings, records: Sequence[tuple[bytes | None, bytes]], *, partition: int
) -> None:
    producer = KafkaProducer(
        bootstrap_servers=settings.bootstrap, acks="all", max_request_size=20_000_000
    )
    for key, value in records:
        producer.send(settings.topic("acd.events"), value, key=key, partition=partition)
    producer.flush()
    producer.close()


def together(*workers: Worker) -> int:
    """Offsets folded, by whichever of the workers is furthest on each partition."""
    best: dict[int, int] = {}
    for worker in workers:
        for row in (worker.status() or {"partitions": []})["partitions"]:
            best[row["partition"]] = max(best.get(row["partition"], 0), row["next_offset"])
    return sum(best.values())


def newest_progress(settings: Settings) -> dict[int, dict[str, int]]:
    """The progress record of each partition that is furthest along."""
    found: dict[int, dict[str, int]] = {}
    for record in read_topic(settings, "kpi.progress"):
        value = json.loads(record.value)
        old = found.get(value["partition"])
        if old is None or value["next_offset"] >= old["next_offset"]:
            found[value["partition"]] = value
    return found


def read_topic(settings: Settings, name: str) -> list[Any]:
    """Return all records of one of our topics, partition by partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        max_partition_fetch_bytes=24_000_000,
    )
    topic = settings.topic(name)
    tps = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(tps)
    consumer.seek_to_beginning(*tps)
    ends = consumer.end_offsets(tps)
    records: list[Any] = []
    while any(consumer.position(tp) < ends[tp] for tp in tps):
        for found in consumer.poll(timeout_ms=1000).values():
            records += found
    consumer.close()
    return records


def origins(settings: Settings, name: str) -> set[tuple[int, int]]:
    """Return partition and offset of the input records that a side topic tells of."""
    return {
        (int(h["__connect.errors.partition"]), int(h["__connect.errors.offset"]))
        for h in (dict(record.headers) for record in read_topic(settings, name))
    }


def log_size(settings: Settings) -> int:
    consumer = KafkaConsumer(bootstrap_servers=settings.bootstrap)
    topic = settings.topic("acd.events")
    tps = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    size = sum(consumer.end_offsets(tps).values())
    consumer.close()
    return int(size)


def committed(settings: Settings) -> int:
    """Return how many records of the input the worker's group has committed: every five seconds."""
    consumer = KafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id=f"{settings.topic_prefix}vane"
    )
    topic = settings.topic("acd.events")
    found = [consumer.committed(TopicPartition(topic, p)) for p in range(PARTITIONS)]
    consumer.close()
    return sum(offset or 0 for offset in found)


def live_panes(settings: Settings, config_hash: str = "") -> Panes:
    """Return what a reader of the upserts (of a configuration) holds: the highest revisions."""
    best: dict[tuple[str, str, int], tuple[int, dict[str, int]]] = {}
    for kpi, fields in KPI_FIELDS.items():
        for record in read_topic(settings, f"kpi.{kpi}"):
            v = json.loads(record.value)
            if config_hash not in {"", v["config_hash"]}:
                continue
            key = (kpi, f"{v['client']}/{v['site']}/{v['queue']}", v["pane_start_ms"])
            if key not in best or v["revision"] >= best[key][0]:
                best[key] = (v["revision"], {name: v.get(name, 0) for name in fields})
    return counted({key: counts for key, (_, counts) in best.items()})


def differing(found: Panes, expected: Panes) -> list[object]:
    """The first panes that differ: a diff of all of them would take minutes to print."""
    keys = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
    return [(key, found.get(key), expected.get(key)) for key in keys[:5]]


def counted(panes: Panes) -> Panes:
    """Leave out panes that are all zero: they say that something moved elsewhere."""
    return {key: counts for key, counts in panes.items() if any(counts.values())}


def margin_alone(settings: Settings, folder: Path) -> Settings:
    """The same deployment with the margin rule alone: each drop is one alert of a queue."""
    config = folder / "margin-alone"
    shutil.copytree(settings.config_dir, config)
    path = config / "alerts.yaml"
    rules = yaml.safe_load(path.read_text())["rules"]
    kept = [rule for rule in rules if rule["name"] == "service-level-drop"]
    path.write_text(yaml.safe_dump({"rules": kept}))
    return replace(settings, config_dir=config)


def clean_fold(settings: Settings, config_dir: Path = PROJECT_ROOT / "config") -> Clean:
    """Fold the whole input log in this process, in one go per partition."""
    targets = load_targets(config_dir / "queues.yaml")
    rules = load_alert_rules(config_dir / "alerts.yaml").rules
    clean = Clean()
    by_partition: dict[int, list[Any]] = {p: [] for p in range(PARTITIONS)}
    for record in read_topic(settings, "acd.events"):
        by_partition[record.partition].append(record)
    for partition, records in by_partition.items():
        fold = clean.folds[partition] = PartitionFold(targets.history, rules)
        fold.fold((r.offset, r.timestamp, judge_call_record(r.key, r.value)) for r in records)
        box = fold.take_outbox()
        for (queue, index, pane), counts in box.panes.items():
            kpi, fields = list(KPI_FIELDS.items())[index]
            clean.panes[kpi, queue.key, pane] = dict(zip(fields, counts, strict=True))
        clean.alert_ids |= {alert.alert_id for alert in box.alerts}
        clean.late |= {(partition, late.offset) for late in box.late}
        clean.rejected |= {(partition, offset) for offset, _ in box.rejected}
        clean.quarantined |= {(partition, offset) for offset, _ in box.quarantined}
    clean.panes = counted(clean.panes)
    return clean
