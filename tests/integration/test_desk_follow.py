"""``vane desk follow``: every alert of the log is in the store exactly once, whoever is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.structs import TopicPartition
from sqlalchemy import Engine, func, select

from pipeline.broker.admin import admin
from pipeline.desk import follow as module
from pipeline.desk.follow import COUNTS, follow
from pipeline.desk.migrate import migrate
from pipeline.desk.perform import perform
from pipeline.desk.store import engine_of, open_store, reading
from pipeline.desk.tables import alerts, audit, log_offsets
from pipeline.desk.verify import verify
from pipeline.errors import InputError, SchemaMismatch, StateLost, TerminalError
from pipeline.settings import PROJECT_ROOT, Settings
from tests import postgres
from tests.desk.records import a_command, a_word, line
from tests.integration.live import environment, vane

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
BOTH = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as found:
        yield found


@contextmanager
def deployed(settings: Settings, kind: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Yield settings of a deployment with a store of a kind."""
    if kind == "postgresql":
        found: postgres.Server = request.getfixturevalue("server")
        url = found.create(f"desk_{settings.topic_prefix[-9:-1]}")
        settings = replace(settings, desk_url=url, desk_password=postgres.PASSWORD)
    with store_of(settings) as engine:
        migrate(engine)
    yield settings


@contextmanager
def store_of(settings: Settings) -> Iterator[Engine]:
    engine = engine_of(settings.desk_address, settings.desk_password)
    try:
        yield engine
    finally:
        engine.dispose()


def say(settings: Settings, values: Sequence[bytes], *, partition: int) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    for value in values:
        producer.send(settings.topic("kpi.alerts"), value, key=b"k", partition=partition)
    producer.flush()
    producer.close()


def a_month(settings: Settings, episodes: int) -> None:
    """Tell of alerts that fire and end, per partition a queue of its own; some words twice."""
    for partition in range(4):
        own = {"queue": f"q{partition}"}
        said = []
        for number in range(episodes):
            first = 2 * number + 1_000_000 * partition + 1
            said += [a_word(first, **own), a_word(first + 1, "resolved", **own)]
            if number % 10 == 0:
                said += said[-2:]
        say(settings, [line(word) for word in said], partition=partition)


def read(settings: Settings, **how: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    with store_of(settings) as store:
        follow(
            settings,
            store,
            once=True,
            counts=counts,
            report=lambda _read, _total: None,
            **how,
        )
    return counts


def states(settings: Settings) -> dict[str, int]:
    """Return how many alerts are in each state; the trail and the offsets have to fit."""
    with store_of(settings) as store, reading(store) as con:
        rows = con.execute(select(alerts.c.state, func.count()).group_by(alerts.c.state)).all()
        entries = con.execute(select(func.count()).select_from(audit)).scalar_one()
        for row in con.execute(select(log_offsets)).mappings():
            assert sum(row[name] for name in COUNTS) == row["next_offset"] - row["first_offset"]
    with store_of(settings) as store:
        verdict = verify(store, None, lambda _read, _total: None)
    assert (verdict.problems, verdict.seq) == ([], entries)
    return {row[0]: row[1] for row in rows}


@BOTH
def test_all_words_are_read_once_and_the_next_run_goes_on(
    settings: Settings, kind: str, request: pytest.FixtureRequest
) -> None:
    with deployed(settings, kind, request) as here:
        a_month(here, 20)
        assert read(here) == {"fired": 80, "resolved": 80, "repeated": 16}
        assert states(here) == {"resolved": 80}
        assert read(here).total() == 0
        say(here, [line(a_word(9_000_000)), b"no alert"], partition=1)
        assert read(here) == {"fired": 1, "rejected": 1}
        assert states(here) == {"resolved": 80, "open": 1}


def started(settings: Settings, *options: str) -> subprocess.Popen[str]:
    more = {"VANE_DESK_URL": settings.desk_url, "VANE_DESK_PASSWORD": settings.desk_password}
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "desk", "follow", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
        env=environment(settings, **more),
    )


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def offsets(settings: Settings) -> int:
    with store_of(settings) as store, reading(store) as con:
        return con.execute(select(func.sum(log_offsets.c.next_offset))).scalar() or 0


