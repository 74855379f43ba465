"""A dispute's workbook: the claim, the variances, the rows of both sides, the raw events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from benchmarks.month import land
from pipeline.codec.encode import encode
from pipeline.domain.events import EventType
from pipeline.errors import InputError, ReconcileError
from pipeline.lake.shape import CALL_EVENTS
from pipeline.reconcile.evidence import write_evidence
from tests.factories import NOON as NOON_MS
from tests.factories import an_event
from tests.reconciled import Call, compared, later

NOON = "2025-11-11 12:00:00"
CALLS = [
    Call(id="c1", at=NOON),
    Call(id="c2", at=later(NOON, minutes=20), number="13900000002", queue="orders"),
    Call(id="=1+1", at=later(NOON, minutes=40), number="13900000003", queue="orders"),
]
"""The third calls itself a formula."""


def land_events(home: Path, calls: Sequence[Call]) -> int:
    """Land three events of each call, and one of a client whose contact is called alike."""
    events = []
    for i, call in enumerate(calls):
        names = {"client": "harbour", "queue": call.queue, "contact_id": call.id}
        start = i * 1_200_000
        events += [
            an_event(EventType.QUEUED, start, **names),
            an_event(EventType.ANSWERED, start + 10_000, **names),
            an_event(EventType.ENDED, start + 130_000, **names),
        ]
    events.append(an_event(EventType.QUEUED, client="other", contact_id=calls[0].id))
    file = home / "events.ndjson"
    file.write_bytes(b"".join(encode(event) + b"\n" for event in events))
    return land(file, CALL_EVENTS, home)


def packs(folder: Path, rows: Sequence[dict[str, str]], *, most: int = 100) -> list[Path]:
    land_events(folder, CALLS)
    with compared(folder, CALLS, rows) as (found, con):
        return write_evidence(
            con,
            found,
            folder / "packs",
            landing=folder / "landing",
            most=most,
            report=lambda _line: None,
        )


def sheet(path: Path, name: str) -> list[dict[str, Any]]:
    header, *rows = openpyxl.load_workbook(path)[name].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_one_workbook_per_disputed_line_and_class(tmp_path: Path) -> None:
    first, _, third = CALLS
    rows = [first.theirs(), first.theirs(), third.theirs(queue="service")]
    written = packs(tmp_path, rows)
    assert sorted(path.name for path in written) == [
        "harbour-2025-11-3.1-from-2025-11-01-attribution.xlsx",
        "harbour-2025-11-3.1-from-2025-11-01-duplicate.xlsx",
        "harbour-2025-11-3.2-from-2025-11-11-attribution.xlsx",
        "harbour-2025-11-3.2-from-2025-11-11-missing_there.xlsx",
    ]
    path = next(path for path in written if "missing_there" in path.name)
    claim = {row["what"]: row["value"] for row in sheet(path, "claim")}
    assert claim["moves"] == "5.95 CNY (ours less theirs)"
    assert claim["their file"].startswith("theirs.csv, sha256 ")
    (variance,) = sheet(path, "variances")
    assert (variance["ours"], variance["theirs"], variance["difference"]) == (5.95, 0, 5.95)
    (ours,) = sheet(path, "ours")
    assert (ours["contact_id"], ours["queue"], ours["talk_s"]) == ("c2", "orders", 120)
    assert ours["queued_at"] == datetime(2025, 11, 11, 12, 20)  # noqa: DTZ001 - a wall clock
    assert sheet(path, "theirs") == []
    events = sheet(path, "events")
    assert [(e["type"], e["occurred_at_ms"]) for e in events] == [
        ("queued", NOON_MS + 1_200_000),
        ("answered", NOON_MS + 1_210_000),
        ("ended", NOON_MS + 1_330_000),
    ]
    assert {event["client"] for event in events} == {"harbour"}


def test_the_rows_of_both_sides_stand_by_their_variance(tmp_path: Path) -> None:
    third = CALLS[2]
    written = packs(tmp_path, [c.theirs() for c in CALLS[:2]] + [third.theirs(queue="service")])
    path = next(path for path in written if "3.1" in path.name)
    (variance,), (ours,), (theirs,) = (sheet(path, x) for x in ("variances", "ours", "theirs"))
    assert variance["variance"] == ours["variance"] == theirs["variance"]
    assert (theirs["line_of_file"], theirs["queue"], theirs["source_id"]) == (4, "service", "=1+1")
    cell = openpyxl.load_workbook(path)["ours"]["B2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_the_most_money_comes_first_and_the_claim_counts_all(tmp_path: Path) -> None:
    written = packs(tmp_path, [CALLS[0].theirs()], most=1)
    (path,) = written
    assert len(sheet(path, "variances")) == 1
    claim = {row["what"]: row["value"] for row in sheet(path, "claim")}
    assert claim["variances"] == "2, those of the most money are listed"


def test_nothing_is_written_where_nothing_is_disputed(tmp_path: Path) -> None:
    assert packs(tmp_path, [call.theirs() for call in CALLS]) == []
    assert not (tmp_path / "packs").exists()


def test_without_the_raw_events_there_is_no_evidence(tmp_path: Path) -> None:
    with (
        compared(tmp_path, CALLS, [CALLS[0].theirs()]) as (found, con),
        pytest.raises(InputError, match="expected landed call events"),
    ):
        write_evidence(
            con, found, tmp_path / "p", landing=tmp_path, most=1, report=lambda _line: None
        )
    land_events(tmp_path, CALLS)
    for path in (tmp_path / "landing").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:100])
    with (
        compared(tmp_path, CALLS, [CALLS[0].theirs()]) as (found, con),
        pytest.raises(ReconcileError, match="vane land --repair"),
    ):
        write_evidence(
            con,
            found,
            tmp_path / "p",
            landing=tmp_path / "landing",
            most=1,
            report=lambda _line: None,
        )
