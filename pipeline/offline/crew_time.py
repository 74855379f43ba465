"""How long agents were there for a queue in each of some intervals, by schedule and in fact.

An agent of several queues counts for one by the share of what the agent answered in it, over the
weeks up to the window: so who was scheduled and stayed away all day is still one of the queue's.
Ready is who can take a call, has one, or is working one off; offers let ring are taken off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.domain.agent_session import sessions
from pipeline.domain.agent_terms import AgentTermHistory
from pipeline.domain.events import AgentState, AgentStateEvent
from pipeline.domain.ledger import resolve
from pipeline.domain.schedule import flatten, shifts
from pipeline.domain.shift import Shift, spans
from pipeline.lake.window_log import WindowLeg

READY: Final = frozenset(
    {
        AgentState.AVAILABLE,
        AgentState.RINGING,
        AgentState.ON_CONTACT,
        AgentState.AFTER_CALL_WORK,
    }
)
ON_QUEUE: Final = "on_queue"
PRESUMED_MS: Final = 3_600_000
"""How long an agent without a further event is taken to be there at the end of a window."""
Span = tuple[int, int]
ByAgent = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class CrewTime:
    """Seconds by agent, by interval; agents without any are left out.

    ``refused``: offers let ring in the whole window, calls by agent, for the record.
    """

    scheduled: ByAgent
    ready: ByAgent
    refused: Mapping[str, int]


def total(of: ByAgent, intervals: int) -> list[float]:
    """Return the seconds of all agents in each interval."""
    return [sum(seconds[i] for seconds in of.values()) for i in range(intervals)]


def crew_time(
    intervals: Sequence[Sequence[Span]],
    *,
    weights: Mapping[str, float],
    states: Mapping[str, Sequence[AgentStateEvent]],
    planned: Mapping[str, Sequence[Shift]],
    legs: Iterable[WindowLeg],
    history: AgentTermHistory,
) -> CrewTime:
    """Return the time of the queue's agents within intervals.

    Args:
        intervals: the spans of each, ``[start_ms, end_ms)``: several where an outage is cut out.
        weights: agent to the share of the agent's work that is the queue's.
        states: agent to state events in the order of the log.
        planned: agent to shifts.
        legs: the queue's legs, for offers let ring.
        history: the dated terms of agents' time.
    """
    rung: dict[str, list[Span]] = {}
    for leg in legs:
        for agent, span in _let_ring(leg):
            rung.setdefault(agent, []).append(span)
    scheduled, ready = {}, {}
    for agent, weight in sorted(weights.items()):
        flat = flatten(spans(planned.get(agent, ())))
        on_queue = [(s.start_ms, s.end_ms) for s in flat if s.activity == ON_QUEUE]
        events = states.get(agent, ())
        worked = shifts(flat) + _still_there(events, intervals)
        ledger = resolve(sessions(events, history, worked), history)
        there = [(s.start_ms, s.end_ms) for s in ledger if s.state in READY]
        out = rung.get(agent, [])
        scheduled[agent] = [weight * _within(on_queue, bounds) for bounds in intervals]
        ready[agent] = [
            # The offers are this queue's own: they are taken off whole.
            max(0.0, weight * _within(there, bounds) - _within(out, bounds))
            for bounds in intervals
        ]
    return CrewTime(
        scheduled={agent: row for agent, row in scheduled.items() if any(row)},
        ready={agent: row for agent, row in ready.items() if any(row)},
        refused={agent: len(found) for agent, found in sorted(rung.items())},
    )


def _still_there(
    events: Sequence[AgentStateEvent], intervals: Sequence[Sequence[Span]]
) -> list[Span]:
    """Return, as a shift to its end, a last state that began shortly before the window ends.

    At the end of the log nobody has logged out yet; the month's rule, that a state without a next
    event was over where it began, would take those away who are just taking calls.
    """
    until = max((end for spans_ in intervals for _, end in spans_), default=0)
    last = max((event.occurred_at_ms for event in events), default=until)
    return [(last, until)] if until - PRESUMED_MS <= last < until else []


def _let_ring(leg: WindowLeg) -> Iterable[tuple[str, Span]]:
    """Yield agent and time of each offer let ring; one without a known start took no time."""
    for at, agent in leg.facts.no_answers or ():
        began = [o for o, who in leg.facts.offers or () if who == agent and o <= at]
        yield agent, (max(began, default=at), at)


def _within(given: Iterable[Span], bounds: Sequence[Span]) -> float:
    """Return the seconds of spans that lie within bounds."""
    milliseconds = sum(
        max(0, min(end, until) - max(start, since))
        for start, end in given
        for since, until in bounds
    )
    return milliseconds / 1000
