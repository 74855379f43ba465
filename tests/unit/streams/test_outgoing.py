"""What goes out on the wire: upserts as bytes, side outputs with their original bytes."""

from __future__ import annotations

import json

import pytest
from faust.types import TP

from pipeline.codec.judge import judge_call_record
from pipeline.codec.provenance import DLQ_ATTEMPT, REDRIVE_ATTEMPT, REDRIVE_FROM
from pipeline.domain.alert import Alert, AlertStatus
from pipeline.domain.alert_scope import Scope
from pipeline.domain.events import Rejected
from pipeline.domain.fold import PartitionFold
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.domain.outbox import Outbox
from pipeline.domain.queue_state import QueueState
from pipeline.streams import outgoing
from tests.factories import NOON, an_event, history
from tests.unit.streams.live import INPUT, Record, a_record

AWKWARD = ["50 % off", '"quoted"', "back\\slash", "a%db%%", "售后/双11", "line\nbreak", ""]


@pytest.mark.parametrize("name", AWKWARD)
def test_names_with_percent_signs_and_quotes_come_through_the_templates(name: str) -> None:
    queue = QueueState(name, name, name, history())
    sparse = [0] * (len(KPI_FIELDS["service-level"]) - 13)
    sparse[2], sparse[-1] = 5, 6
    box = Outbox(
        panes={
            (queue, 0, NOON): [*range(13), *sparse],
            (queue, 2, NOON): [7, 8, 9, 0, 0, 0, 0, 0],
        }
    )
    templates = outgoing.PaneTemplates(3, "abc%d")
    for _ in range(2):  # the second time from the cache
        levels, times, signals = outgoing.pane_upserts(box, 42, templates)
    assert times == []
    ((key, value, headers),) = levels
    assert (key, headers) == (f"{name}/{name}/{name}/{NOON}".encode(), [])
    assert json.loads(value) == {
        "v": 1,
        "client": name,
        "site": name,
        "queue": name,
        "partition": 3,
        "config_hash": "abc%d",
        "pane_start_ms": NOON,
        "revision": 42,
        **dict(zip(KPI_FIELDS["service-level"][:13], range(13), strict=True)),
        "refused_closed": 5,
        "wait_1024": 6,
    }
    found = json.loads(signals[0][1])
    assert [found[field] for field in ("complaints", "transfers", "long_holds")] == [7, 8, 9]
    assert "transfers_blind" not in found


def test_each_kpi_has_its_topic_in_the_order_of_the_vectors() -> None:
    assert outgoing.KPI_TOPICS == ("kpi.service-level", "kpi.handle-time", "kpi.complaint-signals")


def test_upserts_are_of_the_counts_at_the_time_of_writing() -> None:
    queue = QueueState("acme", "", "service", history())
    counts = [0] * len(KPI_FIELDS["complaint-signals"])
    box = Outbox(panes={(queue, 2, NOON): counts})
    counts[1] = 5
    (_, value, _) = outgoing.pane_upserts(box, 1, outgoing.PaneTemplates(0, ""))[2][0]
    assert json.loads(value)["transfers"] == 5


FIFTH = TP(INPUT, 5)


def side_outputs(*records: Record) -> Outbox:
    fold = PartitionFold(history)
    fold.fold((r.offset, r.timestamp, judge_call_record(r.key, r.value)) for r in records)
    return fold.take_outbox()


def connect(topic: str, offset: int, stage: str, reason: str, message: str) -> dict[str, str]:
    return {
        "__connect.errors.topic": topic,
        "__connect.errors.partition": "5",
        "__connect.errors.offset": str(offset),
        "__connect.errors.stage": stage,
        "__connect.errors.exception.class.name": reason,
        "__connect.errors.exception.message": message,
        "dlq.reason": reason,
        "dlq.app": "vane-worker",
    }


def texts(headers: list[tuple[str, bytes]]) -> dict[str, str]:
    assert len({name for name, _ in headers}) == len(headers)
    return {name: value.decode() for name, value in headers}


def test_a_dead_letter_keeps_key_and_bytes_and_says_where_it_came_from_and_why() -> None:
    record = a_record(7, value=b"\xff{", partition=5)
    rejected = judge_call_record(record.key, record.value)
    assert isinstance(rejected, Rejected)
    box = Outbox(rejected=[(7, rejected)])
    ((key, value, headers),) = outgoing.rejected_records(box, [a_record(0), record], FIFTH)
    assert (key, value) == (b"acme", b"\xff{")
    found = texts(headers)
    assert found == connect(INPUT, 7, "decode", "malformed_json", rejected.message)


