"""Dead letters on a real broker: a worker refuses, a person mends, a redrive counts them once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaProducer

from pipeline.broker.admin import admin
from pipeline.broker.topics import apply_topics
from pipeline.codec.encode import encode
from pipeline.dead_letters import redrive as redriving
from pipeline.dead_letters.redrive import Redriven, redrive
from pipeline.dead_letters.selection import Selection
from pipeline.dead_letters.verdict import Hold, Rekey
from pipeline.domain.events import CallEvent, Rejected
from pipeline.ingest.message import Place, Route, dead_letter
from pipeline.ingest.produce import partition_of
from pipeline.settings import PROJECT_ROOT, Settings
from tests.factories import NOON, an_event
from tests.integration import command, live
from tests.integration.test_worker import headers, record

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ENDS = ("accepted", "duplicate", "late", "rejected", "quarantined")
ACME = partition_of(b"acme", live.PARTITIONS)
ELSEWHERE = (ACME + 1) % live.PARTITIONS


def older_worker(settings: Settings) -> live.Worker:
    return live.Worker(settings, module="tests.integration.older_worker")


def queued(contact: str, **fields: Any) -> CallEvent:
    return an_event("queued", contact_id=contact, **fields)


NEWER = {
    "unknown_type": an_event("callback_requested", contact_id="calls back"),
    "unknown_field": queued("is known", customer_ref="ref_0123456789abcdef01234567"),
    "bad_value": queued("far along", leg=10),
    "too_large": queued("x" * 2_000),
}
"""What the older release refuses and this one takes, by the reason that the older one gives."""
LAST = an_event("queued", 60_000, contact_id="last")
"""By which the others have waited past the threshold, and are counted."""
GOOD = encode(queued("good"))
POISON = {
    "malformed_json": b'{"v":1, \xff',
    "not_an_object": b"[1]",
    "schema_version": GOOD.replace(b'"v":1', b'"v":2'),
    "missing_field": GOOD.replace(b'"queue":"service",', b""),
    "wrong_type": GOOD.replace(b'"leg":1', b'"leg":"1"'),
}
"""What no release takes, by reason."""


def fold_all(worker: live.Worker, settings: Settings) -> Counter[str]:
    """Let a worker fold the whole log and stop; return how its records ended."""
    size = live.log_size(settings)
    try:
        worker.wait_for(lambda w: w.folded() >= size)
        status = worker.status()
        assert worker.stop() == 0
    finally:
        if worker.process.poll() is None:
            worker.kill()
    assert status is not None
    ends = Counter({end: sum(p[end] for p in status["partitions"]) for end in ENDS})
    assert ends.total() == size == live.log_size(settings)
    return ends


def listed(settings: Settings, *options: str) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for line in live.vane(settings, "dlq", "list", "--json", *options).splitlines()
    ]


def run(settings: Settings, topic: str = "acd.events.dlq", **options: Any) -> Redriven:
    meant = Selection(topic=topic)
    return redrive(settings, meant, report=lambda _read, _all: None, **options)


def put(
    settings: Settings, topic: str, letter: tuple[bytes, bytes, Sequence[tuple[str, bytes]]]
) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    key, value, given = letter
    producer.send(settings.topic(topic), value, key=key, headers=list(given), partition=0)
    producer.close()


def test_poison_is_listed_mended_and_redriven_and_counted_once(settings: Settings) -> None:
    refused = [(b"acme", raw) for raw in POISON.values()] + [record(e) for e in NEWER.values()]
    live.send(settings, [record(queued("first")), *refused, record(LAST)], partition=ACME)
    live.send(settings, [(b"wrong", encode(queued("astray")))], partition=ELSEWHERE)
    ends = fold_all(older_worker(settings), settings)
    assert (ends["accepted"], ends["rejected"]) == (2, 10)

    found = listed(settings)
    assert Counter(f["reason"] for f in found) == Counter([*POISON, *NEWER, "bad_key"])
    assert {f["from_offset"] for f in found if f["from_partition"] == ACME} == set(range(1, 10))
    assert {f["redriven_to"] for f in found} == {None}
    assert len(listed(settings, "--reason", "bad_key", "--reason", "too_large")) == 2
    said = live.vane(settings, "dlq", "list", "--limit", "3")
    assert "newest 3 of 10" in said

    size = live.log_size(settings)
    said = live.vane(settings, "dlq", "redrive", "--dry-run")
    assert "would be sent: too_large" in said
    assert live.log_size(settings) == size
    said = live.vane(settings, "dlq", "redrive")
    assert "(still_wrong)" in said
    assert "expected 'acme', got b'wrong'; --rekey client or" in said
    assert live.log_size(settings) == size + len(NEWER)
    live.vane(settings, "dlq", "redrive", "--reason", "bad_key", "--rekey", "client")
    assert live.log_size(settings) == size + len(NEWER) + 1

    sent = [r for r in live.read_topic(settings, "acd.events") if r.headers]
    assert sorted(r.value for r in sent) == sorted(map(encode, [*NEWER.values(), queued("astray")]))
    assert {(r.key, r.partition) for r in sent} == {(b"acme", ACME)}
    places = {f["reason"]: f"{f['topic']}/{f['partition']}/{f['offset']}" for f in found}
    assert {headers(r)["redrive.from"] for r in sent} == {places[x] for x in [*NEWER, "bad_key"]}
    assert {headers(r)["redrive.attempt"] for r in sent} == {"1"}

    again = live.vane(settings, "dlq", "redrive", "--rekey", "client")
    assert "(already_redriven)" in again
    assert run(settings, rekey=Rekey.CLIENT).sent == {}
    assert live.log_size(settings) == size + len(NEWER) + 1  # twice redriven is sent once
    redriven = {f["reason"] for f in listed(settings) if f["redriven_to"] is not None}
    assert redriven == {*NEWER, "bad_key"}

    ends = fold_all(live.Worker(settings), settings)
    assert ends == Counter(accepted=2 + 5, rejected=10)
    panes = live.live_panes(settings)
    assert panes == live.clean_fold(settings).panes
    assert panes["service-level", "acme//service", NOON]["waiting_over"] == 5
    assert len(live.read_topic(settings, "acd.events.dlq")) == 10


def test_an_event_of_the_future_is_redriven_when_its_time_has_come(settings: Settings) -> None:
    ahead_ms = round(time.time() * 1000) + 20_000
    live.send(settings, [record(queued("ahead", occurred_at_ms=ahead_ms))], partition=ACME)
    worker = live.Worker(settings)
    try:
        worker.wait_for(lambda w: w.folded() == 1)
        done = run(settings, topic="acd.quarantine")
        assert (done.sent.total(), dict(done.held)) == (0, {Hold.NOT_DUE: 1})
        assert live.log_size(settings) == 1
        time.sleep(max(0.0, ahead_ms / 1000 - time.time()))
        assert run(settings, topic="acd.quarantine").sent == {"clock_ahead": 1}
        assert run(settings, topic="acd.quarantine").held == {Hold.REDRIVEN: 1}
    finally:
        ends = fold_all(worker, settings)
    assert ends == Counter(quarantined=1, accepted=1)


def test_what_comes_back_is_counted_and_not_redriven_for_ever(settings: Settings) -> None:
    live.send(settings, [(b"acme", b"{")], partition=ACME)
    worker = live.Worker(settings)
    try:
        for attempt in range(1, 4):
            worker.wait_for(lambda w: w.folded() == live.log_size(settings))
            assert run(settings, force=True).sent == {"malformed_json": 1}
            assert live.log_size(settings) == 1 + attempt
        worker.wait_for(lambda w: w.folded() == 4)
        said = live.vane(settings, "dlq", "redrive", "--force")
        assert "too_many_attempts: sent again 3 times and come back; at most 3" in said
        assert live.log_size(settings) == 4
    finally:
        ends = fold_all(worker, settings)
    assert ends == Counter(rejected=4)
    assert [f["attempt"] for f in listed(settings)] == [0, 1, 2, 3]


def dead_bad_value(settings: Settings) -> Any:
    """Bring an event that this release takes among the dead letters; return its event."""
    event = NEWER["bad_value"]
    live.send(settings, [record(event)], partition=ACME)
    assert fold_all(older_worker(settings), settings) == Counter(rejected=1)
    return event


def test_killed_between_sending_and_marking_it_sends_again_and_the_worker_counts_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redrive that forgets its marks is also what must be noticed: it sends twice."""
    dead_bad_value(settings)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(redriving, "_mark", killed)
        with pytest.raises(KeyboardInterrupt):
            run(settings)
    assert live.log_size(settings) == 2
    with monkeypatch.context() as patch:
        patch.setattr(redriving, "_mark", lambda *_: None)
        assert run(settings).sent == {"bad_value": 1}
    assert live.log_size(settings) == 3
    assert run(settings).sent == {"bad_value": 1}
    assert run(settings).held == {Hold.REDRIVEN: 1}
    assert live.log_size(settings) == 4
    ends = fold_all(live.Worker(settings), settings)
    assert ends == Counter(rejected=1, accepted=1, duplicate=2)


