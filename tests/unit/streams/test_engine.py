"""The engine under what a broker does rarely: gaps, prefetched chunks, failures half-way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust.types import TP

from pipeline.domain.fold_state import dump
from pipeline.errors import StateLost
from pipeline.streams import engine as engine_module
from pipeline.streams import snapshots
from pipeline.streams.engine import SEEK_AGAIN_AFTER_S, SEEKS_BEFORE_GIVING_UP
from tests.factories import an_event
from tests.unit.streams.live import (
    INPUT,
    SNAPSHOTS,
    Live,
    a_chunk,
    a_record,
    an_engine,
)

ZERO = TP(INPUT, 0)


class Clock:
    """Stands in for the module ``time`` of the engine."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(engine_module, "time", found)
    return found


@pytest.fixture
def live() -> Live:
    found = an_engine()
    found.recovered(0)
    return found


def feed(live: Live, *chunks: list[Any], partition: int = 0) -> None:
    async def all_of_them() -> None:
        for chunk in chunks:
            await live.engine.on_chunk(partition, chunk)

    asyncio.run(all_of_them())


# --- gaps and seeks --------------------------------------------------------------------------


def test_a_chunk_from_further_on_is_sought_back_for_once_and_nothing_is_lost_or_doubled(
    live: Live, clock: Clock
) -> None:
    feed(live, a_chunk(0, 10))
    feed(live, a_chunk(20, 30), a_chunk(30, 40))
    clock.now += SEEK_AGAIN_AFTER_S - 0.1
    feed(live, a_chunk(40, 50))
    assert live.log.sought == [{ZERO: 10}]
    assert (live.engine.seeks_back, live.part.fold.next_offset) == (1, 10)
    feed(live, a_chunk(10, 30), a_chunk(30, 50))
    assert live.part.fold.next_offset == live.part.fold.counters.total == 50
    assert live.part.fold.counters.accepted == 50
    assert live.publisher.offered() == 25
    assert live.log.sought == [{ZERO: 10}]


def test_the_engine_seeks_again_when_the_wanted_chunk_does_not_come(
    live: Live, clock: Clock
) -> None:
    feed(live, a_chunk(5, 6))
    clock.now += SEEK_AGAIN_AFTER_S
    feed(live, a_chunk(6, 7))
    assert live.log.sought == [{ZERO: 0}, {ZERO: 0}]


def test_the_engine_gives_up_after_some_seeks_and_says_what_is_missing(
    live: Live, clock: Clock
) -> None:
    live.recovered(0, first_offset=3)
    for _ in range(SEEKS_BEFORE_GIVING_UP):
        feed(live, a_chunk(8, 9))
        clock.now += SEEK_AGAIN_AFTER_S
    with pytest.raises(
        StateLost, match=f"partition 0 of {INPUT} has no records from offset 3 to 7"
    ):
        feed(live, a_chunk(8, 9))
    assert len(live.log.sought) == SEEKS_BEFORE_GIVING_UP
    assert live.publisher.sent == []


def test_a_chunk_that_comes_at_last_starts_the_count_of_seeks_anew(
    live: Live, clock: Clock
) -> None:
    for first in range(0, 2 * SEEKS_BEFORE_GIVING_UP, 2):
        feed(live, a_chunk(first + 5, first + 6), a_chunk(first, first + 2))
        clock.now += 0.1
    assert live.engine.seeks_back == SEEKS_BEFORE_GIVING_UP
    assert live.part.seeks == 0


def test_a_hole_inside_a_chunk_stops_after_publishing_what_came_before(live: Live) -> None:
    broken = a_chunk(0, 4) + a_chunk(6, 8)
    with pytest.raises(StateLost, match="no records from offset 4 to 5"):
        feed(live, broken)
    (progress,) = live.publisher.values("kpi.progress")
    assert (progress["next_offset"], progress["accepted"]) == (4, 4)
    assert live.publisher.offered() == 2


