"""``docs/glossary.md`` explains every name that people meet, and no name that is gone."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
import yaml

from pipeline.alerting.recovery import Recovery, RecoveryStep
from pipeline.config_kpis import KEYS
from pipeline.domain import agent_kpi, kpi
from pipeline.domain.alert import Alert
from pipeline.domain.events import AgentState, EventType
from pipeline.domain.outbox import Counters
from pipeline.domain.service_level import Variant
from pipeline.settings import PROJECT_ROOT
from pipeline.staffing.cause import FIGURES

GLOSSARY = PROJECT_ROOT / "docs" / "glossary.md"
MARTS = PROJECT_ROOT / "dbt_like_sql" / "models" / "marts"
NO_RATIOS = {"pane_start", "add_vectors", "ratio"}
HEADER = "| term | meaning | formula | unit | field | source |"


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of every table but their headers."""
    found = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in row] for row in found]
    return [row for row in cells if row[0] not in {"term", "---"}]


def explained(text: str) -> set[str]:
    return {name for row in rows(text) for name in re.findall(r"`(\w+)`", row[4])}


def mart_columns(folder: Path) -> set[str]:
    models = [
        model
        for path in folder.glob("*.yml")
        for model in yaml.safe_load(path.read_text()).get("models", [])
    ]
    return {column["name"] for model in models for column in model.get("columns", [])}


def ratios() -> set[str]:
    own = {
        name
        for module in (kpi, agent_kpi)
        for name, f in inspect.getmembers(module, inspect.isfunction)
        if f.__module__ == module.__name__
    }
    return own - NO_RATIOS


def needed() -> set[str]:
    names = {name for group in kpi.KPI_FIELDS.values() for name in group}
    names |= {str(kind) for kind in EventType} | {str(state) for state in AgentState}
    names |= ratios() | {field.name for field in fields(Counters)}
    names |= {variant.lower() for variant in Variant} | KEYS
    names |= {field.name for field in fields(Alert) if field.default is not MISSING}
    names |= {field.name for cls in (Recovery, RecoveryStep) for field in fields(cls)}
    names |= {str(cause) for cause in FIGURES} | set(FIGURES.values())
    return names | mart_columns(MARTS)


def test_every_field_event_state_end_ratio_and_mart_column_is_explained() -> None:
    assert needed() - explained(GLOSSARY.read_text()) == set()


def test_every_name_explained_still_exists() -> None:
    assert explained(GLOSSARY.read_text()) - needed() == set()


def test_every_row_has_a_term_a_meaning_a_field_and_a_source() -> None:
    for row in rows(GLOSSARY.read_text()):
        assert len(row) == 6, row
        term, meaning, _, _, field, source = row
        assert all((term, meaning, field, source)), row


def test_no_term_is_explained_twice() -> None:
    terms = [row[0] for row in rows(GLOSSARY.read_text())]
    assert sorted(terms) == sorted(set(terms))


def test_every_table_has_the_same_columns() -> None:
    lines = GLOSSARY.read_text().splitlines()
    headers = [lines[i - 1] for i, line in enumerate(lines) if line.startswith("|---")]
    assert set(headers) == {HEADER}


@pytest.mark.parametrize(
    "module",
    [
        *("outcome", "leg", "target", "kpi", "events", "outbox", "service_level", "abandonment"),
        *("definition", "units", "outbound", "occurrences", "refusal", "wait_histogram"),
        *("agent_session", "agent_terms", "agent_time", "agent_kpi", "ledger", "schedule"),
        *("opening_hours", "forecast", "shift", "complaint", "incident", "evaluation", "person"),
        *("alert", "alert_rule", "alert_reading", "significance", "day_sums", "queue_state"),
        *("repeat", "risk", "risk_signals"),
    ],
)
def test_every_source_in_the_domain_exists(module: str) -> None:
    source = (PROJECT_ROOT / "pipeline" / "domain" / f"{module}.py").read_text()
    named = {
        name
        for row in rows(GLOSSARY.read_text())
        for name in re.findall(rf"`{module}\.(\w+)`", row[5])
    }
    assert named
    for name in named:
        assert re.search(rf"(def|class) {name}\b|^{name}\b", source, re.MULTILINE), name


def test_the_check_sees_a_missing_row_and_a_stale_one(tmp_path: Path) -> None:
    (tmp_path / "fct_x.yml").write_text(
        "models:\n  - name: fct_x\n    columns:\n      - name: brand_new\n"
    )
    text = f"{HEADER}\n|---|---|---|---|---|---|\n| a | b | `no_field` | ms | `old_one` | c |\n"
    assert mart_columns(tmp_path) - explained(text) == {"brand_new"}
    assert explained(text) - needed() == {"old_one"}
