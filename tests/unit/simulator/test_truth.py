"""The domain kernel, fed what the simulator writes, arrives at what the simulator knows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.codec.decode import decode_call_event
from pipeline.config_files import load_targets
from pipeline.domain.events import CallEvent, Rejected
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.outcome import contributions
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import CALLS_FILE, TRUTH_FILE, write_canonical
from pipeline.simulator.truth import COUNTS

CONFIG = Path(__file__).parents[3] / "config" / "queues.yaml"
END = 1 << 60

Key = tuple[str, str, str]


def simulated(folder: Path, scenario: Scenario, **options: Any) -> dict[str, Any]:
    """Write a small simulation and return its truth."""
    write_canonical(
        Order(scenario=scenario, seed=7, year=2025, month=11, **options), folder, lambda _: None
    )
    truth: dict[str, Any] = json.loads((folder / TRUTH_FILE).read_text())
    return truth


def folded(lines: list[bytes]) -> dict[Key, Counter[str]]:
    """Fold records in the order given, duplicates and all, and add up what the legs count for."""
    legs: dict[tuple[Key, str, int], LegFacts] = {}
    for line in lines:
        event = decode_call_event(line)
        assert not isinstance(event, Rejected), event.message
        apply(legs.setdefault(leg_of(event), LegFacts()), event)
    targets = load_targets(CONFIG)
    totals: dict[Key, Counter[str]] = {}
    fields = list(KPI_FIELDS.values())
    for (queue, _, _), facts in legs.items():
        target = targets.history(*queue).at(facts.first_ms)
        for kpi, _, deltas in contributions(facts, target, END):
            for field, amount in deltas:
                totals.setdefault(queue, Counter())[fields[kpi][field]] += amount
    return totals


def leg_of(event: CallEvent) -> tuple[Key, str, int]:
    """Return the identity of an event's leg."""
    return (event.client, event.site, event.queue), event.contact_id, event.leg


def differences(truth: dict[str, Any], totals: dict[Key, Counter[str]]) -> list[str]:
    """Return every count in which the truth and the fold differ."""
    found = []
    for row in truth["queues"]:
        key = (row["client"], row["site"], row["queue"])
        for name, expected in row.items():
            if isinstance(expected, int) and totals[key][name] != expected:
                found.append(f"{key} {name}: expected {expected}, got {totals[key][name]}")
    return found


@pytest.mark.parametrize("scenario", Scenario)
def test_the_kernel_counts_what_the_simulator_made_happen(
    scenario: Scenario, tmp_path: Path
) -> None:
    truth = simulated(tmp_path, scenario, scale=0.2, days=2)
    totals = folded((tmp_path / CALLS_FILE).read_bytes().splitlines())
    assert differences(truth, totals) == []
    assert set(totals) == {(r["client"], r["site"], r["queue"]) for r in truth["queues"]}
    # Nothing of what a centre does is missing from the small sample.
    everything = sum(totals.values(), Counter[str]())
    never = set() if scenario is Scenario.DOUBLE11 else {"refused_full"}
    assert {name for name in COUNTS if not everything[name]} == never
    assert everything["waiting_over"] == 0


def test_a_lost_event_is_noticed(tmp_path: Path) -> None:
    truth = simulated(tmp_path, Scenario.NORMAL_MONTH, scale=0.1, days=1)
    lines = (tmp_path / CALLS_FILE).read_bytes().splitlines()
    lost = next(line for line in lines if b'"type":"answered"' in line)
    assert differences(truth, folded([line for line in lines if line != lost])) != []


def test_thresholds_are_those_of_the_contract() -> None:
    targets = load_targets(CONFIG)
    for plan in Order(scenario=Scenario.DOUBLE11, seed=1, year=2025, month=11).plans(
        Order(scenario=Scenario.DOUBLE11, seed=1, year=2025, month=11).dates()[0]
    ):
        for queue in plan.queues:
            place = (plan.client.name, plan.site, queue.profile.name)
            target = targets.history(*place).at(plan.starts_ms)
            assert target.threshold_ms == plan.client.threshold_ms
            assert target.inclusive
            assert targets.zone(*place) == plan.client.zone


def test_a_normal_day_keeps_its_service_level_and_double11_loses_it(tmp_path: Path) -> None:
    normal = simulated(tmp_path / "normal", Scenario.NORMAL_MONTH, days=14)
    surge = simulated(tmp_path / "surge", Scenario.DOUBLE11)
    level, _, _ = meridian(normal)
    assert 0.82 < level < 0.88
    level, forecast, came = meridian(surge)
    assert forecast == 15_000
    assert came > 20_000
    assert 0.45 < level < 0.60


def meridian(truth: dict[str, Any]) -> tuple[float, int, int]:
    """Return the retailer's service level, calls forecast, and contacts that came."""
    rows = [row for row in truth["days"] if row["client"] == "meridian"]
    within = sum(row["answered_within"] for row in rows)
    return (
        within / sum(row["offered"] for row in rows),
        sum(row["forecast_calls"] for row in rows),
        sum(row["contacts"] for row in rows),
    )
