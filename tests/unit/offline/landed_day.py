"""A 双11 day as the lander leaves it: live counts pane by pane, and a forecast."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.month import Line
from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import TOPICS
from pipeline.domain.fact import FactKind, identified
from pipeline.domain.forecast import Forecast
from pipeline.domain.kpi import ALWAYS_WRITTEN, HANDLE_TIME_FIELDS, KPI_FIELDS, SERVICE_LEVEL
from pipeline.lake import landing, manifest
from pipeline.lake.shape import PROGRESS, SHAPES
from pipeline.settings import PROJECT_ROOT, Settings, load_settings

ZONE = "Asia/Shanghai"
QUARTER_MS = 900_000
KEY = {"client": "meridian", "site": "sh", "queue": "service"}
_HASH = "0" * 16


def local(text: str) -> int:
    """Return epoch milliseconds of a local time: ``2025-11-11 08:00``."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


def new_settings(folder: Path) -> Settings:
    """Return settings with a home of their own and the project's configuration, a copy of it."""
    shutil.copytree(PROJECT_ROOT / "config", folder / "config")
    return load_settings({"VANE_HOME": str(folder / "home"), "VANE_CONFIG": str(folder / "config")})


LATER_MS = int(datetime(2025, 12, 1, tzinfo=UTC).timestamp() * 1000)


def land_records(
    settings: Settings, topic: str, records: list[bytes], *, key: bytes = b"meridian/sh"
) -> None:
    draft = landing.Draft(SHAPES[topic], "id", 0, 0, 0)
    now_ms = int(datetime(2025, 11, 12, tzinfo=UTC).timestamp() * 1000)
    draft.add([Line(i, now_ms, key, raw) for i, raw in enumerate(records)], now_ms)
    assert not draft.rejects, draft.rejects[:1]
    manifest.commit(settings.landing, landing.write(settings.landing, draft))


def pane(at_ms: int, **counts: int) -> dict[str, Any]:
    """Return a pane's upsert of service level; counts not given are 0."""
    names = KPI_FIELDS[SERVICE_LEVEL][: ALWAYS_WRITTEN[SERVICE_LEVEL]]
    return _upsert(at_ms) | dict.fromkeys(names, 0) | counts


def handled(at_ms: int, count: int, talk_ms: int) -> dict[str, Any]:
    """Return a pane's upsert of handle time."""
    given = {"handled": count, "talk_ms": talk_ms}
    return _upsert(at_ms) | dict.fromkeys(HANDLE_TIME_FIELDS, 0) | given


def _upsert(at_ms: int) -> dict[str, Any]:
    return {
        "v": 1,
        **KEY,
        "partition": 0,
        "config_hash": _HASH,
        "pane_start_ms": at_ms,
        "revision": 1,
    }


def land_live(
    settings: Settings,
    service: list[dict[str, Any]],
    handle: list[dict[str, Any]],
    *,
    watermark_ms: int = LATER_MS,
) -> None:
    """Land the live side's upserts, and its word that it is their configuration."""
    progress = {
        "v": 1,
        "partition": 0,
        "first_offset": 0,
        "next_offset": 9,
        "watermark_ms": watermark_ms,
        **dict.fromkeys(("accepted", "duplicate", "late", "rejected", "quarantined"), 0),
        "config_hash": _HASH,
    }
    land_records(settings, PROGRESS, [json.dumps(progress).encode()])
    land_records(settings, "kpi.service-level", [json.dumps(row).encode() for row in service])
    land_records(settings, "kpi.handle-time", [json.dumps(row).encode() for row in handle])


def a_forecast(start_ms: int, **given: Any) -> bytes:
    """Return the record of a quarter hour of 15,000 calls in 14 hours, 73 agents."""
    plain: dict[str, Any] = {
        "v": 1,
        "record_id": "",
        "revision_id": "",
        "as_of_ms": 1,
        **KEY,
        "source": "wfm",
        "source_position": "1",
        "interval_start_ms": start_ms,
        "interval_ms": QUARTER_MS,
        "calls_milli": 15_000_000 // 56,
        "aht_ms": 240_000,
        "agents_milli": 73_000,
    }
    return encode(identified(FactKind.FORECAST, Forecast(**(plain | given))))


def land_forecast(settings: Settings, records: list[bytes]) -> None:
    land_records(settings, TOPICS[FactKind.FORECAST], records)


def quarters(day: str, from_h: int = 8, until_h: int = 22) -> list[int]:
    """Return the starts of a day's quarter hours."""
    first = local(f"{day} {from_h:02}:00")
    return [first + i * QUARTER_MS for i in range((until_h - from_h) * 4)]


def panes_of(
    day: str, *, from_h: int, until_h: int, calls: int, in_time: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return one pane a quarter hour with so many calls, each handled in 250 s."""
    starts = quarters(day, from_h, until_h)
    service = [
        pane(at, offered=calls, answered=calls - 60, answered_within=in_time, abandoned=60)
        for at in starts
    ]
    return service, [handled(at, calls - 60, 250_000 * (calls - 60)) for at in starts]
