"""The page a person signs: every rule at every boundary, what was found, and what was published.

One HTML file that needs nothing else: no script, no font, no address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Final

import jinja2

from pipeline.quality.gate import Verdict, Violation
from pipeline.quality.rules import Rule

_TEMPLATE: Final = "report.html"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The violating rows of one rule: a Parquet file beside the page."""

    file: str
    rows: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A verdict, and the evidence kept for it by metric."""

    verdict: Verdict
    evidence: Mapping[str, Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which run the page is of. ``at_ms`` is epoch milliseconds."""

    run_id: str
    month: str
    client: str
    config_hash: str
    at_ms: int


def render(
    header: Header,
    sheets: Sequence[Sheet],
    *,
    notes: Sequence[str] = (),
    landed: Mapping[str, Mapping[str, int]] | None = None,
    datasets: Sequence[Any] = (),
) -> str:
    """Return the page.

    Args:
        header: which run.
        sheets: what the gates found, in the order they stood.
        notes: what else to know: damaged files that stopped it, rows that changed by themselves.
        landed: topic to partition to the last offset read.
        datasets: what was published, each with ``name``, ``rows``, ``sha256``; empty: it stopped.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(
        (resources.files("pipeline.quality") / _TEMPLATE).read_text(encoding="utf-8")
    )
    at = datetime.fromtimestamp(header.at_ms / 1000, UTC)
    return template.render(
        run_id=header.run_id,
        month=header.month,
        client=header.client,
        config_hash=header.config_hash,
        at=f"{at:%Y-%m-%d %H:%M:%S} UTC",
        stopped=not datasets,
        warnings=sum(len(sheet.verdict.violations) for sheet in sheets),
        notes=notes,
        sheets=[
            {"name": _words(sheet.verdict.suite.name), "rows": list(_rows(sheet))}
            for sheet in sheets
        ],
        landed=landed or {},
        datasets=datasets,
    )


def _rows(sheet: Sheet) -> list[dict[str, str]]:
    violated: dict[Rule, Violation] = {v.rule: v for v in sheet.verdict.violations}
    rows = []
    for rule in sheet.verdict.suite.rules:
        violation = violated.get(rule)
        kept = sheet.evidence.get(rule.metric)
        rows.append(
            {
                "what": _words(rule.metric),
                "found": _number(sheet.verdict.metrics.get(rule.metric)),
                "allowed": _number(rule.most)
                if rule.least == 0
                else f"{_number(rule.least)} to {_number(rule.most)}",
                "why": rule.why,
                "verdict": violation.severity if violation else "holds",
                "note": violation.note if violation else "",
                "evidence": kept.file if kept else "",
                "evidence_rows": f"{kept.rows:,}" if kept else "",
            }
        )
    return rows


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _number(value: object) -> str:
    if value is None:
        return "not known"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
