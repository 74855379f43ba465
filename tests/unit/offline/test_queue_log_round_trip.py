"""What the simulator knows it made happen is what its queue_log says, read either way."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.codec.adapter import Origin
from pipeline.codec.queue_log import QueueLogAdapter
from pipeline.config_files import load_targets
from pipeline.domain.events import AgentStateEvent, CallEvent
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.outcome import contributions
from pipeline.offline.log_files import find_pieces, read_chunks
from pipeline.offline.queue_log_kpis import Counted, TermsFinder, count_log
from pipeline.offline.queue_log_reader import first_time
from pipeline.offline.queue_log_rows import Range, agent_rows, queue_rows
from pipeline.settings import PROJECT_ROOT
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import QUEUE_LOG_FOLDER, TRUTH_FILE, write_queue_log
from pipeline.simulator.truth import COUNTS

TARGETS = load_targets(PROJECT_ROOT / "config" / "queues.yaml")
NAMES = [name for fields in KPI_FIELDS.values() for name in fields]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asterisk")
    order = Order(scenario=Scenario.DOUBLE11, seed=3, year=2025, month=11, scale=0.5)
    write_queue_log(order, folder, lambda _: None)
    return folder


@pytest.fixture(scope="module")
def truth(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / TRUTH_FILE).read_text())["queues"]
    return found


def floors(folder: Path) -> list[tuple[str, str, Path]]:
    return [
        (*path.stem.partition("-")[::2], path)
        for path in sorted((folder / QUEUE_LOG_FOLDER).glob("*.log"))
    ]


def test_the_adapters_events_through_the_kernel_are_the_truth(
    folder: Path, truth: list[dict[str, Any]]
) -> None:
    sums: dict[tuple[str, str, str], Counter[str]] = {}
    for client, site, path in floors(folder):
        adapter = QueueLogAdapter(
            Origin(client=client, source=path.stem, customer_key=b"key", site=site)
        )
        facts: dict[tuple[str, str, int], LegFacts] = {}
        for line in path.read_bytes().splitlines():
            for event in adapter.feed(line):
                assert isinstance(event, CallEvent | AgentStateEvent)
                if isinstance(event, CallEvent):
                    key = (event.queue, event.contact_id, event.leg)
                    assert apply(facts.setdefault(key, LegFacts()), event)
        assert (adapter.skipped, adapter.anomalies) == ({}, {})
        for (queue, _, _), leg in facts.items():
            target = TARGETS.history(client, site, queue).at(leg.queued_at or leg.first_ms)
            count = sums.setdefault((client, site, queue), Counter())
            for kpi, _, deltas in contributions(leg, target, 1 << 60):
                fields = list(KPI_FIELDS.values())[kpi]
                for place, amount in deltas:
                    count[fields[place]] += amount
    for row in truth:
        found = sums[row["client"], row["site"], row["queue"]]
        assert {name: found[name] for name in COUNTS} == {name: row[name] for name in COUNTS}


def counted(client: str, site: str, path: Path) -> Counted:
    terms = TermsFinder(TARGETS, client, site, None, ())
    (piece,) = find_pieces([path], first_time(None)).pieces
    chunks = read_chunks(piece, lambda _: None, 200_000)
    return count_log(chunks, Grid("UTC", Grain.HOUR), terms, zone=None, wanted=Range())


def test_vane_kpi_over_the_files_gives_the_truth(folder: Path, truth: list[dict[str, Any]]) -> None:
    shown = {
        **{name: name for name in ("offered", "answered", "abandoned", "abandoned_short")},
        **{name: name for name in ("flowed_out", "callbacks", "handled")},
    }
    for client, site, path in floors(folder):
        found = counted(client, site, path)
        assert found.tally.taken == found.tally.lines
        assert not found.terms.without_terms
        totals = {
            row["queue"]: row
            for row in queue_rows(found.book, Range(), totals=True)
            if row["interval_start"] is None
        }
        for row in [t for t in truth if (t["client"], t["site"]) == (client, site)]:
            ours = totals[row["queue"]]
            assert {name: ours[name] for name in shown} == {n: row[n] for n in shown.values()}
            assert ours["talk_s_total"] * 1000 == row["talk_ms"]
            (level,) = ours["contract_service_level"].values()
            assert level == row["answered_within"] / row["offered"]
            assert ours["average_speed_of_answer_s"] == pytest.approx(
                row["wait_answered_ms"] / row["answered"] / 1000
            )


def test_agents_figures_add_up_to_those_of_queues(folder: Path) -> None:
    for client, site, path in floors(folder):
        found = counted(client, site, path)
        queues, agents = queue_rows(found.book, Range()), list(agent_rows(found.book, Range()))
        per_queue = [(row["answered"], row["talk_s_total"]) for row in queues]
        assert sum(row["answered"] for row in agents) == sum(n for n, _ in per_queue)
        assert sum(row["conversation_s"] for row in agents) == sum(s for _, s in per_queue)
        # Members are added when a shift begins and removed when it ends: nobody is left over.
        assert found.open_spells == 0
        assert all(0 <= row["pause_s"] <= row["login_s"] <= 3600 for row in agents)
