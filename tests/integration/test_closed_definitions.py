"""A month closed by one definition, recomputed by another: both are shown, the closed stands."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from pipeline.batch.explain import Explanation, explain
from pipeline.batch.month import close_month
from pipeline.commands.kpi_explain import show
from pipeline.domain.business_time import Month
from pipeline.domain.kpi import ratio
from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import PROJECT_ROOT, Settings, load_settings
from tests.integration.test_month import CALL_MS, CONTRACT, NOVEMBER, ask, close, land

QUEUES = """\
queues:
  - {client: "*", site: "*", queue: "*", zone: Asia/Shanghai, terms: [
      {from: 2025-01-01, threshold_s: 20, goal_pct: 80, long_hold_s: 120, definition: agreed}]}
"""
KPIS = """\
definitions:
  - {name: default, title: built in, service_level: SL1}
  - {name: agreed, title: of the contract, service_level: SL1}
"""


def thousand_calls() -> list[dict[str, Any]]:
    """Return the worked example: 760 answered in time, 140 late; abandoned 30, 20 and 50."""
    ends = [("answered", 20_000)] * 760 + [("answered", 20_001)] * 140
    ends += [("abandoned", 5_000)] * 30 + [("abandoned", 20_000)] * 20
    ends += [("abandoned", 20_001)] * 50
    events: list[dict[str, Any]] = []
    for number, (kind, wait) in enumerate(ends):
        leg = {"queue": "service", "contact_id": f"c{number}", "leg": 1}
        agent = {"agent": "ann"} if kind == "answered" else {}
        events.append({**leg, "type": "queued", "occurred_at_ms": CALL_MS})
        events.append({**leg, "type": kind, "occurred_at_ms": CALL_MS + wait, **agent})
    return events


@pytest.fixture
def deployed(tmp_path: Any) -> Settings:
    config = tmp_path / "config"
    (config / "contracts").mkdir(parents=True)
    (config / "contracts" / "acme.yaml").write_text(CONTRACT)
    (config / "queues.yaml").write_text(QUEUES)
    (config / "kpis.yaml").write_text(KPIS)
    for name in ("agent_time.yaml", "wind_vane.yaml"):
        shutil.copy(PROJECT_ROOT / "config" / name, config)
    settings = replace(load_settings({"VANE_HOME": str(tmp_path / "home")}), config_dir=config)
    land(settings, CALL_EVENTS, thousand_calls())
    return settings


def redefine(settings: Settings, old: str, new: str) -> None:
    path = settings.config_dir / "kpis.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def printed(found: Explanation) -> str:
    out = io.StringIO()
    show(found, Console(file=out, width=120, soft_wrap=True))
    return out.getvalue()


def test_a_recomputed_month_keeps_the_closed_figure_and_shows_both(deployed: Settings) -> None:
    close(deployed)
    text = printed(explain(deployed, "service", NOVEMBER))
    assert "service level 76.00 % (in force)" in text
    assert "SL1: answered in time / (offered)" in text
    assert "760 answered in time / (1,000 offered) = 760 / 1,000 = 76.00 %" in text
    for figure in ("> SL1", "84.44 %", "81.00 %", "80.00 %", "78.35 %", "live only"):
        assert figure in text
    assert "Closed by run 2025-11-" in text

    # renamed, and the same: nothing has changed
    redefine(deployed, "title: of the contract, service_level: SL1", "title: x, service_level: SL1")
    assert explain(deployed, "acme/service", NOVEMBER).current == []

    # another formula: of the same counts at once, and by the next run beside the closed figure
    redefine(deployed, "title: x, service_level: SL1", "title: x, service_level: SL2")
    text = printed(explain(deployed, "service", NOVEMBER))
    assert "config/queues.yaml says otherwise now: 'agreed' from " in text
    assert "of the same counts: 84.44 %" in text
    again = close(deployed)
    found = explain(deployed, "service", NOVEMBER)
    figures = {(r.name, r.is_in_force): ratio(*r.parts) for r in found.registries}
    assert figures == {("closed", True): 0.76, ("current", False): 760 / 900}
    text = printed(found)
    assert "service level 76.00 % (in force)" in text
    assert "service level 84.44 % (by the configuration now, not in force)" in text
    assert ask(deployed, "select service_level, definition_name from bi_queue_months") == [
        (0.76, "agreed")
    ]
    rows = ask(
        deployed,
        "select registry, is_in_force, service_level from bi_kpi_months order by registry",
    )
    assert rows == [("closed", True, 0.76), ("current", False, 760 / 900)]
    assert [t.definition_hash for t in again.run.definitions] == [
        t.definition_hash for t in catalog.read_runs(deployed.published)[0].definitions
    ]

    # a choice that needs the calls: the next run has to say
    redefine(deployed, "service_level: SL2}", "service_level: SL2, comparison: '<'}")
    text = printed(explain(deployed, "service", NOVEMBER))
    assert "exactly that is too late" in text
    assert "to compute it, run: vane month run --month 2025-11" in text


def test_what_cannot_be_explained_says_what_could(deployed: Settings) -> None:
    with pytest.raises(InputError, match="publish a month first"):
        explain(deployed, "service", NOVEMBER)
    close(deployed)
    with pytest.raises(InputError, match="no queue is called 'sales' in 2025-11; expected one of"):
        explain(deployed, "sales", NOVEMBER)
    with pytest.raises(
        InputError, match="2024-03 has no definitions published; run: vane month run"
    ):
        explain(deployed, "service", Month(2024, 3))


def test_a_definition_that_changes_within_the_month_is_explained_term_by_term(
    deployed: Settings,
) -> None:
    noon = "      {from: 2025-11-11, threshold_s: 20, goal_pct: 80, long_hold_s: 120}]}\n"
    queues = deployed.config_dir / "queues.yaml"
    queues.write_text(QUEUES.replace("definition: agreed}]}\n", "definition: agreed},\n" + noon))
    redefine(deployed, "of the contract, service_level: SL1", "of the contract, service_level: SL2")
    close(deployed)
    (registry,) = explain(deployed, "acme/service", NOVEMBER).registries
    assert [t.target.rules.name for t in registry.terms] == ["agreed", "default"]
    assert [t.counts["offered"] for t in registry.terms] == [0, 1_000]
    assert registry.parts == (760, 1_000)
    text = printed(explain(deployed, "service", NOVEMBER))
    assert "definition 'default' c21747b081fe, term from 2025-11-10 16:00 UTC" in text
    # the calls came in the second term; a change of the first moves nothing, and is told
    redefine(deployed, "of the contract, service_level: SL2", "of the contract, service_level: SL3")
    text = printed(explain(deployed, "service", NOVEMBER))
    assert text.count("says otherwise now") == 2
    close(deployed)
    found = explain(deployed, "service", NOVEMBER)
    assert {(r.name, r.parts) for r in found.registries} == {
        ("closed", (760, 1_000)),
        ("current", (760, 1_000)),
    }


def test_a_call_that_queued_before_the_month_counts_by_the_term_of_then_which_is_frozen_too(
    deployed: Settings,
) -> None:
    start = NOVEMBER.bounds("Asia/Shanghai")[0]
    leg = {"queue": "service", "contact_id": "early", "leg": 1}
    early = [
        {**leg, "type": "queued", "occurred_at_ms": start - 5_000},
        {**leg, "type": "abandoned", "occurred_at_ms": start + 1_000},
    ]
    shutil.rmtree(deployed.landing)
    land(deployed, CALL_EVENTS, [*thousand_calls(), *early])
    queues = deployed.config_dir / "queues.yaml"
    since = "      {from: 2025-11-01, threshold_s: 20, goal_pct: 80, long_hold_s: 120}]}\n"
    queues.write_text(QUEUES.replace("definition: agreed}]}\n", "definition: agreed},\n" + since))
    close(deployed)
    (registry,) = explain(deployed, "service", NOVEMBER).registries
    assert [t.target.rules.name for t in registry.terms] == ["agreed", "default"]
    assert [t.counts["offered"] for t in registry.terms] == [1, 1_000]
    published = ask(
        deployed, "select service_level_numerator, service_level_denominator from bi_kpi_months"
    )
    assert published == [registry.parts] == [(760, 1_001)]
    # what the term of before the month says is changed, and the zone: what was closed stands
    redefine(deployed, "of the contract, service_level: SL1", "of the contract, service_level: SL3")
    queues.write_text(queues.read_text().replace("Asia/Shanghai", "America/New_York"))
    said: list[str] = []
    close_month(deployed, NOVEMBER, report=said.append)
    changed = "changed since the month was closed: acme/service;"
    assert f"definition {changed} the closed one stands" in said
    assert f"zone {changed} Asia/Shanghai stands, not America/New_York" in said
    found = explain(deployed, "service", NOVEMBER)
    figures = {(r.name, r.is_in_force): r.parts for r in found.registries}
    assert figures == {("closed", True): (760, 1_001), ("current", False): (761, 1_001)}


def test_a_run_before_the_months_end_freezes_nothing(
    deployed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.batch.month.time.time", lambda: CALL_MS / 1000 + 3_600)
    close(deployed)
    assert "not closed yet" in printed(explain(deployed, "service", NOVEMBER))
    monkeypatch.undo()
    redefine(deployed, "of the contract, service_level: SL1", "of the contract, service_level: SL2")
    close(deployed)
    (registry,) = explain(deployed, "service", NOVEMBER).registries
    assert (registry.name, registry.parts) == ("current", (760, 900))