def test_a_chunk_that_overlaps_what_is_folded_adds_only_what_is_new(live: Live) -> None:
    feed(live, a_chunk(0, 6), a_chunk(2, 9))
    assert live.part.fold.counters.accepted == live.part.fold.next_offset == 9
    assert live.part.fold.counters.duplicate == 0


def test_a_chunk_already_folded_changes_and_publishes_nothing(live: Live) -> None:
    feed(live, a_chunk(0, 6))
    state, sent = dump(live.part.fold), len(live.publisher.sent)
    feed(live, a_chunk(0, 6), a_chunk(3, 5))
    assert dump(live.part.fold) == state
    assert len(live.publisher.sent) == sent
    assert live.log.sought == []


# --- partitions that are not ours ------------------------------------------------------------


def test_a_partition_without_recovered_state_is_never_folded_nor_snapshotted(live: Live) -> None:
    feed(live, a_chunk(0, 6), partition=1)
    asyncio.run(live.engine.snapshot_all())
    asyncio.run(live.engine.revoke({TP(INPUT, 1)}))
    assert live.publisher.calls == []
    assert set(live.engine.parts) == {0}


def test_nothing_is_folded_once_the_engine_stops(live: Live) -> None:
    asyncio.run(live.engine.stop())
    feed(live, a_chunk(0, 6))
    assert live.part.fold.next_offset == 0
    assert live.publisher.calls == [("stop",)]


def test_an_engine_without_a_log_is_a_bug_not_a_wait(live: Live) -> None:
    live.engine.log = None
    with pytest.raises(AssertionError, match="before it was given a log"):
        feed(live, a_chunk(5, 6))


# --- outputs ---------------------------------------------------------------------------------


def test_every_end_but_accepted_and_duplicate_has_a_topic_and_progress_comes_last(
    live: Live,
) -> None:
    now = 3 * 3_600_000
    queued = an_event("queued", now)
    feed(
        live,
        [
            a_record(0, queued),
            a_record(1, queued),
            a_record(2, an_event("queued", 0), appended=queued.occurred_at_ms),
            a_record(3, value=b"{", appended=queued.occurred_at_ms),
            a_record(4, an_event("queued", 2 * now), appended=queued.occurred_at_ms),
        ],
    )
    topics = [topic for topic, _, _ in live.publisher.sent]
    assert topics == [
        "test.acd.events.dlq",
        "test.acd.late",
        "test.acd.quarantine",
        "test.kpi.progress",
    ]
    (progress,) = live.publisher.values("kpi.progress")
    ends = ("accepted", "duplicate", "late", "rejected", "quarantined")
    assert [progress[end] for end in ends] == [1] * 5


def test_upserts_carry_the_offset_up_to_which_they_are_true(live: Live) -> None:
    feed(live, a_chunk(0, 2), a_chunk(2, 4))
    found = live.publisher.values("kpi.service-level")
    assert [(v["revision"], v["offered"]) for v in found] == [(2, 1), (4, 2)]


# --- snapshots -------------------------------------------------------------------------------


def test_a_snapshot_is_written_only_after_what_it_covers_is_acknowledged(live: Live) -> None:
    feed(live, a_chunk(0, 6))
    live.publisher.calls.clear()
    asyncio.run(live.engine.snapshot_all())
    assert live.publisher.calls == [("flush", 0), ("publish", SNAPSHOTS, 0), ("flush", 0)]
    assert live.part.snapshot_offset == 6
    (packed,) = live.publisher.snapshots()
    assert snapshots.unpack(packed)["state"] == dump(live.part.fold)


def test_no_snapshot_is_written_when_nothing_was_folded_since_the_last(live: Live) -> None:
    asyncio.run(live.engine.snapshot_all())
    assert live.publisher.calls == []
    feed(live, a_chunk(0, 6))
    asyncio.run(live.engine.snapshot_all())
    asyncio.run(live.engine.snapshot_all())
    assert len(live.publisher.snapshots()) == 1
    feed(live, a_chunk(6, 7))
    asyncio.run(live.engine.revoke({ZERO, TP("other", 0)}))
    assert len(live.publisher.snapshots()) == 2


