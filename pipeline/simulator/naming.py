"""What simulated sources, contacts and callers are called.

Names hold the run (scenario, seed and scale), so that two simulations of one day, say a normal
and a double11 one, never share a contact or an event id.
"""

from __future__ import annotations

from pipeline.simulator.plan import DayPlan


def source(plan: DayPlan) -> str:
    """Return the name of the system a floor's events come from."""
    return f"sim.{plan.client.name}.{plan.site}" if plan.site else f"sim.{plan.client.name}"


def position_prefix(plan: DayPlan) -> str:
    """Return what all source positions of a floor's day begin with."""
    return f"{plan.run}/{plan.day:%Y%m%d}/"


def contact_prefix(plan: DayPlan) -> str:
    """Return what the contact ids of a floor's day begin with; the contact's number follows."""
    return f"{plan.run}-{plan.site or plan.client.name}-{plan.day:%Y%m%d}-"


def caller_number(customer: int) -> str:
    """Return an invented telephone number."""
    return f"86199{customer:08d}"
