"""The peer benchmark's own parts: a wrong result, a wrong wait, a wrong table must show."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from benchmarks.streaming import latency, log, oracle, plot, table
from benchmarks.streaming.peers import PEERS
from benchmarks.streaming.window import HOP_MS, SIZE_MS
from pipeline.broker import jars

MINUTE = 60_000
NOON = 1_762_747_200_000


def an_event(kind: str, at: int, contact: str, **more: Any) -> dict[str, Any]:
    return {
        "v": 1, "event_id": f"{contact}-{kind}-{at}", "type": kind, "occurred_at_ms": NOON + at,
        "client": "meridian", "site": "sh", "queue": "orders", "contact_id": contact, "leg": 1,
        "source": "acd", "source_position": "1",
    } | more  # fmt: skip


def a_day() -> list[dict[str, Any]]:
    """Return calls of four hours: answered in time, answered late, abandoned, flowed out."""
    events = []
    for number in range(400):
        at, name = number * 36_000, f"c{number}"
        events.append(an_event("queued", at, name))
        kind, wait = (
            ("answered", 5_000), ("answered", 20_000), ("answered", 50_000),
            ("abandoned", 30_000), ("flowed_out", 1_000),
        )[number % 5]  # fmt: skip
        events.append(an_event(kind, at + wait, name))
        events.append(an_event("ended", at + wait + 1_000, name))
    return sorted(events, key=lambda event: event["occurred_at_ms"])


@pytest.fixture(scope="module")
def made() -> log.Log:
    return log.from_events(a_day())


def naive(made: log.Log, size_ms: int = SIZE_MS) -> oracle.Cells:
    """Fold what an engine is given, as every engine here does it."""
    cells: oracle.Cells = defaultdict(lambda: (0, 0))
    for event in made.events:
        read = json.loads(event.peer)
        if "wait_ms" in read:
            within = read["type"] == "answered" and read["wait_ms"] <= oracle.THRESHOLD_MS
            newest = event.at_ms // HOP_MS * HOP_MS
            for start in range(newest - size_ms + HOP_MS, newest + 1, HOP_MS):
                n, w = cells[event.queue, start]
                cells[event.queue, start] = (n + 1, w + within)
    return dict(cells)


def wanted(made: log.Log, folder: Path, *, size_ms: int = SIZE_MS) -> oracle.Cells:
    return oracle.cells(made, folder, size_ms=size_ms, hop_ms=HOP_MS, attribution="outcome")


def test_a_right_result_equals_the_oracle(made: log.Log, tmp_path: Path) -> None:
    found = oracle.compare(naive(made), wanted(made, tmp_path), end_ms=made.end_ms)
    assert found.windows > 400
    assert found.total == found.calls_over == found.calls_lost == 0


def test_panes_add_up_to_the_rolling_windows(made: log.Log, tmp_path: Path) -> None:
    panes = wanted(made, tmp_path, size_ms=HOP_MS)
    rolled = oracle.roll(panes, size_ms=SIZE_MS, hop_ms=HOP_MS)
    assert rolled == wanted(made, tmp_path)


@pytest.mark.parametrize(
    ("spoil", "wrong", "calls"),
    [
        (lambda n, within: (n + 1, within), (1, 0, 0), (1, 0)),
        (lambda n, within: (n, within + 1), (1, 0, 0), (0, 0)),
        (lambda n, within: (n - 1, within), (0, 1, 0), (0, 1)),
        (lambda _n, _within: None, (0, 0, 1), (0, 6)),
    ],
    ids=["twice", "wrongly in time", "once too few", "window missing"],
)
def test_one_wrong_window_is_found(
    made: log.Log,
    tmp_path: Path,
    spoil: Any,
    wrong: tuple[int, int, int],
    calls: tuple[int, int],
) -> None:
    results = naive(made)
    cell = next(cell for cell in sorted(results) if results[cell][0] == 6)
    spoilt = spoil(*results.pop(cell))
    if spoilt is not None:
        results[cell] = spoilt
    found = oracle.compare(results, wanted(made, tmp_path), end_ms=made.end_ms)
    assert (found.too_high, found.too_low, found.missing) == wrong
    assert (found.calls_over, found.calls_lost) == calls


def test_a_window_that_the_oracle_has_not_is_too_high(made: log.Log, tmp_path: Path) -> None:
    results = naive(made) | {("nobody", made.end_ms - HOP_MS): (1, 0)}
    assert oracle.compare(results, wanted(made, tmp_path), end_ms=made.end_ms).too_high == 1


def test_by_service_level_event_late_outcomes_count_earlier(made: log.Log, tmp_path: Path) -> None:
    by_event = oracle.cells(
        made, tmp_path, size_ms=SIZE_MS, hop_ms=HOP_MS, attribution="service_level_event"
    )
    found = oracle.compare(by_event, wanted(made, tmp_path), end_ms=made.end_ms)
    assert found.too_high
    assert found.calls_over == found.calls_lost


def test_a_log_is_clean_and_ended_by_ticks() -> None:
    events = a_day()
    late = an_event("complaint_flagged", 0, "c0")
    made = log.from_events(log.clean([*events, events[7], late]))
    assert len(made.events) == len(events)
    assert (time.time() * 1000 - made.end_ms) / log.ENDED_AGO_MS == pytest.approx(1, abs=0.1)
    assert (made.end_ms - NOON) % HOP_MS == (max(e["occurred_at_ms"] for e in events) + 1) % HOP_MS
    assert [tick.at_ms > made.end_ms + 99 * MINUTE for tick in made.ticks] == [True] * 6
    assert "wait_ms" not in json.loads(made.events[0].vane)


def test_progress_is_told_by_each_queues_newest_window(made: log.Log) -> None:
    progress = log.Progress.of(made)
    queue = next(iter(made.queues))
    assert progress.covered({}) == progress.covered({queue: made.events[0].at_ms}) == 0
    assert progress.covered({queue: made.end_ms}) == len(made.events)


def test_an_event_is_timed_to_the_first_result_that_counts_it(made: log.Log) -> None:
    appended = list(range(len(made.events)))
    counted = [i for i, e in enumerate(made.events) if b"wait_ms" in e.peer][:2]
    cell = (made.events[0].queue, made.events[counted[0]].at_ms // HOP_MS * HOP_MS)
    arrived = [(100.0, cell, b'{"n":0,"within":0}'), (200.0, cell, b'{"n":1,"within":1}')] * 2
    times = latency.of(PEERS["kafka-streams"], made, appended, arrived, 0, 1e9)
    assert times == [200.0 - counted[0]]


def test_a_closed_window_is_timed_from_the_event_that_closed_it(made: log.Log) -> None:
    appended = list(range(len(made.events)))
    cell = (made.events[0].queue, made.events[1].at_ms // HOP_MS * HOP_MS)
    closes = cell[1] + SIZE_MS + log.GRACE_MS
    due = next(i for i, event in enumerate(made.events) if event.at_ms >= closes)
    times = latency.of(PEERS["bytewax"], made, appended, [(500.0, cell, b"")] * 2, 0, 1e9)
    assert times == [500.0 - due]


DIFFERENT = {
    "windows": 2000, "too_high": 10, "too_low": 2, "missing": 1, "calls_over": 11, "calls_lost": 3,
}  # fmt: skip
EQUAL = {**dict.fromkeys(DIFFERENT, 0), "windows": 2000}


def a_row(**more: Any) -> dict[str, Any]:
    return {
        "name": "x", "title": "X", "version": "1.2", "machine": "a machine", "events": 1000,
        "busy": 0.0, "emits": "at each event", "guarantee": "at least once",
        "throughput": {
            "events": 1000, "seconds": 12.0, "cpu_s": 3.0, "peak_mb": 50.0, "first_events": 100,
            "first_s": 3.0, "first_cpu_s": 1.2, "differences": EQUAL,
        },
        "life": {
            "rate": 1000, "start_s": 4.0, "start_cpu_s": 1.5, "kept_up": True, "p50_ms": 5.0,
            "p99_ms": 50.0, "recovered_s": 3.25, "finished": True, "differences": DIFFERENT,
        },
    } | more  # fmt: skip


def test_start_up_is_taken_away_by_the_earlier_of_both_first_results() -> None:
    row = a_row()
    assert astuple(table.speed(row)) == pytest.approx((100, 2000, 3, 1.2))
    row["life"] |= {"start_s": 2.0, "start_cpu_s": 1.0}
    assert astuple(table.speed(row)) == pytest.approx((100, 2000, 2, 1))


def test_the_table_tells_what_differs_and_who_was_not_run() -> None:
    text = table.markdown([a_row(), {**a_row(), "title": "Y", "not_run": "no such jar"}])
    assert "| X | 1.2 | 100 | 2,000.0 | 50 | 3.0 s, 1.2 s CPU | 0 of 2,000 |" in text
    assert "| 5 ms | 50 ms | 3.2 s | 13 of 2,000 | 10 / 2 / 1 | 11 / 3 |" in text
    assert "Not run to the end: Y: no such jar" in text


def test_the_tables_go_between_their_marks(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.write([a_row()], document)
    text = document.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    document.write_text("no marks")
    with pytest.raises(ValueError, match="expected the lines"):
        table.write([a_row()], document)


def test_the_picture_is_coloured_by_the_comparison() -> None:
    behind = a_row(title="Y")
    behind["life"] |= {"differences": EQUAL, "kept_up": False}
    values = plot.specification([a_row(), behind])["data"]["values"]
    assert [v["result"] for v in values] == [plot.WRONG, plot.EXACT]
    assert [v["p50_ms"] for v in values] == [5.0, None]


def test_what_peers_are_made_from_is_pinned() -> None:
    root = Path(table.__file__).parent
    locks = sorted((root / "requirements").glob("*.txt"))
    assert len(locks) == len(list((root / "requirements").glob("*.in")))
    for lock in locks:
        lines = lock.read_text().splitlines()
        assert any("--hash=sha256:" in line for line in lines)
        assert not any("://" in line or line.startswith("-") for line in lines), lock
    for jar_lock in (root / "jars").iterdir():
        assert jars.locked(jar_lock)
