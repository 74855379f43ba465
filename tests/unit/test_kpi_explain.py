"""What ``vane kpi explain`` prints: names as they are, whatever stands in them."""

from __future__ import annotations

import io

from rich.console import Console

from pipeline.batch.explain import Explanation, Registry, TermFigure
from pipeline.commands.kpi_explain import show
from pipeline.domain.business_time import Month
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.units import UNIT_FIELDS
from tests.factories import a_target


def test_brackets_in_names_are_printed() -> None:
    target = a_target(definition=KpiDefinition(name="[bold]strict"))
    counts = dict.fromkeys(UNIT_FIELDS, 0)
    term = TermFigure(from_ms=0, to_ms=1, target=target, counts=counts)
    found = Explanation(
        queue=("acme", "", "[vip]orders[/vip]"),
        month=Month(2025, 11),
        registries=[Registry(name="current", is_in_force=True, terms=(term,))],
        current=[(0, target)],
    )
    out = io.StringIO()
    show(found, Console(file=out, width=120, soft_wrap=True))
    text = out.getvalue()
    assert "acme/[vip]orders[/vip], 2025-11: service level -" in text
    assert "definition '[bold]strict' " in text
    assert "says otherwise now: '[bold]strict' from ever:" in text
