"""What simulated sources, contacts and callers are called.

Names hold the scenario, so that a double11 day and the same day of a normal month never share a
contact or an event id.
"""

from __future__ import annotations

from pipeline.simulator.plan import DayPlan


def source(plan: DayPlan) -> str:
    """Return the name of the system a floor's events come from."""
    return f"sim.{plan.client.name}.{plan.site}" if plan.site else f"sim.{plan.client.name}"


def position_prefix(plan: DayPlan) -> str:
    """Return what all source positions of a floor's day begin with."""
    return f"{plan.scenario}/{plan.day:%Y%m%d}/"


def contact_prefix(plan: DayPlan) -> str:
    """Return what the contact ids of a floor's day begin with; the contact's number follows."""
    return f"{plan.scenario}-{plan.day:%Y%m%d}-"


def caller_number(customer: int) -> str:
    """Return an invented telephone number."""
    return f"86199{customer:08d}"