def has_read(settings: Settings, until: int) -> bool:
    return offsets(settings) >= until


@BOTH
def test_killed_at_any_moment_nothing_is_lost_or_doubled(
    settings: Settings, kind: str, request: pytest.FixtureRequest
) -> None:
    with deployed(settings, kind, request) as here:
        a_month(here, 1_000)
        total = 4 * 2_200
        for until in (1, total // 3, 2 * total // 3):
            with started(here) as process:
                try:
                    wait_for(partial(has_read, here, until))
                finally:
                    process.kill()
            assert offsets(here) < total
        counts = read(here)
        assert offsets(here) == total
        assert counts.total() < total
        assert states(here) == {"resolved": 4_000}
        with store_of(here) as store, reading(store) as con:
            (sums,) = con.execute(
                select(*(func.sum(log_offsets.c[name]).label(name) for name in COUNTS))
            ).mappings()
        assert {name: int(count) for name, count in sums.items() if count} == {
            "fired": 4_000,
            "resolved": 4_000,
            "repeated": 800,
        }


def test_it_follows_what_comes_and_stops_when_asked(settings: Settings) -> None:
    vane(settings, "desk", "migrate")
    with started(settings) as process:
        try:
            say(settings, [line(a_word(1))], partition=2)
            wait_for(lambda: offsets(settings) == 1)
            say(settings, [line(a_word(2, "resolved"))], partition=2)
            wait_for(lambda: offsets(settings) == 2)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert out.startswith("2 offsets read: 1 fired, 1 resolved, 0 repeated")
    assert "stopped; the next start goes on here" in err


def test_people_and_the_log_move_the_same_alert_one_after_the_other(settings: Settings) -> None:
    vane(settings, "desk", "migrate")
    say(settings, [line(a_word(1))], partition=0)
    assert "1 fired" in vane(settings, "desk", "follow", "--once")
    with store_of(settings) as store:
        perform(store, a_command("alert", f"{1:032x}", "acknowledge"))
    say(settings, [line(a_word(2, "resolved"))], partition=0)
    read(settings)
    assert states(settings) == {"resolved": 1}
    assert "3 entries, unbroken" in vane(settings, "desk", "verify")


def test_of_two_that_read_at_once_one_stops(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    vane(settings, "desk", "migrate")
    a_month(settings, 3)
    whole: dict[str, Any] = {}

    def overtaken(store: Engine, *arguments: Any, **options: Any) -> Any:
        found = starts(store, *arguments, **options)
        monkeypatch.undo()
        whole.update(read(settings))
        return found

    starts = module._starts
    monkeypatch.setattr(module, "_starts", overtaken)
    with pytest.raises(TerminalError, match=r"kpi.alerts: another vane desk follow reads into"):
        read(settings)
    assert whole == {"fired": 12, "resolved": 12, "repeated": 8}
    assert states(settings) == {"resolved": 12}


def test_offsets_that_are_gone_unread_are_told_and_skipped_only_when_asked(
    settings: Settings,
) -> None:
    vane(settings, "desk", "migrate")
    say(settings, [line(a_word(1))], partition=0)
    read(settings)
    later = [line(a_word(n, queue=f"q{n}")) for n in (2, 3, 4)]
    say(settings, later, partition=0)
    with admin(settings.bootstrap) as client:
        client.delete_records({TopicPartition(settings.topic("kpi.alerts"), 0): 3})
    with pytest.raises(StateLost, match=r"partition 0: offsets 1 to 2 are gone from the log un"):
        read(settings)
    assert offsets(settings) == 1
    assert read(settings, skip_gap=True) == {"fired": 1}
    assert states(settings) == {"open": 2}


def test_a_topic_or_a_store_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    vane(settings, "desk", "migrate")
    with pytest.raises(InputError, match=r"nothing\.kpi\.alerts on the broker; create it with"):
        read(replace(settings, topic_prefix="nothing."))
    with pytest.raises(SchemaMismatch, match="run: vane desk migrate"):
        open_store(f"sqlite:///{tmp_path / 'other.sqlite'}")
