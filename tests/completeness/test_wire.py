"""What the worker and the ingest really write is what ``schemas/`` says."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TypeAlias

import msgspec
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from pipeline.alerting.episodes import Due
from pipeline.alerting.recovery import Answer, NoPlan, RecoveryStep
from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import TOPICS
from pipeline.codec.judge import judge_call_record
from pipeline.codec.provenance import REDRIVE_ATTEMPT
from pipeline.codec.risk_record import encode_risk
from pipeline.config_files import load_alert_rules, load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.alert import AlertStatus
from pipeline.domain.events import CallEvent, Rejected
from pipeline.domain.fold import PartitionFold
from pipeline.domain.outbox import Outbox
from pipeline.domain.risk_fold import LiveRisk, RiskFold
from pipeline.domain.watermark import GRACE_MS
from pipeline.ingest.framed import MOST_BYTES
from pipeline.ingest.message import Place, Route, dead_letter
from pipeline.streams import outgoing, outlooks
from pipeline.streams.publisher import Outgoing
from tests.completeness.registry import ROOT, Json, errors, topics, with_schema
from tests.factories import NOON, an_event

CONFIG = ROOT / "config"
LEGS = 30
Row: TypeAlias = ConsumerRecord[bytes, bytes]


def log() -> list[CallEvent]:
    """Return a bad quarter of an hour: a call with everything, then thirty abandons."""
    events = [
        an_event("queued"),
        an_event("offered", 1_000),
        an_event("answered", 3_000),
        an_event("hold_started", 10_000),
        an_event("hold_ended", 200_000),
        an_event("transferred", 210_000),
        an_event("ended", 220_000),
        an_event("complaint_flagged", 230_000),
    ]
    for i in range(LEGS):
        contact = f"abandoning-{i}"
        events.append(an_event("queued", 300_000 + i, contact_id=contact))
        events.append(an_event("abandoned", 330_000 + i, contact_id=contact))
    return [
        *sorted(events, key=lambda e: e.occurred_at_ms),
        an_event("queued", 700_000, contact_id="later", queue="100 % sales"),
        an_event("queued", 700_000 + GRACE_MS + 60_000, contact_id="much-later"),
        an_event("queued", 1, contact_id="late"),
    ]


def row(offset: int, event: CallEvent | bytes, appended_at_ms: int) -> Row:
    """Return the record of the input topic that holds an event."""
    value = event if isinstance(event, bytes) else encode(event)
    return ConsumerRecord(
        topic="t.acd.events",
        partition=2,
        offset=offset,
        timestamp=appended_at_ms,
        timestamp_type=1,
        key=b"acme",
        value=value,
        checksum=None,
        serialized_key_size=4,
        serialized_value_size=len(value),
        headers=((REDRIVE_ATTEMPT, b"1"),),  # so that what is refused has all headers
    )


def folded() -> tuple[PartitionFold, Outbox, list[Row], str]:
    """Fold the log, a bad record and one from the future; return what came of it."""
    targets, rules = load_targets(CONFIG / "queues.yaml"), load_alert_rules(CONFIG / "alerts.yaml")
    rows = [row(i, event, event.occurred_at_ms) for i, event in enumerate(log())]
    rows.append(row(len(rows), b"{", NOON))
    rows.append(row(len(rows), an_event("queued", 60_000, contact_id="ahead"), NOON))
    fold = PartitionFold(targets.history, rules.rules)
    fold.fold((r.offset, r.timestamp, judge_call_record(r.key, r.value)) for r in rows)
    version = f"{targets.version[:8]}{rules.version[:8]}"
    return fold, fold.take_outbox(), rows, version


def risks() -> list[LiveRisk]:
    """Return what a wind vane would tell of the log."""
    targets, vane = load_targets(CONFIG / "queues.yaml"), load_wind_vane(CONFIG / "wind_vane.yaml")
    fold = RiskFold(targets.history, vane.history, longest_window_ms=0)
    for event in log():
        fold.take(event, tells=True)
    return fold.changed()


def produced() -> dict[str, list[Outgoing]]:
    """Return what the worker would publish, by topic."""
    fold, box, rows, version = folded()
    found: dict[str, list[Outgoing]] = defaultdict(list)
    upserts = outgoing.pane_upserts(box, fold.next_offset, outgoing.PaneTemplates(2, version))
    found.update(zip(outgoing.KPI_TOPICS, upserts, strict=True))
    found["kpi.progress"] = [outgoing.progress(fold, 2, version)]
    found["kpi.alerts"] = [
        outgoing.alert_record(alert, revision=fold.next_offset, partition=2) for alert in box.alerts
    ]
    (alert, *_) = box.alerts
    due = Due(msgspec.to_builtins(alert), AlertStatus.FIRING, alert.at_ms, 0)
    missing = Answer(reason=NoPlan.NO_FORECAST, message="no forecast")
    step = RecoveryStep(
        at_ms=NOON,
        source="people",
        change=3,
        people=3,
        agents_milli=3000,
        level_permille=None,
        likely_permille=960,
    )
    found["kpi.recovery"] = [
        outlooks.record_of(due, answer, 2) for answer in (missing, Answer(steps=(step,)))
    ]
    found["kpi.risk"] = [(*encode_risk(risk), []) for risk in risks()]
    found["acd.events.dlq"] = list(outgoing.rejected_records(box, rows, TP(rows[0].topic, 2)))
    found["acd.late"] = list(outgoing.late_records(box, rows, TP(rows[0].topic, 2)))
    found["acd.quarantine"] = list(outgoing.quarantined_records(box, rows, TP(rows[0].topic, 2)))
    return found


def stated_headers(topic: str) -> set[str]:
    """Return the names of the headers in a topic's file."""
    return {header["name"] for header in topics()[topic]["headers"]}


