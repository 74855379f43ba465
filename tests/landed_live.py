"""What the worker says of panes, as landed, without a broker: records written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.batch import live
from pipeline.config_files import load_targets
from pipeline.domain.kpi import KPI_FIELDS, PANE_MS
from pipeline.lake import catalog, landing, manifest
from pipeline.lake.generation import DATASETS
from pipeline.lake.shape import SHAPES
from pipeline.settings import Settings

NOON = 1_762_833_600_000
"""2025-11-11 04:00 UTC, noon in Shanghai: a pane, quarter-hour and hour boundary."""


@dataclass
class Record:
    offset: int
    value: bytes
    timestamp: int
    key: bytes | None = None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass
class LiveSide:
    """A worker and a lander in one: what is said is landed at once, a batch per call."""

    settings: Settings
    config_hash: str = ""
    now_ms: int = NOON

    def __post_init__(self) -> None:
        self.config_hash = self.config_hash or self.version() + "rules000"

    def version(self) -> str:
        return load_targets(self.settings.config_dir / "queues.yaml").version[:8]

    def say(
        self, dataset: str, *rows: Mapping[str, Any], partition: int = 0, topic_id: str = "id-1"
    ) -> None:
        """Land records of a dataset as one batch of a partition."""
        topic = DATASETS[dataset]
        known = manifest.read_partition(self.settings.landing, topic, partition)
        seq, first = (known[-1].seq + 1, known[-1].last + 1) if known else (0, 0)
        draft = landing.Draft(SHAPES[topic], topic_id, partition, seq, first)
        values = (json.dumps(dict(row)).encode() for row in rows)
        records = [Record(first + n, value, self.now_ms) for n, value in enumerate(values)]
        draft.add(records, self.now_ms)
        assert not draft.rejects, draft.rejects
        manifest.commit(self.settings.landing, landing.write(self.settings.landing, draft))

    def panes(
        self,
        kpi: str,
        counts: Mapping[int, Mapping[str, int]],
        *,
        revision: int = 1,
        partition: int = 0,
        queue: str = "acme//service",
    ) -> None:
        """Land panes, by their number after noon."""
        client, site, name = queue.split("/")
        self.say(
            kpi,
            *(
                {
                    "v": 1,
                    "client": client,
                    "site": site,
                    "queue": name,
                    "partition": partition,
                    "config_hash": self.config_hash,
                    "pane_start_ms": NOON + number * PANE_MS,
                    "revision": revision,
                    **dict.fromkeys(KPI_FIELDS[kpi], 0),
                    **of_pane,
                }
                for number, of_pane in counts.items()
            ),
            partition=partition,
        )

    def progress(self, next_offset: int, *, watermark_ms: int = NOON, partition: int = 0) -> None:
        """Land a partition's progress."""
        row = self.progress_row(next_offset, watermark_ms=watermark_ms, partition=partition)
        self.say("progress", row, partition=partition)

    def progress_row(
        self, next_offset: int, *, watermark_ms: int = NOON, partition: int = 0
    ) -> dict[str, Any]:
        """Return a record of a partition's progress."""
        return {
            "v": 1,
            "partition": partition,
            "config_hash": self.config_hash,
            "first_offset": 0,
            "next_offset": next_offset,
            "watermark_ms": watermark_ms,
            "accepted": next_offset,
            **dict.fromkeys(("duplicate", "late", "rejected", "quarantined"), 0),
        }

    def alert(
        self, alert_id: str, status: str, at_ms: int, *, version: str = "0" * 12, **fields: str
    ) -> None:
        """Land a transition of an alert."""
        self.say(
            "alerts",
            {
                "v": 1,
                "alert_id": alert_id,
                "status": status,
                "rule": "service-level-drop",
                "rule_version": version,
                "severity": "page",
                "runbook": "docs/runbooks/x.md",
                "client": "acme",
                "site": "",
                "queue": "service",
                "at_ms": at_ms,
                "window_ms": 900_000,
                "offered": 10,
                "answered_within": 5,
                "goal_permille": 800,
                "revision": 1,
                "partition": 0,
                **fields,
            },
        )


def answered(count: int, within: int, wait_ms: int = 1_000) -> dict[str, int]:
    """Return counts of a pane in which calls were answered."""
    return {
        "offered": count,
        "answered": count,
        "answered_within": within,
        "wait_answered_ms": count * wait_ms,
        "wait_0001": count,
    }


def show(settings: Settings, now_ms: int = NOON) -> live.Shown:
    """Show what is landed, as a run of ``vane live`` does."""
    shown = live.start(settings, now_ms=now_ms)
    shown.add(live.step(settings, now_ms=now_ms))
    return shown


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Ask the published catalog, opened for it."""
    with catalog.open_catalog(settings.published) as con:
        return con.execute(sql).fetchall()
