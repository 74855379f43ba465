"""Are the formulas right, and are days won when the plan is followed? Against simulated days.

    make bench-staffing         (or: python -m benchmarks.staffing --days 200)

The 双11 day of the tests: 14 flat hours, AHT 240 s, patience 120 s, 20,000 calls where 15,000 were
expected. After a tenth of it, each day gets a plan of its own from its own counts; its rest is
simulated with a volume that is off by 5 % or so, once as the model takes the world to be, and then
with one thing otherwise that the plan does not know of.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean

from pipeline.domain.definition import KpiDefinition
from pipeline.staffing.curve import CONFIDENCE, Rules
from pipeline.staffing.day import DaySlot, Rest
from pipeline.staffing.erlang import Traffic, steady
from pipeline.staffing.plan import Plan, make_plan
from pipeline.staffing.pool import Lent, Source
from pipeline.staffing.redials import Redials
from pipeline.staffing.service import Goal
from pipeline.staffing.simulate import Callers, Slot, simulate

HOURS = 14
QUARTER_MS = 900_000
SLOTS = 4 * HOURS
PAST = round(SLOTS * 0.1)
CALLS = 20_000
AGENTS = 73
CALLERS = Callers(handle_s=240, patience_s=120, threshold_s=20)
GOAL = Goal(
    share=0.8, threshold_s=20, short_abandon_s=5, definition=KpiDefinition(name="benchmark")
)
POOL = (
    Source(name="leaders", lent=(Lent(0, SLOTS * QUARTER_MS, 12),), ramp_s=300),
    Source(name="others", lent=(Lent(0, SLOTS * QUARTER_MS, 40),), ramp_s=1200, cost_per_hour=1.5),
)


@dataclass(frozen=True)
class World:
    """How the rest of the day really is: callers, and calls and agents over the plan's."""

    name: str
    callers: Callers = CALLERS
    volume: float = 1.0
    present: float = 1.0


WORLDS = (
    World("as the model has it"),
    World("handle times even (cv 0.5)", replace(CALLERS, handle_cv=0.5)),
    World("handle times uneven (cv 1.5)", replace(CALLERS, handle_cv=1.5)),
    World("handle times 5 % longer", replace(CALLERS, handle_s=252)),
    World("patience 90 s, not 120", replace(CALLERS, patience_s=90)),
    World("40 % of those who give up call again", replace(CALLERS, redials=Redials(share=0.4))),
    World("5 % of the agents do not come", present=0.95),
    World("5 % more calls than the volume so far", volume=1.05),
)


def formulas(days: int) -> None:
    """Print Erlang A beside the mean of simulated days."""
    print(
        "| calls a day | agents | in time: formula | simulated | abandoned: formula | simulated |"
    )
    print("|---|---|---|---|---|---|")
    for calls, agents in ((15_000, 73), (20_000, 73), (20_000, 85), (20_000, 93), (20_000, 95)):
        slots = [Slot(length_s=900, calls=calls / SLOTS, agents=agents)] * SLOTS
        good = gone = offered = 0
        for seed in range(days):
            for row in simulate(slots, CALLERS, f"formula/{seed}")[4:]:
                good, gone, offered = good + row.within, gone + row.abandoned, offered + row.offered
        rate = calls / HOURS / 3600
        fate = steady(Traffic(rate_per_s=rate, handle_s=240, patience_s=120), agents).fate(20)
        print(
            f"| {calls:,} | {agents} | {100 * fate.answered_within:.1f} % | "
            f"{100 * good / offered:.1f} % | {100 * fate.abandoned:.1f} % | "
            f"{100 * gone / offered:.1f} % |"
        )


def planned(seed: int) -> tuple[Plan, int, int]:
    """Simulate a day's first tenth; return the plan it leads to, and its counts."""
    slots = [Slot(length_s=900, calls=CALLS / SLOTS, agents=AGENTS)] * (PAST + 4)
    rows = simulate(slots, CALLERS, f"past/{seed}")[4:]  # it starts empty
    good, counted = sum(row.within for row in rows), sum(row.offered for row in rows)
    rest = Rest(
        goal=GOAL,
        good=good,
        counted=counted,
        slots=tuple(
            DaySlot(
                start_ms=i * QUARTER_MS,
                end_ms=(i + 1) * QUARTER_MS,
                calls=CALLS / SLOTS,
                handle_s=240,
                agents=AGENTS,
            )
            for i in range(PAST, SLOTS)
        ),
        patience_s=120,
    )
    return make_plan(rest, POOL, PAST * QUARTER_MS, Rules()), good, counted


def level(plan: Plan, good: int, counted: int, world: World, seed: int) -> float:
    """Return how a day ends whose rest is simulated with the plan's agents."""
    busy = Random(f"busy/{seed}").gauss(world.volume, 0.05)  # noqa: S311 - a simulation
    before = [Slot(length_s=900, calls=CALLS / SLOTS, agents=AGENTS)] * 2
    slots = [
        Slot(
            length_s=slot.length_s,
            calls=busy * slot.calls,
            agents=round(world.present * (AGENTS + sum(people))),
        )
        for slot, people in zip(plan.rest.slots, plan.people, strict=True)
    ]
    rows = simulate([*before, *slots], world.callers, f"rest/{seed}")[2:]
    good += sum(row.within for row in rows)
    counted += sum(row.offered for row in rows)
    return good / counted


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=200)
    days = parser.parse_args().days
    formulas(max(10, days // 5))
    started = time.process_time()
    plans = [planned(seed) for seed in range(days)]
    spent = (time.process_time() - started) / days
    print(
        f"\n{days} days, wanted probability {100 * CONFIDENCE:g} %, {spent:.2f} s of processor time"
        f" a plan; mean cost {fmean(plan.cost for plan, *_ in plans):,.0f}\n"
    )
    print("| the rest of the day | days that end at 80 % or above | mean end |")
    print("|---|---|---|")
    for world in WORLDS:
        ends = [level(*plan, world, seed) for seed, plan in enumerate(plans)]
        won = sum(end >= GOAL.share for end in ends)
        print(f"| {world.name} | {100 * won / days:.1f} % | {100 * fmean(ends):.1f} % |")


if __name__ == "__main__":
    main()