def test_a_stop_writes_the_last_snapshot_before_the_outputs_close(live: Live) -> None:
    feed(live, a_chunk(0, 6))
    asyncio.run(live.engine.stop())
    assert live.publisher.calls[-3:] == [("publish", SNAPSHOTS, 0), ("flush", 0), ("stop",)]


def test_what_was_folded_but_not_published_is_never_snapshotted(live: Live) -> None:
    """Else a restart would go on after outputs that nobody has seen."""
    live.publisher.fails_on = "test.kpi.service-level"
    with pytest.raises(ConnectionError):
        feed(live, a_chunk(0, 6))
    live.publisher.fails_on = None
    feed(live, a_chunk(6, 9))
    asyncio.run(live.engine.stop())
    assert live.publisher.snapshots() == []
    assert live.engine.parts == {}


def test_a_fold_cancelled_while_it_publishes_is_never_snapshotted(live: Live) -> None:
    async def cancelled() -> None:
        began = asyncio.Event()

        async def never(*_: object) -> None:
            began.set()
            await asyncio.Event().wait()

        live.publisher.publish = never  # type: ignore[method-assign, assignment]
        folding = asyncio.create_task(live.engine.on_chunk(0, a_chunk(0, 6)))
        await began.wait()
        snapshot = asyncio.create_task(live.engine.snapshot_all())
        await asyncio.sleep(0)  # the snapshot now waits for the partition's lock
        folding.cancel()
        await asyncio.gather(folding, snapshot, return_exceptions=True)

    asyncio.run(cancelled())
    assert live.publisher.calls == []
    assert live.engine.parts == {}


def test_a_partition_whose_outputs_were_not_delivered_is_not_snapshotted_at_the_stop(
    live: Live,
) -> None:
    feed(live, a_chunk(0, 6))
    live.publisher.fails_on = "flush"
    with pytest.raises(ConnectionError, match="not delivered"):
        asyncio.run(live.engine.snapshot_all())
    asyncio.run(live.engine.stop())
    assert live.publisher.snapshots() == []


class SlowAcknowledgement:
    """Holds up the first flush until it is told to go on."""

    def __init__(self, live: Live) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self._flush = live.publisher.flush
        live.publisher.flush = self  # type: ignore[method-assign]

    async def __call__(self, partition: int) -> None:
        self.asked.set()
        await self.go_on.wait()
        await self._flush(partition)


def test_a_partition_is_folded_on_while_its_snapshot_is_written(live: Live) -> None:
    async def both() -> dict[str, object]:
        slow = SlowAcknowledgement(live)
        await live.engine.on_chunk(0, a_chunk(0, 6))
        copied = dump(live.part.fold)
        snapshot = asyncio.create_task(live.engine.snapshot_all())
        await slow.asked.wait()
        await live.engine.on_chunk(0, a_chunk(6, 9))
        slow.go_on.set()
        await snapshot
        return copied

    copied = asyncio.run(both())
    assert (live.part.fold.next_offset, live.part.snapshot_offset) == (9, 6)
    (packed,) = live.publisher.snapshots()
    assert snapshots.unpack(packed)["state"] == copied


def test_a_partition_given_up_while_its_snapshot_waits_is_not_snapshotted(live: Live) -> None:
    async def both() -> None:
        slow = SlowAcknowledgement(live)
        await live.engine.on_chunk(0, a_chunk(0, 6))
        snapshot = asyncio.create_task(live.engine.snapshot_all())
        await slow.asked.wait()
        live.publisher.fails_on = "test.kpi.progress"
        with pytest.raises(ConnectionError):
            await live.engine.on_chunk(0, a_chunk(6, 9))
        live.publisher.fails_on = None
        slow.go_on.set()
        await snapshot

    asyncio.run(both())
    assert live.publisher.snapshots() == []


# --- assignment ------------------------------------------------------------------------------