def test_every_record_the_worker_makes_passes_its_schema() -> None:
    made = produced()
    of_files = {"acd.events", "acd.agent-states", *TOPICS.values()}
    for topic in set(with_schema()) - of_files:
        assert made[topic], topic
        for _, value, _ in made[topic]:
            record: Json = json.loads(value)
            assert [e.message for e in errors(topic, record)] == [], (topic, record)


def test_keys_are_what_the_topic_files_say() -> None:
    made = produced()
    for topic in outgoing.KPI_TOPICS:
        for key, value, _ in made[topic]:
            record = json.loads(value)
            names = ("client", "site", "queue", "pane_start_ms")
            assert key == "/".join(str(record[name]) for name in names).encode()
            assert topics()[topic]["key"].startswith("/".join(names))
    for key, _, _ in made["kpi.progress"]:
        assert key == b"2"
    for key, value, _ in made["kpi.risk"]:
        record = json.loads(value)
        assert key == f"{record['client']}/{record['contact_id']}".encode()
        assert topics()["kpi.risk"]["key"].startswith("client/contact_id")
    for key, value, _ in made["kpi.alerts"]:
        record = json.loads(value)
        names = ("client", "site", "queue", "rule")
        assert topics()["kpi.alerts"]["key"] == "/".join(names)
        assert key == "/".join(record[name] for name in names).encode()
    for key, value, _ in made["kpi.recovery"]:
        record = json.loads(value)
        assert topics()["kpi.recovery"]["key"].startswith("alert_id/at_ms;")
        assert key == f"{record['alert_id']}/{record['at_ms']}".encode()


def test_original_bytes_travel_with_the_headers_stated() -> None:
    made = produced()
    for topic in ("acd.late", "acd.quarantine"):
        ((key, _, headers),) = made[topic]
        assert key == b"acme"
        assert {name for name, _ in headers} == stated_headers(topic)
    ((_, value, headers),) = made["acd.events.dlq"]
    assert value == b"{"
    assert {name for name, _ in headers} < stated_headers("acd.events.dlq")


def test_reason_codes_of_live_side_headers_are_in_the_topic_files() -> None:
    for topic in ("acd.events.dlq", "acd.late", "acd.quarantine"):
        text = str(topics()[topic]["headers"])
        for _, _, headers in produced()[topic]:
            assert dict(headers)["dlq.reason"].decode() in text


def test_dead_letters_of_the_ingest_have_the_headers_stated() -> None:
    route = Route("acd.events", "acd.events.dlq")
    row_of_a_file = Rejected(reason="bad_value", message="leg", raw=bytes(MOST_BYTES + 1))
    letter = dead_letter(route, row_of_a_file, Place("a.txt", 3, 40), key=b"key")
    ((_, _, worker),) = produced()["acd.events.dlq"]
    names = {name for name, _ in [*letter.headers, *worker]}
    assert names == stated_headers("acd.events.dlq")


def test_encoded_events_pass_their_schema() -> None:
    for event in log():
        assert errors("acd.events", json.loads(encode(event))) == []
