"""Simulated complaint cases: the calls stay the same, and who had cause complains more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.config_files import load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.complaint import Complaint
from pipeline.settings import PROJECT_ROOT
from pipeline.simulator.complaints import Complainers, Grievance, as_sent
from pipeline.simulator.floor import simulate_day
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.risk_days import risk_days
from pipeline.simulator.run import write_canonical

ORDER = Order(
    scenario=Scenario.NORMAL_MONTH, seed=2, year=2025, month=11, scale=0.3, first_day=3, days=2
)
NOTHING = Grievance(0, 0, 0, 0, 0, 0, 0)


def cases(order: Order) -> list[Complaint]:
    complainers = Complainers()
    return [
        case
        for day in order.dates()
        for plan in order.plans(day)
        for case in complainers.after(plan, simulate_day(plan))
    ]


def test_with_complaints_the_calls_are_the_same_to_the_byte(tmp_path: Path) -> None:
    order = replace(ORDER, scale=0.1)
    write_canonical(order, tmp_path / "without", lambda _calls: None)
    write_canonical(replace(order, complaints=True), tmp_path / "with", lambda _calls: None)
    without = {path.name: path.read_bytes() for path in (tmp_path / "without").iterdir()}
    written = {path.name: path.read_bytes() for path in (tmp_path / "with").iterdir()}
    assert set(written) - set(without) == {
        "complaints-harbour.ndjson",
        "complaints-meridian.ndjson",
    }
    assert {name: written[name] for name in without} == without


def test_the_same_order_gives_the_same_cases_and_another_seed_others() -> None:
    assert cases(ORDER) == cases(ORDER)
    assert cases(ORDER) != cases(replace(ORDER, seed=3))


def test_a_case_is_of_a_caller_of_the_day_and_comes_after_the_call() -> None:
    found = cases(ORDER)
    assert len(found) > 5
    for case in found:
        assert case.received_at_ms < (case.closed_at_ms or 0)
        assert case.contact_at_ms is None or case.contact_at_ms < case.received_at_ms
        assert (case.fault is None) == (not case.is_valid)
    assert len({case.record_id for case in found}) == len(found)


def test_what_is_not_known_is_not_sent() -> None:
    (case, *_) = cases(ORDER)
    bare = replace(case, contact_id=None, contact_at_ms=None, site="", is_valid=False)
    sent = as_sent(bare)
    assert {"contact_id", "contact_at_ms", "site"} & set(sent) == set()
    assert sent["is_valid"] is False
    assert json.loads(json.dumps(sent)) == sent


@pytest.mark.parametrize(
    ("met", "log_odds", "category"),
    [
        (NOTHING, 0, "other"),
        (NOTHING._replace(waited=3), 1.8, "waiting"),
        (NOTHING._replace(held=8), 1.5, "hold"),
        (NOTHING._replace(transfers=1), 0.7, "transferred"),
        (NOTHING._replace(transfers=1, earlier=1), 1.8, "transferred"),
        (NOTHING._replace(agent_ends=2), 0.7, "agent"),
        (NOTHING._replace(abandons=5), 1.2, "other"),
        (NOTHING._replace(flags=2), 2.6, "other"),
        (NOTHING._replace(earlier=9), 2.4, "other"),
    ],
)
def test_the_process_is_the_one_described(met: Grievance, log_odds: float, category: str) -> None:
    assert met.log_odds() == pytest.approx(log_odds)
    assert met.category() == category


def test_days_of_a_simulation_have_their_cases() -> None:
    targets = load_targets(PROJECT_ROOT / "config" / "queues.yaml")
    vane = load_wind_vane(PROJECT_ROOT / "config" / "wind_vane.yaml")
    days = list(risk_days(ORDER, targets.history, vane.history))
    own = list(risk_days(ORDER, targets.history, vane.history, "harbour"))
    assert 0 < len(own) < len(days)
    came = sum(had_case for _, had_case in days)
    assert 0 < came <= 2 * len(cases(ORDER))  # of two days of one customer both have the case
    assert sum(signals.wait_ms > 0 for signals, _ in days) > 100


def test_a_queue_log_cannot_say_who_complains(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["simulate", "--out", str(tmp_path), "--format", "queue_log", "--complaints"]
    )
    assert done.exit_code == 2
    assert "--complaints" in done.output
