"""The worker on a real broker: what goes in, what comes out, what it refuses."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from pipeline.codec.encode import encode
from pipeline.domain.events import CallEvent
from pipeline.settings import Settings
from tests.factories import NOON, an_event
from tests.integration import live

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def record(event: CallEvent) -> tuple[bytes, bytes]:
    return event.client.encode(), encode(event)


def headers(found: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in found.headers}


def test_a_call_waiting_past_the_threshold_is_a_miss_before_it_ends(settings: Settings) -> None:
    waiting = an_event("queued", 0, contact_id="waits")
    other = an_event("queued", 20_001, contact_id="other")
    live.send(settings, [record(waiting), record(other)], partition=2)
    with live.running(settings) as worker:
        worker.wait_for(lambda w: w.folded() == 2)
        status = worker.status()
        assert status is not None
        (queue,) = status["queues"]
        assert queue["windows"]["60"]["waiting_over"] == 1
        assert queue["windows"]["60"]["service_level"] == 0.0
        assert (queue["waiting"], queue["longest_wait_ms"]) == (2, 20_001)
        assert worker.stop() == 0
    panes = live.live_panes(settings)
    missed = panes["service-level", "acme//service", NOON]
    assert {k: n for k, n in missed.items() if n} == {"offered": 1, "waiting_over": 1}


def test_bad_records_end_in_counted_explained_places_and_the_rest_goes_on(
    settings: Settings,
) -> None:
    now = round(time.time() * 1000)
    good = [record(an_event("queued", i * 1000, contact_id=f"c{i}")) for i in range(5)]
    wrong_version = encode(an_event("queued")).replace(b'"v":1', b'"v":2')
    unknown_type = encode(an_event("queued")).replace(b'"queued"', b'"vanished"')
    huge = encode(an_event("queued", contact_id="x" * 10_000_000))
    ahead = an_event("queued", now + 3_600_000 - NOON, contact_id="ahead")
    late = an_event("queued", -48 * 3_600_000, contact_id="late")
    no_key: tuple[bytes | None, bytes] = (None, encode(an_event("queued", contact_id="nokey")))
    bad: list[tuple[bytes | None, bytes]] = [
        (b"acme", b'{"v":1,'),
        (b"acme", wrong_version),
        (b"acme", unknown_type),
        (b"acme", huge),
        no_key,
    ]
    log = [*good[:2], *bad, record(ahead), record(late), good[0], *good[2:]]
    live.send(settings, log, partition=0)
    with live.running(settings) as worker:
        worker.wait_for(lambda w: w.folded() == len(log))
        status = worker.status()
        assert status is not None
        assert worker.stop() == 0
    row = status["partitions"][0]
    ends = ("accepted", "duplicate", "late", "rejected", "quarantined")
    assert [row[end] for end in ends] == [5, 1, 1, 5, 1]

    dead = live.read_topic(settings, "acd.events.dlq")
    reasons = [headers(r)["dlq.reason"] for r in dead]
    assert reasons == ["malformed_json", "schema_version", "unknown_type", "too_large", "bad_key"]
    assert [r.value for r in dead] == [value for _, value in bad]
    assert [int(headers(r)["__connect.errors.offset"]) for r in dead] == [2, 3, 4, 5, 6]
    assert "expected 'acme'" in headers(dead[-1])["__connect.errors.exception.message"]

    (quarantined,) = live.read_topic(settings, "acd.quarantine")
    assert quarantined.value == encode(ahead)
    assert (
        "ahead of the broker's append time"
        in (headers(quarantined)["__connect.errors.exception.message"])
    )
    (too_late,) = live.read_topic(settings, "acd.late")
    assert (too_late.value, headers(too_late)["dlq.reason"]) == (encode(late), "behind_watermark")


def test_state_beyond_a_trimmed_log_is_a_loud_stop(settings: Settings) -> None:
    """Retention has passed the snapshot: folding on would silently lose events."""
    events = [record(an_event("queued", i * 1000, contact_id=f"c{i}")) for i in range(20)]
    live.send(settings, events[:10], partition=1)
    with live.running(settings) as worker:
        worker.wait_for(lambda w: w.folded() == 10)
        assert worker.stop() == 0
    live.send(settings, events[10:], partition=1)
    admin = KafkaAdminClient(bootstrap_servers=settings.bootstrap)
    admin.delete_records({TopicPartition(settings.topic("acd.events"), 1): 15})
    admin.close()
    with live.running(settings) as worker:
        assert worker.process.wait(60) != 0
        text = worker.log.read_text()
    assert "the snapshot goes on at offset 10 but the log starts at 15: 5 records are gone" in text


def test_a_worker_started_again_does_not_repeat_what_it_has_said(settings: Settings) -> None:
    events = [record(an_event("queued", i * 1000, contact_id=f"c{i}")) for i in range(50)]
    live.send(settings, events, partition=3)
    with live.running(settings) as worker:
        worker.wait_for(lambda w: w.folded() == 50)
        assert worker.stop() == 0
    before = live.read_topic(settings, "kpi.service-level")
    with live.running(settings) as worker:
        worker.wait_for(lambda w: w.folded() == 50)
        assert worker.stop() == 0
    assert len(live.read_topic(settings, "kpi.service-level")) == len(before)
    (last,) = [
        v
        for v in (json.loads(r.value) for r in live.read_topic(settings, "kpi.progress"))
        if v["next_offset"] == 50
    ][-1:]
    assert last["accepted"] == 50
