"""Draws what sources say of agents: disorder, repeats, ties, heart-beats, midnight, DST days."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any

from pipeline.config_agent_time import AgentTimeEntry, AgentTimes
from pipeline.domain.agent_session import HEARTBEAT
from pipeline.domain.agent_terms import PRECEDENCE, AgentTimeTerms, Measure, MeasureTerms, Ringing
from pipeline.domain.business_time import midnight_ms
from pipeline.domain.events import AgentState, AgentStateEvent
from pipeline.domain.fact import FactKind, identified
from pipeline.domain.schedule import ACTIVITIES, ScheduledSpan
from pipeline.domain.shift import Shift

MINUTE = 60_000
HOUR = 3_600_000
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
# Besides: clocks that change at midnight, by half an hour, and back over midnight.
ODD_ZONES = {
    "bey": "Asia/Beirut",
    "cai": "Africa/Cairo",
    "lhi": "Australia/Lord_Howe",
    "nfl": "America/St_Johns",
}
ZONES = {"": BERLIN, "ny": NEW_YORK, **ODD_ZONES}

# DST days of the zones, the days around a month's edge, the day on which terms change.
DAYS = {
    "2010-11": [date(2010, 11, 7), date(2010, 11, 8)],
    "2025-03": [date(2025, 3, 9), date(2025, 3, 30), date(2025, 3, 31), date(2025, 3, 17)],
    "2025-11": [date(2025, 11, 2), date(2025, 11, 1), date(2025, 11, 17)],
    "2025-10": [date(2025, 10, 5), date(2025, 10, 26), date(2025, 10, 17), date(2025, 10, 31)],
}
REASONS = [None, None, "", "coaching", "rona"]

FIRST = AgentTimeTerms(
    lost_after_ms=4 * MINUTE,
    longest_silence_ms=16 * HOUR,
    measures={
        Measure.PRODUCTIVE: MeasureTerms(
            states=frozenset({"available", "ringing", "on_contact", "other:coaching"}),
        ),
        Measure.BILLABLE: MeasureTerms(
            states=frozenset({"available", "on_contact", "after_call_work", "break:rona"}),
            counts_presumed=False,
            minimum_login_ms=30 * MINUTE,
        ),
        Measure.PAID: MeasureTerms(
            states=frozenset({"available", "on_contact", "break", "other", "meal"}),
            caps={AgentState.BREAK: 20 * MINUTE, AgentState.MEAL: 0},
        ),
    },
    adherence={
        "on_queue": frozenset({AgentState.AVAILABLE, AgentState.ON_CONTACT}),
        "break": frozenset({AgentState.BREAK, AgentState.LOGGED_OUT}),
        "meal": frozenset({AgentState.LOGGED_OUT}),
        "leave": frozenset({AgentState.LOGGED_OUT}),
    },
)
SECOND = AgentTimeTerms(
    precedence=(AgentState.BREAK, *(s for s in PRECEDENCE if s is not AgentState.BREAK)),
    lost_after_ms=2 * MINUTE + 1,
    ringing=Ringing.OCCUPIED,
    measures={
        Measure.PRODUCTIVE: MeasureTerms(states=frozenset({"training"}), counts_presumed=False),
        Measure.BILLABLE: MeasureTerms(
            states=frozenset({"available", "break"}),
            caps={AgentState.BREAK: 7 * MINUTE, AgentState.AVAILABLE: HOUR},
        ),
        Measure.PAID: MeasureTerms(
            states=frozenset({"available", "break", "training"}),
            caps={AgentState.BREAK: 11 * MINUTE},
            minimum_login_ms=2 * HOUR,
        ),
    },
    adherence={"on_queue": frozenset({AgentState.RINGING}), "break": frozenset()},
)


def terms(month: str) -> AgentTimes:
    """Return terms that change on the 17th of the month."""
    year, number = map(int, month.split("-"))
    dated = ((date(2000, 1, 1), FIRST), (date(year, number, 17), SECOND))
    return AgentTimes((AgentTimeEntry("*", dated),), version="test")


def a_state_event(
    state: AgentState | str, at: int, *, source: str = "acd", number: int = 0, **fields: object
) -> AgentStateEvent:
    """Return an event of one agent; ``number`` tells events apart."""
    values: dict[str, object] = {
        "v": 1,
        "event_id": f"{source}-{number}-{at}-{state}",
        "client": "acme",
        "agent": "ann",
        "source_position": str(number),
    }
    values |= fields
    return AgentStateEvent(
        state=AgentState(state),
        occurred_at_ms=at,
        source=source,
        **values,  # type: ignore[arg-type]
    )


def draw_log(
    rng: random.Random, month: str, *, client: str = "acme", site: str = "", agent: str = "ann"
) -> list[AgentStateEvent]:
    """Draw the log of one agent around one or two business days."""
    log: list[AgentStateEvent] = []
    for source in rng.choice([["acd"], ["acd"], ["acd", "connect"], ["a", "b", "ü"]]):
        beats = rng.random() < 0.5
        for day in rng.sample(DAYS[month], rng.choice([1, 1, 2])):
            midnight = midnight_ms(day, ZONES[site])
            at = midnight + rng.choice([-HOUR, -1, 0, 1, HOUR, 100 * MINUTE, 20 * HOUR])
            for _ in range(rng.randint(1, 12)):
                kind = rng.choice(list(AgentState))
                reason = HEARTBEAT if beats and rng.random() < 0.5 else rng.choice(REASONS)
                if reason == HEARTBEAT and log and rng.random() < 0.8:
                    kind = log[-1].state
                log.append(
                    a_state_event(
                        kind,
                        at,
                        source=source,
                        number=len(log),
                        client=client,
                        site=site,
                        agent=agent,
                        reason=reason,
                    )
                )
                steps = [0, 0, 1, MINUTE, 2 * MINUTE, 2 * MINUTE + 1, 4 * MINUTE, 4 * MINUTE + 1]
                at += rng.choice([*steps, 15 * MINUTE, rng.randint(1, 3 * HOUR), HOUR, 16 * HOUR])
    if rng.random() < 0.5:
        rng.shuffle(log)
    for event in rng.sample(log, rng.randint(0, min(3, len(log)))):
        log.insert(rng.randint(0, len(log)), event)
    return log


def draw_shifts(rng: random.Random, spans: list[ScheduledSpan], agent: str) -> list[Shift]:
    """Draw what a planner sent, in any order, so that the given spans are what holds in the end.

    Spans that have a start and an activity in common are told apart by a number. Some come twice,
    some were different before, some others were there and have been withdrawn.
    """
    sent: list[Shift] = []
    for number, span in enumerate(spans):
        values = {**asdict(span), "shift_id": f"{agent}-{number}", "as_of_ms": rng.randint(5, 9)}
        sent += [a_shift(agent, **values)] * rng.choice([1, 1, 2])
        for _ in range(rng.choice([0, 0, 1, 2])):
            start = span.start_ms + rng.randint(-HOUR, HOUR)
            older = {"start_ms": start, "end_ms": start + HOUR, "as_of_ms": rng.randint(1, 4)}
            sent.append(a_shift(agent, **values | older, is_withdrawn=rng.random() < 0.3))
    for number in range(rng.choice([0, 0, 1])):
        gone = a_shift(agent, start_ms=1, end_ms=2 * HOUR, as_of_ms=3, shift_id=f"gone-{number}")
        sent += [gone, identified(FactKind.SCHEDULE, replace(gone, as_of_ms=4, is_withdrawn=True))]
    rng.shuffle(sent)
    return sent


def a_shift(agent: str, **fields: Any) -> Shift:
    """Return a shift of an agent, identified."""
    values: dict[str, Any] = {
        "v": 1,
        "record_id": "",
        "revision_id": "",
        "as_of_ms": 1,
        "client": "acme",
        "source": "wfm",
        "source_position": "",
        "activity": "on_queue",
        "is_paid": True,
        "is_billable": True,
    }
    return identified(FactKind.SCHEDULE, Shift(agent=agent, **values | fields))


def draw_schedule(rng: random.Random, month: str, *, site: str = "") -> list[ScheduledSpan]:
    """Draw spans of one agent, some within others, some across midnight."""
    spans = []
    for _ in range(rng.randint(0, 6)):
        midnight = midnight_ms(rng.choice(DAYS[month]), ZONES[site])
        start = midnight + rng.choice([-2 * HOUR, 0, 1, HOUR, 9 * HOUR, rng.randint(0, 20) * HOUR])
        spans.append(
            ScheduledSpan(
                start_ms=start,
                end_ms=start + rng.choice([0, 1, 30 * MINUTE, 4 * HOUR, 9 * HOUR]),
                activity=rng.choice([*ACTIVITIES, "on_queue", "on_queue"]),
                is_paid=rng.random() < 0.7,
                is_billable=rng.random() < 0.7,
            )
        )
    return spans


def month_days(month: str, zone: str) -> list[tuple[date, int, int]]:
    """Return the business days of a month with their bounds."""
    year, number = map(int, month.split("-"))
    day, found = date(year, number, 1), []
    while day.month == number:
        after = day + timedelta(days=1)
        found.append((day, midnight_ms(day, zone), midnight_ms(after, zone)))
        day = after
    return found
