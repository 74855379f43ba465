"""Landing one batch: rows by day, rejects, quarantine, gaps, and the manifest that counts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from pipeline.domain.watermark import CLOCK_AHEAD_MS
from pipeline.errors import StateLost, TerminalError
from pipeline.lake import landing, manifest
from pipeline.lake.shape import CALL_EVENTS, LATE, PROGRESS, SHAPES

NOON = 1_762_920_000_000
DAY = 86_400_000


@dataclass
class Rec:
    offset: int
    value: bytes | None
    timestamp: int = NOON + 10 * DAY
    key: bytes | None = b"acme"
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def event(number: int, at: int = NOON, **more: object) -> bytes:
    return msgspec.json.encode(
        {
            "v": 1,
            "event_id": f"{number:032x}",
            "type": "queued",
            "occurred_at_ms": at,
            "client": "acme",
            "queue": "service",
            "contact_id": f"c{number}",
            "leg": 1,
            "source": "acd",
            "source_position": str(number),
            **more,
        }
    )


def draft(topic: str = CALL_EVENTS, *, seq: int = 0, first: int = 0) -> landing.Draft:
    return landing.Draft(SHAPES[topic], "id-1", 2, seq, first)


def land(root: Path, found: landing.Draft) -> manifest.Batch:
    batch = landing.write(root, found)
    manifest.commit(root, batch)
    return batch


def test_every_offset_ends_as_row_reject_quarantined_or_gap(tmp_path: Path) -> None:
    found = draft()
    ahead = event(3, NOON + CLOCK_AHEAD_MS + 1)
    records = [
        Rec(0, event(1)),
        Rec(1, b"{"),
        Rec(3, ahead, timestamp=NOON),
        Rec(4, event(4, NOON + CLOCK_AHEAD_MS), timestamp=NOON),
        Rec(5, None),
    ]
    found.add(records, now_ms=7)
    batch = land(tmp_path, found)
    assert (batch.rows, batch.rejects, batch.quarantined, batch.gaps) == (2, 2, 1, [(2, 2)])
    kinds = {file.kind: pq.read_table(tmp_path / file.path) for file in batch.files}
    assert kinds["rejects"]["raw"].to_pylist() == [b"{", b""]
    assert kinds["rejects"]["_offset"].to_pylist() == [1, 5]
    assert kinds["quarantine"]["_offset"].to_pylist() == [3]
    assert kinds["rows"].schema.equals(SHAPES[CALL_EVENTS].schema)
    assert kinds["rows"]["_offset"].to_pylist() == [0, 4]


def test_rows_rest_by_the_utc_day_they_happened_on(tmp_path: Path) -> None:
    found = draft()
    found.add([Rec(i, event(i, NOON + (i % 2) * DAY)) for i in range(4)], now_ms=0)
    batch = land(tmp_path, found)
    days = {file.event_date: file.rows for file in batch.files}
    assert days == {"2025-11-12": 2, "2025-11-13": 2}


def test_a_second_lander_loses_the_batch_and_leaves_committed_files_alone(tmp_path: Path) -> None:
    mine, theirs = draft(), draft()
    mine.add([Rec(0, event(1))], now_ms=1)
    theirs.add([Rec(0, event(1))], now_ms=2)
    land(tmp_path, mine)
    with pytest.raises(TerminalError, match="another lander has committed"):
        land(tmp_path, theirs)
    batches = manifest.read_batches(tmp_path, CALL_EVENTS)
    assert len(batches) == 1
    assert manifest.damaged(tmp_path, batches, days=None) == []


def test_a_manifest_that_cannot_be_written_takes_its_files_along(tmp_path: Path) -> None:
    found = draft()
    found.add([Rec(0, event(0))], now_ms=1)
    batch = landing.write(tmp_path, found)
    assert [p.name for p in tmp_path.rglob("*.parquet")]
    (tmp_path / "manifest").write_text("no folder")
    with pytest.raises(TerminalError, match=r"Not a directory; what was not committed"):
        manifest.commit(tmp_path, batch)
    assert not list(tmp_path.rglob("*.parquet"))


def test_files_without_a_manifest_are_not_read(tmp_path: Path) -> None:
    found = draft()
    found.add([Rec(0, event(1))], now_ms=0)
    landing.write(tmp_path, found)
    assert manifest.read_batches(tmp_path, CALL_EVENTS) == []


def test_a_missing_batch_is_an_error(tmp_path: Path) -> None:
    for seq, first in ((0, 0), (1, 1), (2, 2)):
        found = draft(seq=seq, first=first)
        found.add([Rec(first, event(first))], now_ms=0)
        land(tmp_path, found)
    (manifest.folder(tmp_path, CALL_EVENTS, 2) / f"{1:012d}.json").unlink()
    with pytest.raises(StateLost, match="expected batch 1 from offset 1"):
        manifest.read_batches(tmp_path, CALL_EVENTS)


@pytest.mark.parametrize("spoil", ["truncate", "change", "delete"])
def test_a_file_spoilt_by_hand_is_named_with_its_offsets(tmp_path: Path, spoil: str) -> None:
    found = draft()
    found.add([Rec(i, event(i)) for i in range(3)], now_ms=0)
    batch = land(tmp_path, found)
    path = tmp_path / batch.files[0].path
    raw = path.read_bytes()
    if spoil == "truncate":
        path.write_bytes(raw[:-9])
    elif spoil == "change":
        path.write_bytes(raw[:50] + bytes([raw[50] ^ 1]) + raw[51:])
    else:
        path.unlink()
    (damage,) = manifest.damaged(tmp_path, [batch], days=None)
    assert str(path) in str(damage)
    assert "offsets 0 to 2 of acd.events partition 2" in str(damage)


def test_a_repair_stands_for_the_batch_it_repairs(tmp_path: Path) -> None:
    found = draft()
    found.add([Rec(0, event(1))], now_ms=0)
    land(tmp_path, found)
    again = landing.Draft(SHAPES[CALL_EVENTS], "id-1", 2, 0, 0, repair=1)
    again.add([Rec(0, event(1))], now_ms=0)
    repaired = land(tmp_path, again)
    assert manifest.read_batches(tmp_path, CALL_EVENTS) == [repaired]


def test_a_batch_that_does_not_account_for_its_offsets_cannot_be_made() -> None:
    with pytest.raises(AssertionError, match="1 accounted for"):
        manifest.Batch(
            topic="t",
            topic_id="i",
            partition=0,
            seq=0,
            first=0,
            last=1,
            rows=1,
            rejects=0,
            quarantined=0,
            gaps=[],
            files=[],
        )


def test_a_late_event_keeps_where_it_came_from(tmp_path: Path) -> None:
    found = draft(LATE)
    headers = [
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"17"),
        ("dlq.reason", b"behind_watermark"),
    ]
    found.add([Rec(0, event(1), headers=headers), Rec(1, event(2))], now_ms=0)
    batch = land(tmp_path, found)
    assert (batch.rows, batch.rejects) == (1, 1)
    row = pq.read_table(tmp_path / batch.files[0].path).to_pylist()[0]
    assert (row["origin_partition"], row["origin_offset"]) == (3, 17)
    assert row["late_reason"] == "behind_watermark"


def test_an_upsert_without_its_fields_is_a_reject(tmp_path: Path) -> None:
    found = draft(PROGRESS)
    good = {
        "partition": 0,
        "first_offset": 0,
        "next_offset": 9,
        "watermark_ms": 1,
        "accepted": 9,
        "duplicate": 0,
        "late": 0,
        "rejected": 0,
        "quarantined": 0,
        "config_hash": "x",
    }
    bad = good | {"next_offset": "nine"}
    found.add([Rec(i, msgspec.json.encode(v)) for i, v in enumerate([good, bad])], now_ms=0)
    batch = land(tmp_path, found)
    assert (batch.rows, batch.rejects) == (1, 1)