def test_a_dead_letter_without_a_value_is_empty_bytes_not_a_tombstone() -> None:
    record = a_record(0, value=b"")
    object.__setattr__(record, "value", None)
    box = side_outputs(record)
    ((_, value, headers),) = outgoing.rejected_records(box, [record], FIFTH)
    assert value == b""
    assert texts(headers)["dlq.reason"] == "malformed_json"


def test_a_quarantined_record_names_both_stamps_and_the_source() -> None:
    record = a_record(0, an_event("queued", 5_001), appended=NOON, partition=5)
    ((key, value, headers),) = outgoing.quarantined_records(side_outputs(record), [record], FIFTH)
    assert (key, value) == (record.key, record.value)
    message = (
        f"occurred_at_ms {NOON + 5_001} is 5001 ms ahead of the broker's append time {NOON}; "
        "check the clock of source 'acd'"
    )
    assert texts(headers) == connect(INPUT, 0, "admit", "clock_ahead", message)


def test_a_late_record_says_what_it_was_late_for() -> None:
    now = 3 * 3_600_000
    first = a_record(0, an_event("queued", now), partition=5)
    late = a_record(1, an_event("queued", 0), appended=NOON + now, partition=5)
    ((key, value, headers),) = outgoing.late_records(
        side_outputs(first, late), [first, late], FIFTH
    )
    assert (key, value) == (late.key, late.value)
    message = f"occurred_at_ms {NOON} of source 'acd'"
    assert texts(headers) == connect(INPUT, 1, "admit", "behind_watermark", message)


def test_progress_says_how_far_and_how_every_record_ended() -> None:
    fold = PartitionFold(history, first_offset=4)
    fold.fold([(4, NOON, an_event("queued")), (5, NOON, an_event("queued"))])
    key, value, headers = outgoing.progress(fold, 6, "hash")
    assert (key, headers) == (b"6", [])
    assert json.loads(value) == {
        "v": 1,
        "partition": 6,
        "first_offset": 4,
        "next_offset": 6,
        "watermark_ms": NOON,
        "accepted": 1,
        "duplicate": 1,
        "late": 0,
        "rejected": 0,
        "quarantined": 0,
        "config_hash": "hash",
    }


def test_an_alert_is_keyed_by_queue_and_rule() -> None:
    alert = Alert(
        alert_id="ab",
        status=AlertStatus.FIRING,
        rule="drop",
        rule_version="1",
        severity="page",
        runbook="docs/runbooks/drop.md",
        client="acme",
        site="north",
        queue="service",
        at_ms=NOON,
        window_ms=300_000,
        offered=20,
        answered_within=3,
        goal_permille=800,
        kind="margin",
        kpi="service_level",
        scope=Scope.QUEUE,
        unit="permille",
        value=150,
        threshold=700,
        day_counted=90,
        day_good=60,
        month_counted=900,
        month_good=800,
    )
    key, value, headers = outgoing.alert_record(alert, revision=9, partition=2)
    assert (key, headers) == (b"acme/north/service/drop", [])
    found = json.loads(value)
    assert (found["v"], found["status"], found["revision"], found["partition"]) == (
        1,
        "firing",
        9,
        2,
    )
    assert (found["alert_id"], found["offered"], found["answered_within"]) == ("ab", 20, 3)
    assert (found["value"], found["threshold"], found["day_good"]) == (150, 700, 60)
    assert "long_offered" not in found  # what a rule does not have is not said


@pytest.mark.parametrize(
    ("given", "attempt"),
    [
        ((), None),
        (((REDRIVE_FROM, b"acd.events.dlq/0/1"), (REDRIVE_ATTEMPT, b"2")), "2"),
        (((REDRIVE_ATTEMPT, b"2"), (REDRIVE_ATTEMPT, b"0")), "2"),
    ],
)
def test_how_often_a_record_was_sent_again_goes_along(
    given: tuple[tuple[str, bytes], ...], attempt: str | None
) -> None:
    record = a_record(0, value=b"{")
    object.__setattr__(record, "headers", given)
    ((_, _, headers),) = outgoing.rejected_records(side_outputs(record), [record], FIFTH)
    assert texts(headers).get(DLQ_ATTEMPT) == attempt
