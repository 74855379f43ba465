"""``docs/formats/facts.md`` describes every column and word of facts, and its examples are read."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest

from pipeline.codec.adapter import Origin
from pipeline.codec.fact_fields import OWN, READ_OF_ALL, TOPICS
from pipeline.codec.facts import FactAdapter
from pipeline.codec.rules import OneOf
from pipeline.domain.events import Rejected
from pipeline.domain.fact import FactKind
from tests.completeness.registry import ROOT, topics

PAGE = (ROOT / "docs" / "formats" / "facts.md").read_text()
ORIGIN = Origin(client="acme", source="file", customer_key=b"k", zone=ZoneInfo("Europe/Berlin"))


def section(kind: FactKind) -> str:
    """Return what the page says of a fact's columns."""
    return PAGE.split(f"### {kind}\n")[1].split("\n## ")[0].split("\n### ")[0]


def table_names(text: str) -> set[str]:
    """Return the names in the first cells of a table, and those that are bold."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("kind", FactKind)
def test_every_column_is_described_and_nothing_else(kind: FactKind) -> None:
    columns = {column.name for field in OWN[kind] for column in field.columns}
    assert table_names(section(kind)) == columns


@pytest.mark.parametrize("kind", FactKind)
def test_what_must_be_there_is_bold(kind: FactKind) -> None:
    bold = set(re.findall(r"\*\*`(\w+)`\*\*", section(kind)))
    assert bold == {field.columns[0].name for field in OWN[kind] if field.is_asked}


@pytest.mark.parametrize("kind", FactKind)
def test_every_word_that_is_allowed_is_listed(kind: FactKind) -> None:
    for field in OWN[kind]:
        if isinstance(field.rule, OneOf):
            assert all(f"`{word}`" in section(kind) for word in field.rule.words), field.name


@pytest.mark.parametrize("kind", FactKind)
def test_the_example_is_read(kind: FactKind) -> None:
    ((_, text),) = re.findall(r"```(csv|json)\n(.*?)```", section(kind), re.DOTALL)
    adapter = FactAdapter(kind, ORIGIN, as_of_ms=1)
    found = [fact for line in text.splitlines() for fact in adapter.feed(line.encode())]
    assert found
    assert not [fact for fact in found if isinstance(fact, Rejected)]
    assert not adapter.anomalies


def test_columns_of_every_format_and_all_reasons_are_described() -> None:
    assert all(f"`{field.columns[0].name}`" in PAGE for field in READ_OF_ALL)
    reasons = {
        reason
        for path in ("facts", "fact_build")
        for reason in re.findall(
            r"""fail\(\s*"(\w+)\"""", (ROOT / f"pipeline/codec/{path}.py").read_text()
        )
    }
    assert len(reasons) >= 9
    for topic in TOPICS.values():
        assert f"`{topic}`" in PAGE
        stated = str(topics()[f"{topic}.dlq"]["headers"])
        assert [r for r in reasons if f"`{r}`" not in PAGE or r not in stated] == []
