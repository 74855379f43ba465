"""``docs/metrics.md`` has one row per metric of the worker, no more and no less."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.settings import PROJECT_ROOT
from pipeline.streams import metrics
from pipeline.streams.health import Health, Limits
from tests.unit.streams.live import an_engine

ROW: Final = re.compile(
    r"\| `(?P<name>vane_\w+)` \| (?P<type>\w+) \| (?P<unit>[^|]+) \| (?P<labels>[\w, ]*?) ?\| "
    r"(?P<question>[^|]+\?[^|]*) \|"
)
DOC: Final = PROJECT_ROOT / "docs" / "metrics.md"


class Row(NamedTuple):
    type: str
    labels: frozenset[str]


def documented(text: str) -> dict[str, Row]:
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    rows = [row for row in map(ROW.fullmatch, lines) if row]
    assert len(rows) == len(lines), "a row without unit or question"
    return {r["name"]: Row(r["type"], frozenset(re.findall(r"\w+", r["labels"]))) for r in rows}


def exposed() -> dict[str, Row]:
    """Return what a worker tells that has done everything once."""
    live = an_engine()
    live.recovered(0).snapshot_bytes = 1
    live.part.fold.watermark.ms = 1
    live.engine.meters.add_sink("log")
    live.engine.meters.attempt("log", "delivered", 0.1)
    live.engine.meters.standing("log", 0)
    text = metrics.render(live.engine, Health(live.engine, Limits())).decode()
    found: dict[str, Row] = {}
    for family in text_string_to_metric_families(text):
        assert family.samples, f"{family.name} has no sample"
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert name not in found, f"{name} twice"
        found[name] = Row(family.type, frozenset(labels))
    return found


def test_every_metric_has_its_row_and_every_row_its_metric() -> None:
    assert documented(DOC.read_text("utf-8")) == exposed()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| `vane_lag_seconds` | gauge", "| `vane_lag_second` | gauge"),
        ("`vane_fold_seconds` | histogram", "`vane_fold_seconds` | gauge"),
        ("| sink, result |", "| sink |"),
    ],
)
def test_a_row_that_is_wrong_is_noticed(old: str, new: str) -> None:
    text = DOC.read_text("utf-8")
    assert old in text
    assert documented(text.replace(old, new)) != exposed()


def test_a_row_without_a_question_is_noticed() -> None:
    with pytest.raises(AssertionError, match="without unit or question"):
        documented("| `vane_x` | gauge | seconds |  | It is x. |")


def test_names_end_in_the_unit_as_prometheus_asks() -> None:
    for name, row in exposed().items():
        assert name.endswith("_total") == (row.type == "counter"), name
        assert row.type != "histogram" or name.endswith("_seconds"), name
