"""The page to sign: whole, offline, and never silent about what was found."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from pipeline.quality.gate import judge
from pipeline.quality.report import Evidence, Header, Sheet, render
from pipeline.quality.rules import Rule, Suite

SUITE = Suite(
    "landed-things",
    (
        Rule("rows_lost", "critical", "rows are <gone>"),
        Rule("odd_per_mille", "warning", "this is odd", most=10),
    ),
)
HEADER = Header(
    run_id="2025-11-x", month="2025-11", client="", config_hash="abc", at_ms=1_764_547_200_000
)
WRITTEN = [SimpleNamespace(name="fct_calls", rows=1234, sha256="ff00")]


def page(lost: int | None, odd: int, **parts: object) -> str:
    verdict = judge(SUITE, {"rows_lost": lost, "odd_per_mille": odd})
    evidence = {"odd_per_mille": Evidence("landed-things.odd_per_mille.parquet", 1)}
    sheets = [Sheet(verdict, evidence if odd > 10 else {})]
    return render(HEADER, sheets, **parts)  # type: ignore[arg-type]


def test_a_published_run_lists_rules_files_and_offsets() -> None:
    text = page(0, 11, landed={"acd.events": {"0": 41}}, datasets=WRITTEN)
    assert "Published" in text
    assert "with 1 warning." in text
    assert '<a href="landed-things.odd_per_mille.parquet">1 row</a>' in text
    assert "1,234" in text
    assert "0: 41" in text
    assert "2025-12-01 00:00:00 UTC" in text
    assert text.count("Signature") == 1


def test_a_stopped_run_says_so_and_why() -> None:
    text = page(3, 0, notes=["damaged: part-0.parquet & offsets 0 to 2"])
    assert "Stopped: nothing was published." in text
    assert '<td class="critical">critical' in text
    assert "part-0.parquet &amp; offsets" in text
    assert "rows are &lt;gone&gt;" in text


def test_a_rule_without_a_number_is_not_passed_over() -> None:
    text = page(None, 0)
    assert "not known" in text
    assert "not evaluated" in text


@pytest.mark.parametrize("odd", [0, 11])
def test_the_page_asks_for_nothing_outside_itself(odd: int) -> None:
    text = page(0, odd, datasets=WRITTEN)
    assert not re.search(r"<script|<link|https?:|url\(", text)
