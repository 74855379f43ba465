"""The lander against a real broker: exactly once across restarts, repair, and a recreated topic."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import msgspec
import pytest
from kafka import KafkaProducer

from pipeline.batch import land as lander
from pipeline.broker.admin import admin
from pipeline.broker.topics import apply_topics
from pipeline.errors import InputError, StateLost, TerminalError
from pipeline.lake import manifest
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import PROJECT_ROOT, Settings

pytestmark = pytest.mark.integration
AT_MS = 1_762_833_600_000


@pytest.fixture
def producer(settings: Settings) -> Iterator[KafkaProducer]:
    found = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    yield found
    found.close()


def send(producer: KafkaProducer, settings: Settings, numbers: range) -> None:
    for n in numbers:
        value = {
            "v": 1,
            "event_id": f"{n:032x}",
            "type": "queued",
            "occurred_at_ms": AT_MS + n,
            "client": "acme",
            "queue": "service",
            "contact_id": f"c{n}",
            "leg": 1,
            "source": "acd",
            "source_position": str(n),
        }
        raw = msgspec.json.encode(value) if n % 10 != 3 else b"not json"
        producer.send(settings.topic(CALL_EVENTS), raw, key=b"acme", partition=n % 2)
    producer.flush()


def landed(settings: Settings) -> list[tuple[int, int]]:
    batches = manifest.read_batches(settings.landing, CALL_EVENTS)
    paths = [str(settings.landing / file.path) for file in manifest.files(batches)]
    rows: list[tuple[int, int]] = duckdb.execute(
        "select _partition, _offset from read_parquet(?)", [paths]
    ).fetchall()
    return rows


def test_every_offset_is_landed_once_across_runs_and_crashes(
    settings: Settings, producer: KafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(producer, settings, range(40))
    monkeypatch.setattr(lander, "BATCH_RECORDS", 7)
    first = lander.land(settings, [CALL_EVENTS])
    assert (first.offsets.total(), first.rejects.total()) == (40, 4)

    send(producer, settings, range(40, 60))
    with monkeypatch.context() as crash:

        def die(*_: object) -> None:
            raise RuntimeError("killed before the manifest")

        crash.setattr(manifest, "commit", die)
        with pytest.raises(RuntimeError, match="killed"):
            lander.land(settings, [CALL_EVENTS])
    second = lander.land(settings, [CALL_EVENTS])
    assert second.offsets.total() == 20
    assert lander.land(settings, [CALL_EVENTS]).offsets.total() == 0

    rows = landed(settings)
    assert len(rows) == len(set(rows)) == 54
    assert {p: max(o for q, o in rows if q == p) for p in (0, 1)} == {0: 29, 1: 29}


def test_a_damaged_file_is_landed_again_from_the_log(
    settings: Settings, producer: KafkaProducer
) -> None:
    send(producer, settings, range(20))
    lander.land(settings, [CALL_EVENTS])
    before = sorted(landed(settings))
    batches = manifest.read_batches(settings.landing, CALL_EVENTS)
    path = settings.landing / next(manifest.files(batches)).path
    path.write_bytes(path.read_bytes()[:100])
    damage = manifest.damaged(settings.landing, batches, days=None)
    assert [d.path for d in damage] == [str(path)]
    lander.repair(settings, [d.batch for d in damage], lander.Landed())
    batches = manifest.read_batches(settings.landing, CALL_EVENTS)
    assert manifest.damaged(settings.landing, batches, days=None) == []
    assert sorted(landed(settings)) == before


def test_a_recreated_topic_is_a_loud_error(settings: Settings, producer: KafkaProducer) -> None:
    send(producer, settings, range(4))
    lander.land(settings, [CALL_EVENTS])
    with admin(settings.bootstrap) as client:
        client.delete_topics([settings.topic(CALL_EVENTS)])
    apply_topics(
        settings.bootstrap, PROJECT_ROOT / "schemas" / "topics", prefix=settings.topic_prefix
    )
    with pytest.raises(StateLost, match="the topic was recreated"):
        lander.land(settings, [CALL_EVENTS])


def test_a_topic_that_is_not_there_is_named(settings: Settings) -> None:
    with pytest.raises(InputError, match=r"got \['acd\.nonsense'\]"):
        lander.land(settings, ["acd.nonsense"])
    elsewhere = replace(settings, topic_prefix="nobody.")
    with pytest.raises(InputError, match="vane topics apply"):
        lander.land(elsewhere, [CALL_EVENTS])
    assert CALL_EVENTS in lander.land(elsewhere).absent


def test_a_disk_that_takes_no_more_leaves_nothing_and_the_next_run_lands_the_rest(
    settings: Settings, producer: KafkaProducer
) -> None:
    send(producer, settings, range(1_000))
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, unlimited[1]))  # as a full disk does
    try:
        with pytest.raises(TerminalError, match="File too large; what was not committed is not"):
            lander.land(settings, [CALL_EVENTS])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    batches = manifest.read_batches(settings.landing, CALL_EVENTS)
    committed = {file.path for batch in batches for file in batch.files}
    left = {str(p.relative_to(settings.landing)) for p in settings.landing.rglob("*.parquet*")}
    assert left == committed
    assert not list(settings.landing.rglob("*.tmp"))

    lander.land(settings, [CALL_EVENTS])
    batches = manifest.read_batches(settings.landing, CALL_EVENTS)
    assert sum(batch.last - batch.first + 1 for batch in batches) == 1_000
    rows = landed(settings)
    assert len(rows) == len(set(rows)) == sum(batch.rows for batch in batches)
