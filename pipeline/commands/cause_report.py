"""What ``vane cause`` prints: the fall, its causes in points, who is behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from pipeline.domain.incident import Cause
from pipeline.domain.intervals import Grain, Grid
from pipeline.offline.causes import Causes
from pipeline.staffing.attribution import Part
from pipeline.staffing.cause import Interval, NoCause
from pipeline.staffing.words import percent

WORDS: Final = {
    Cause.PEOPLE: ("people", "人", "agents on the phones"),
    Cause.MACHINE: ("machine", "机", "of the time up"),
    Cause.MATERIAL: ("material", "料", "s handle time"),
    Cause.METHOD: ("method", "法", "transfers in and repeats"),
    Cause.ENVIRONMENT: ("environment", "环", "calls of their own accord"),
}
UNITS: Final = {
    Cause.PEOPLE: "h",
    Cause.MACHINE: "min",
    Cause.METHOD: "calls",
    Cause.ENVIRONMENT: "calls",
}
REASONS: Final = {
    NoCause.NO_PLAN: "No interval of the window was planned: there is nothing to compare with.",
    NoCause.NO_CALLS: "No call of the window counts: there is no service level to explain.",
    NoCause.NOTHING_PLANNED: "The plan expects no calls: there is no level to fall from.",
}
MODEL: Final = (
    "The model takes each quarter hour as steady, handle times and patience as exponential and "
    "agents as alike; what it does not explain is the remainder: docs/cause.md"
)
_WIDTH: Final = 200
"""Of what no terminal bounds."""


def print_report(found: Causes, top: int) -> None:
    """Print it for people."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    grid = Grid(found.zone, Grain.DAY)
    start, end = grid.local(found.from_ms), grid.local(found.to_ms)
    goal = found.target
    console.print(
        f"{found.key}  {start:%a %Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} {found.zone}  "
        f"goal {percent(goal.goal_permille / 1000)} in {goal.threshold_ms / 1000:g} s "
        f"({goal.rules.service_level})",
        markup=False,
    )
    explained = found.explanation
    if explained.reason is not None:
        console.print(REASONS[explained.reason])
    else:
        below = "below" if explained.fall >= 0 else "above"
        console.print(
            f"In time: {percent(explained.observed)}; by plan {percent(explained.planned)} "
            f"(Erlang A): {100 * abs(explained.fall):.1f} points {below} plan"
        )
        console.print(_table(found, top))
    if explained.unplanned:
        console.print(f"{explained.unplanned:,.0f} calls came when nothing was planned: left out")
    console.print("Taken for granted:")
    for note in [*found.notes, MODEL]:
        console.print(f"  - {note}", markup=False)


def _table(found: Causes, top: int) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="bold")
    table.add_column("points", justify="right")
    table.add_column("cause")
    table.add_column("planned", justify="right")
    table.add_column("was", justify="right")
    table.add_column("")
    table.add_column("most of it")
    for cause, points in found.explanation.ordered:
        name, word, unit = WORDS[cause]
        planned, was = figures(found.intervals, cause)
        rows = [p for p in found.parts[cause] if p.points * points > 0]
        who = ", ".join(_part(cause, part) for part in _top(rows, top))
        table.add_row(_points(points), f"{name} {word}", planned, was, unit, who)
    table.add_row(
        _points(found.explanation.remainder), "remainder", "", "", "no model explains", ""
    )
    table.add_row(_points(found.explanation.fall), "fall", "", "", "", "")
    return table


def _top(parts: list[Part], top: int) -> list[Part]:
    """Return the first of each kind."""
    seen: dict[str, int] = {}
    found = []
    for part in parts:
        seen[part.kind] = seen.get(part.kind, 0) + 1
        if seen[part.kind] <= top:
            found.append(part)
    return found


def _points(share: float) -> str:
    """Return points lost as what happened to the level: a loss is below 0; never "-0.0"."""
    return f"{-round(100 * share, 1) + 0.0:+.1f}" if round(100 * share, 1) else "0.0"


def _part(cause: Cause, part: Part) -> str:
    unit = UNITS.get(cause, "s" if part.kind == "phase" else "h")
    name = f"repeats of {part.name or 'another queue'}" if part.kind == "repeat" else part.name
    if part.kind == "queue":
        name = f"from {part.name or 'another queue'}"
    return f"{name} {_points(part.points)} ({part.amount:+.4g} {unit})"


def figures(intervals: Sequence[Interval], cause: Cause) -> tuple[str, str]:
    """Return a cause's figure as planned and as it was, over the planned intervals."""
    planned, was = [_figure(intervals, cause, side) for side in ("planned", "actual")]
    return planned, was


def _figure(intervals: Sequence[Interval], cause: Cause, side: str) -> str:
    loads = [(i.end_ms - i.start_ms, getattr(i, side)) for i in intervals if i.planned is not None]
    length = sum(ms for ms, _ in loads)
    calls = sum(load.calls for _, load in loads)
    fresh = sum(load.fresh for _, load in loads)
    if cause is Cause.ENVIRONMENT:
        return f"{fresh:,.0f}"
    if cause is Cause.METHOD:
        return f"{100 * (calls - fresh) / calls:.1f} %" if calls else "-"
    if cause is Cause.MATERIAL:
        worked_s = sum(load.calls * load.handle_s for _, load in loads)
        return f"{worked_s / calls:.0f}" if calls else "-"
    name = "agents" if cause is Cause.PEOPLE else "up"
    mean = sum(ms * getattr(load, name) for ms, load in loads) / length
    return f"{mean:.1f}" if cause is Cause.PEOPLE else percent(mean)


def as_json(found: Causes) -> dict[str, Any]:
    """Return it for programs: epoch milliseconds, shares 0..1, a point above 0 was lost."""
    explained = found.explanation
    return {
        "v": 1,
        "client": found.key.client,
        "site": found.key.site,
        "queue": found.key.queue,
        "zone": found.zone,
        "from_ms": found.from_ms,
        "to_ms": found.to_ms,
        "goal": found.target.goal_permille / 1000,
        "definition": found.target.rules.name,
        "formula": str(found.target.rules.service_level),
        "reason": None if explained.reason is None else str(explained.reason),
        "planned": explained.planned,
        "modelled": explained.modelled,
        "observed": explained.observed,
        "fall": explained.fall,
        "causes": [
            {
                "cause": str(cause),
                "points": points,
                "parts": [
                    {"kind": p.kind, "name": p.name, "amount": p.amount, "points": p.points}
                    for p in found.parts[cause]
                ],
            }
            for cause, points in explained.ordered
        ],
        "remainder": explained.remainder,
        "unplanned_calls": explained.unplanned,
        "patience_s": found.patience.mean_s,
        "notes": [*found.notes, MODEL],
    }
