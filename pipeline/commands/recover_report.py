"""What ``vane recover`` prints: the outlook in words, the plan step by step, what was assumed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.domain.intervals import Grain, Grid
from pipeline.offline.recovery import needed_now
from pipeline.offline.situation import Situation
from pipeline.staffing.erlang import steady
from pipeline.staffing.outlook import Outlook
from pipeline.staffing.plan import Plan
from pipeline.staffing.service import service_level
from pipeline.staffing.words import chance, clock_in, outlook_in_words, percent

OPTIMISTIC = (
    "The model takes handle times and patience as exponential, agents as alike, and no redials "
    "unless stated: docs/staffing.md says what that flatters"
)
_WIDTH = 160
"""Of what no terminal bounds."""


def print_report(found: Situation, plan: Plan, notes: list[str]) -> None:
    """Print all of it for people."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    clock = clock_in(found.zone, found.at_ms)
    label = Grid(found.zone, Grain.DAY).local(found.at_ms)
    goal = found.rest.goal
    formula = found.definition.service_level
    console.print(
        f"{found.key}  {label:%a %Y-%m-%d %H:%M} {found.zone}  "
        f"goal {percent(goal.share)} in {goal.threshold_s:g} s ({formula})",
        markup=False,
    )
    needed, traffic = needed_now(found)
    level = service_level(goal, steady(traffic, found.agents_now).fate(goal.threshold_s))
    so_far = found.rest.good / found.rest.counted if found.rest.counted else None
    counted = f"{found.rest.good:,.0f} of {found.rest.counted:,.0f} in time, {percent(so_far)}"
    supply = f"{found.agents_now:.4g} agents for {traffic.load:.1f} erlangs: {percent(level)}"
    rows = [
        ("so far", counted),
        ("now", f"{supply}; {percent(goal.share)} takes {needed:.1f}"),
        ("today", outlook_in_words(found.day, clock)),
    ]
    if found.month is not None:
        rows.append(("month", outlook_in_words(found.month, clock, whose="the month")))
    rows.append(("as staffed", _course(plan.before.projected, plan.before.likely)))
    rows.append(("plan", _plan(plan)))
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if plan.steps:
        console.print(_steps(plan, clock))
    if plan.too_busy:
        first = plan.rest.slots[plan.too_busy[0]]
        console.print(
            f"Occupancy stays above the bound in {len(plan.too_busy)} slots, first at "
            f"{clock(first.start_ms)}, with everybody in."
        )
    console.print("Taken for granted:")
    for note in notes:
        console.print(f"  - {note}", markup=False)
    console.print(f"  - {OPTIMISTIC}")


def _course(projected: float, likely: float) -> str:
    return f"the day ends at {percent(projected)}, {chance(likely)} to make it"


def _plan(plan: Plan) -> str:
    ends = _course(plan.after.projected, plan.after.likely)
    if not plan.steps:
        nobody = "nobody to call in" if not plan.is_enough else "nobody need come"
        return f"{nobody}: {ends}"
    if not plan.is_enough:
        return f"not even with everybody: {ends}"
    return f"{ends}; cost {plan.cost:,.1f}"


def _steps(plan: Plan, clock: Callable[[int], str]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="bold")
    table.add_column("at", justify="right")
    table.add_column("who")
    for heading in ("change", "then", "on the phones", "in time", "chance if nothing follows"):
        table.add_column(heading, justify="right")
    for step in plan.steps:
        table.add_row(
            clock(step.at_ms),
            step.source,
            f"{step.change:+d}",
            str(step.people),
            f"{step.agents:.1f}",
            percent(step.level),
            chance(step.likely),
        )
    return table


def as_json(found: Situation, plan: Plan, notes: list[str]) -> dict[str, Any]:
    """Return all of it for programs: instants as epoch milliseconds, shares 0..1."""
    needed, traffic = needed_now(found)
    clock = clock_in(found.zone, found.at_ms)
    goal = found.rest.goal
    return {
        "v": 1,
        "client": found.key.client,
        "site": found.key.site,
        "queue": found.key.queue,
        "zone": found.zone,
        "at_ms": found.at_ms,
        "goal": goal.share,
        "threshold_s": goal.threshold_s,
        "definition": found.definition.name,
        "formula": str(found.definition.service_level),
        "agents": found.agents_now,
        "agents_needed": round(needed, 3),
        "load_erlangs": round(traffic.load, 3),
        "patience_s": found.rest.patience_s,
        "patience_source": str(found.patience.source),
        "expected_from": found.expected_from,
        "volume": found.volume,
        "day": _outlook(found.day) | {"text": outlook_in_words(found.day, clock)},
        "month": None
        if found.month is None
        else _outlook(found.month)
        | {"text": outlook_in_words(found.month, clock, whose="the month")},
        "as_staffed": {"projected": plan.before.projected, "likely": plan.before.likely},
        "plan": {
            "is_enough": plan.is_enough,
            "projected": plan.after.projected,
            "likely": plan.after.likely,
            "cost": plan.cost,
            "steps": [
                {
                    "at_ms": step.at_ms,
                    "source": step.source,
                    "change": step.change,
                    "people": step.people,
                    "agents": step.agents,
                    "level": step.level,
                    "likely": step.likely,
                }
                for step in plan.steps
            ],
            "too_busy_from_ms": [plan.rest.slots[i].start_ms for i in plan.too_busy],
        },
        "notes": [*notes, OPTIMISTIC],
    }


def _outlook(found: Outlook) -> dict[str, Any]:
    return {
        "standing": str(found.standing),
        "good": found.good,
        "counted": found.counted,
        "left": found.left,
        "rate": found.rate,
        "needed": found.needed,
        "best": found.best,
        "projected": found.projected,
        "likely": found.likely,
        "lost_at_ms": found.lost_at_ms,
    }