def test_marks_are_of_a_topic_not_of_its_name(settings: Settings) -> None:
    dead_bad_value(settings)
    assert run(settings).sent == {"bad_value": 1}
    (letter,) = live.read_topic(settings, "acd.events.dlq")
    with admin(settings.bootstrap) as client:
        client.delete_topics([settings.topic("acd.events.dlq")])
    folder = PROJECT_ROOT / "schemas" / "topics"
    deadline = time.monotonic() + 60
    while not apply_topics(settings.bootstrap, folder, prefix=settings.topic_prefix).created:
        assert time.monotonic() < deadline
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    given = {"key": letter.key, "headers": list(letter.headers), "partition": letter.partition}
    producer.send(letter.topic, letter.value, **given)
    producer.close()
    (again,) = live.read_topic(settings, "acd.events.dlq")
    assert (again.partition, again.offset) == (letter.partition, letter.offset)
    assert run(settings).sent == {"bad_value": 1}


def test_what_cannot_be_sent_as_it_is_is_held_and_told_why(settings: Settings) -> None:
    route = Route(settings.topic("acd.events"), settings.topic("acd.events.dlq"))
    row = Rejected(reason="bad_row", message="expected 11 fields, got 2", raw=b"a,+49 30 1234567")
    ingested = dead_letter(route, row, Place("calls.csv", 3, 40), key=settings.customer_key)
    put(settings, "acd.events.dlq", (b"", ingested.value, ingested.headers))
    put(settings, "acd.events.dlq", (b"acme", GOOD, [("who", b"\xff")]))
    origin = [
        ("__connect.errors.topic", b"others.acd.events"),
        ("__connect.errors.partition", b"0"),
        ("__connect.errors.offset", b"0"),
    ]
    put(settings, "acd.events.dlq", (b"acme", GOOD, origin))
    put(settings, "acd.late", (b"acme", GOOD, origin))
    said = live.vane(settings, "dlq", "redrive", "--force")
    assert "0:0 row_of_a_file: calls.csv:3: numbers in it are hidden" in said
    assert "got others.acd.events/0/0" in said
    done = run(settings)
    assert (done.sent, done.held) == ({}, {Hold.ROW: 1, Hold.FOREIGN: 2})
    assert run(settings, topic="acd.late").held == {Hold.LATE: 1}
    assert live.log_size(settings) == 0
    shown = live.vane(settings, "dlq", "show", "0:0")
    assert "run vane ingest again" in shown
    assert "1234567" not in shown