@pytest.fixture
def recoveries(live: Live, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Partitions in the order in which snapshots were looked for; none are found."""
    found: list[int] = []

    async def none(
        _bootstrap: str, topic: str, partition: int, *, source_topic: str, **_: Any
    ) -> None:
        assert (topic, source_topic) == (SNAPSHOTS, INPUT)
        found.append(partition)

    monkeypatch.setattr(snapshots, "read_newest", none)
    live.engine.parts.clear()
    return found


def positions(live: Live, partitions: set[int], generation: int) -> dict[TP, int]:
    assigned = {TP(INPUT, p) for p in partitions} | {TP("other", 9)}
    return dict(asyncio.run(live.engine.positions(assigned, generation)))


def test_newly_assigned_partitions_are_recovered_and_other_topics_left_alone(
    live: Live, recoveries: list[int]
) -> None:
    live.log.begin = 5
    assert positions(live, {0, 1}, 1) == {TP(INPUT, 0): 5, TP(INPUT, 1): 5}
    assert recoveries == [0, 1]


def test_a_partition_held_in_the_generation_before_is_kept_as_it_is(
    live: Live, recoveries: list[int]
) -> None:
    positions(live, {0, 1}, 1)
    feed(live, a_chunk(0, 6))
    kept = live.part
    assert positions(live, {0, 1, 2}, 2) == {TP(INPUT, p): (6, 0, 0)[p] for p in range(3)}
    assert positions(live, {0}, 3) == {ZERO: 6}
    assert live.part is kept
    assert recoveries == [0, 1, 2]


def test_a_partition_is_recovered_again_when_a_generation_was_missed(
    live: Live, recoveries: list[int]
) -> None:
    """Another worker may have folded it in between."""
    positions(live, {0}, 1)
    feed(live, a_chunk(0, 6))
    assert positions(live, {0}, 3) == {ZERO: 0}
    assert recoveries == [0, 0]


def test_a_partition_no_longer_assigned_is_dropped(live: Live, recoveries: list[int]) -> None:
    positions(live, {0, 1}, 1)
    assert positions(live, {1}, 2) == {TP(INPUT, 1): 0}
    assert set(live.engine.parts) == {1}
    positions(live, {0, 1}, 3)
    assert recoveries == [0, 1, 0]


def test_a_partition_given_up_is_recovered_by_the_next_assignment(
    live: Live, recoveries: list[int]
) -> None:
    positions(live, {0}, 1)
    live.publisher.fails_on = "test.kpi.progress"
    with pytest.raises(ConnectionError):
        feed(live, a_chunk(0, 6))
    live.publisher.fails_on = None
    assert positions(live, {0}, 2) == {ZERO: 0}
    feed(live, a_chunk(0, 6))
    assert live.publisher.offered() == 3
    assert recoveries == [0, 0]


def test_a_chunk_that_waited_while_the_partition_was_recovered_anew_is_not_folded(
    live: Live,
) -> None:
    async def recover_while_a_chunk_waits() -> None:
        old = live.recovered(0)
        async with old.lock:
            waiting = asyncio.create_task(live.engine.on_chunk(0, a_chunk(0, 4)))
            await asyncio.sleep(0)
            live.recovered(0, first_offset=2)
        await waiting

    asyncio.run(recover_while_a_chunk_waits())
    assert live.part.fold.next_offset == 2
    assert live.publisher.sent == []


def test_an_old_part_that_fails_does_not_give_up_the_one_recovered_since(live: Live) -> None:
    async def fail_while_another_is_recovered() -> None:
        live.recovered(0)
        live.publisher.fails_on = "test.kpi.progress"
        publish = live.publisher.publish

        async def publish_slowly(*arguments: Any) -> None:
            live.recovered(0, first_offset=2)
            await publish(*arguments)

        live.publisher.publish = publish_slowly  # type: ignore[method-assign, assignment]
        with pytest.raises(ConnectionError):
            await live.engine.on_chunk(0, a_chunk(0, 4))

    asyncio.run(fail_while_another_is_recovered())
    assert live.part.fold.first_offset == 2
