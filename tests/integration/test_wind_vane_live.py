"""Scores as they happen, on a real broker: what is told ends as what all records say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from kafka import KafkaProducer

from pipeline.batch import land as lander
from pipeline.batch import risk_live
from pipeline.broker.log import describe
from pipeline.codec.decode import decode_call_event
from pipeline.codec.encode import encode
from pipeline.codec.fact_record import decode_fact
from pipeline.config_files import load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.events import routing_domain
from pipeline.domain.fact import FactKind
from pipeline.domain.risk_fold import RiskFold
from pipeline.errors import StateLost, TerminalError
from pipeline.settings import Settings
from pipeline.simulator.canonical import call_records
from pipeline.simulator.complaints import Complainers
from pipeline.simulator.floor import simulate_day
from pipeline.simulator.plan import Order, Scenario
from tests.integration import live
from tests.integration.command import vane

pytestmark = pytest.mark.integration
ORDER = Order(
    scenario=Scenario.NORMAL_MONTH, seed=4, year=2025, month=11, scale=0.05, first_day=10, days=2
)
Row = tuple[str, bytes, bytes]
"""Topic, key, value."""


def records() -> list[Row]:
    """Return two days' events and complaint cases, and one of each kind that is refused."""
    found: list[Row] = []
    complainers = Complainers()
    for day in ORDER.dates():
        for plan in ORDER.plans(day):
            floor_day = simulate_day(plan)
            key = routing_domain(plan.client.name, plan.site).encode()
            lines = sorted(call_records(plan, floor_day))
            found += [(risk_live.EVENTS, key, line.encode()) for _, line in lines]
            found += [
                (risk_live.CASES, key, encode(case)) for case in complainers.after(plan, floor_day)
            ]
    found.append((risk_live.EVENTS, b"meridian/sh", b"{"))
    found.append((risk_live.CASES, b"meridian/sh", b"{"))
    return found


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = records()
    assert len(found) > 3_000
    return found


@pytest.fixture
def producer(settings: Settings) -> Iterator[KafkaProducer]:
    found = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    yield found
    found.close()


def send(producer: KafkaProducer, settings: Settings, rows: list[Row]) -> None:
    for topic, key, value in rows:
        producer.send(settings.topic(topic), value, key=key)
    producer.flush()


def table(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the newest record of each key."""
    return {
        record.key.decode(): json.loads(record.value)
        for record in live.read_topic(settings, risk_live.RISK)
    }


def expected(settings: Settings, rows: list[Row]) -> dict[str, tuple[int, str]]:
    """Return score and reasons of each contact by one undisturbed fold."""
    fold = RiskFold(
        load_targets(settings.config_dir / "queues.yaml").history,
        load_wind_vane(settings.config_dir / "wind_vane.yaml").history,
        longest_window_ms=7 * 86_400_000,
    )
    for topic, _, value in rows:
        record: Any
        if value == b"{":
            continue
        if topic == risk_live.EVENTS:
            record = decode_call_event(value)
            fold.take(record, tells=True)
        else:
            record = decode_fact(FactKind.COMPLAINTS, value)
            fold.take_case(record, tells=True)
    return {
        f"{risk.client}/{risk.contact_id}": (risk.risk_milli, risk.reasons)
        for risk in fold.changed()
    }


def shown(settings: Settings) -> dict[str, tuple[int, str]]:
    return {key: (row["risk_milli"], row["reasons"]) for key, row in table(settings).items()}


def test_what_is_told_is_what_all_records_say_whatever_was_landed_and_killed(
    settings: Settings, producer: KafkaProducer, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    third = len(rows) // 3
    send(producer, settings, rows[:third])
    first = risk_live.Told()
    risk_live.tell(settings, first, until_end=True)
    assert first.landed == 0
    assert shown(settings) == expected(settings, rows[:third])

    lander.land(settings, [risk_live.EVENTS, risk_live.CASES])
    send(producer, settings, rows[third : 2 * third])
    with monkeypatch.context() as crash:  # told, and killed before the offsets are committed
        commits = 0

        async def commit(_self: object, _positions: object) -> None:
            nonlocal commits
            commits += 1
            if commits > 1:
                raise RuntimeError("killed")

        crash.setattr(AIOKafkaConsumer, "commit", commit)
        with pytest.raises(RuntimeError, match="killed"):
            risk_live.tell(settings, risk_live.Told(), until_end=True)
    lander.land(settings, [risk_live.EVENTS, risk_live.CASES])
    send(producer, settings, rows[2 * third :])
    last = risk_live.Told()
    risk_live.tell(settings, last, until_end=True)
    assert last.landed > third
    assert (last.rejected, last.late, last.quarantined) == (2, 0, 0)
    assert shown(settings) == expected(settings, rows)

    again = risk_live.Told()
    risk_live.tell(settings, again, until_end=True)
    assert again.scores == 0
    before = len(live.read_topic(settings, risk_live.RISK))
    anew = risk_live.Told()
    risk_live.tell(settings, anew, until_end=True, anew=True)
    assert anew.scores >= len(expected(settings, rows))
    assert len(live.read_topic(settings, risk_live.RISK)) == before + anew.scores
    assert shown(settings) == expected(settings, rows)


def test_the_command_says_what_it_read(settings: Settings, producer: KafkaProducer) -> None:
    done = vane(
        "wind-vane",
        "follow",
        "--until-end",
        home=settings.home,
        VANE_BOOTSTRAP=settings.bootstrap,
        VANE_TOPIC_PREFIX=settings.topic_prefix,
    )
    assert done.returncode == 0, done.stderr
    assert "0 landed records, 0 events and 0 cases read" in done.stderr


def test_one_at_a_time(settings: Settings) -> None:
    with (
        risk_live.one_at_a_time(settings.home),
        pytest.raises(TerminalError, match="one per deployment"),
        risk_live.one_at_a_time(settings.home),
    ):
        raise AssertionError


def test_a_log_that_does_not_go_on_where_landing_ended_is_refused(
    settings: Settings, producer: KafkaProducer, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(producer, settings, rows[:10])
    lander.land(settings, [risk_live.EVENTS])
    described = describe

    def recreated(*arguments: Any) -> Any:
        return [replace(log, topic_id="x") for log in described(*arguments)]

    monkeypatch.setattr(risk_live, "describe", recreated)
    with pytest.raises(StateLost, match="of topic id"):
        risk_live.tell(settings, risk_live.Told(), until_end=True)