def test_one_letter_is_shown_in_words_and_a_number_in_it_is_hidden(settings: Settings) -> None:
    value = GOOD.replace(b'"v":1', b'"phone":"+49 30 1234567","v":1') + b"\xff\x1b[31m"
    live.send(settings, [(b"\xfekey", value)], partition=ACME)
    fold_all(live.Worker(settings), settings)
    (found,) = listed(settings)
    place = f"{found['partition']}:{found['offset']}"
    shown = live.vane(settings, "dlq", "show", place)
    assert "malformed_json: the value is no JSON in UTF-8" in shown
    assert "key:      \\xfekey" in shown
    assert "\\xff\\x1b[31m" in shown
    assert "1234567" not in shown
    assert "ref_" in shown
    done = command.vane(
        *("dlq", "show", f"{found['partition']}:7"),
        home=settings.home,
        VANE_BOOTSTRAP=settings.bootstrap,
        VANE_TOPIC_PREFIX=settings.topic_prefix,
    )
    assert done.returncode == 1
    assert "from 0 to 0, got 7" in done.stderr


def test_nothing_there_is_said(settings: Settings) -> None:
    assert "no such dead letters" in live.vane(settings, "dlq", "list")
    assert "nothing to send" in live.vane(settings, "dlq", "redrive", "--reason", "bad_key")
    without = replace(settings, topic_prefix="nobodys.")
    done = command.vane(
        "dlq", "list", home=without.home, VANE_BOOTSTRAP=without.bootstrap, VANE_TOPIC_PREFIX="no."
    )
    assert done.stderr.startswith("vane: expected the topic 'no.acd.events.dlq' to exist")
