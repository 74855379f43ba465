"""Why a queue's service level fell in a window, from what is landed, published or stated.

The same sources in the same order as ``situation.py``: stated before landed before published, and
every assumption is said. A figure that nobody knows is taken as planned, so that its cause has no
points, which is said as well: an explanation is not to blame what it has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.config_agent_time import AgentTimes
from pipeline.config_files import Targets
from pipeline.domain.incident import Cause
from pipeline.domain.kpi import average_handle_time_ms
from pipeline.domain.target import ServiceTarget
from pipeline.errors import InputError
from pipeline.lake.queue_day import Quarter, QueueData, QueueKey
from pipeline.lake.window_log import WindowLog
from pipeline.offline import culprits
from pipeline.offline.crew_time import CrewTime, Span, crew_time, total
from pipeline.offline.expectation import LEAST_CALLS
from pipeline.offline.faults import clear_of, faults_of, up_of
from pipeline.offline.rework import rework_of
from pipeline.offline.situation import LATE_MS, counted_parts, patience_for
from pipeline.offline.weeks import usual_counts
from pipeline.offline.window_plan import Planned, StatedPlan, plan_of, quarters_of
from pipeline.staffing.attribution import Amount, Part, shared_out
from pipeline.staffing.cause import Explanation, Interval, Load, explain
from pipeline.staffing.patience import Patience
from pipeline.staffing.service import goal_of

_DAY_MS: Final = 86_400_000
_MEMORY_MS: Final = 28 * _DAY_MS
"""How far back it is looked whose agents are the queue's."""
LONGEST_MS: Final = 32 * _DAY_MS
"""A window is a month at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """The explanation of a window, who and what is behind each cause, and what was assumed."""

    key: QueueKey
    from_ms: int
    to_ms: int
    zone: str
    target: ServiceTarget
    explanation: Explanation
    intervals: Sequence[Interval]
    parts: Mapping[Cause, tuple[Part, ...]]
    patience: Patience
    notes: list[str] = field(default_factory=list)


def find_causes(
    key: QueueKey,
    window: Span,
    *,
    targets: Targets,
    times: AgentTimes,
    data: QueueData,
    log: WindowLog,
    stated: StatedPlan,
) -> Causes:
    """Return why the service level of a queue fell within ``[from_ms, to_ms)``.

    Raises:
        InputError: the window is none; or nobody has planned what is needed.
    """
    if not window[0] < window[1] <= window[0] + LONGEST_MS:
        msg = "--from, --to: expected a window of more than nothing and at most a month"
        raise InputError(msg)
    target, zone = targets.history(*key).at(window[0]), targets.zone(*key)
    notes = [f"counts from {data.source}"]
    window = _as_far_as_known(window, data, notes)
    bounds = quarters_of(*window)
    counts = _by_quarter(data.quarters(key, *window), bounds)
    legs = log.legs(key, *window)
    faults = faults_of(log.incidents(key, *window), window, notes)
    clear = [clear_of(span, faults) for span in bounds]
    crew = crew_time(
        clear,
        weights=log.weights(key, window[0] - _MEMORY_MS, window[1]),
        states=log.states(key.client, key.site, *window),
        planned=log.shifts(key.client, key.site, *window),
        legs=legs,
        history=times.history(key.client, zone),
    )
    clear_s = [sum(end - start for start, end in spans) / 1000 for spans in clear]
    scheduled_s = [
        seconds * (span[1] - span[0]) / 1000 / clear_ if clear_ else 0.0
        for seconds, span, clear_ in zip(
            total(crew.scheduled, len(bounds)), bounds, clear_s, strict=True
        )
    ]
    usual = usual_counts(key, window, zone, data)
    plan = plan_of(
        key,
        bounds,
        target=target,
        data=data,
        stated=stated,
        scheduled_s=scheduled_s,
        usual=usual,
        notes=notes,
    )
    rework = rework_of(key, window, target, log, stated.rework, notes)
    handle_s = _handle(counts, plan, notes)
    agents = _agents(crew, plan, clear_s, stated, notes)
    intervals = [
        _interval(
            span,
            planned,
            quarter,
            target,
            rework.planned,
            Load(
                fresh=(quarter.counts["offered"] if quarter else 0) / (1 + rework.actual),
                rework=rework.actual,
                handle_s=handle_s[i],
                agents=agents[i],
                up=up_of(span, faults, quarter),
            ),
        )
        for i, (span, planned, quarter) in enumerate(zip(bounds, plan, counts, strict=True))
    ]
    patience = patience_for(key, data, stated.patience_s, notes)
    found = explain(goal_of(target), intervals, patience.mean_s)
    amounts: dict[Cause, list[Sequence[Amount]]] = {
        Cause.PEOPLE: [culprits.by_agent(crew, intervals, clear_s)] if crew.scheduled else [],
        Cause.MACHINE: [culprits.by_fault(faults)],
        Cause.MATERIAL: [
            culprits.by_handler(legs, window, intervals),
            culprits.by_phase([q for q in counts if q], usual),
        ],
        Cause.METHOD: [rework.by_source],
        Cause.ENVIRONMENT: [culprits.by_hour(intervals, zone)],
    }
    return Causes(
        key=key,
        from_ms=window[0],
        to_ms=window[1],
        zone=zone,
        target=target,
        explanation=found,
        intervals=intervals,
        parts={
            cause: tuple(p for rows in kinds for p in shared_out(found.points[cause], rows))
            for cause, kinds in amounts.items()
        },
        patience=patience,
        notes=notes,
    )


def _as_far_as_known(window: Span, data: QueueData, notes: list[str]) -> Span:
    known_ms = data.known_until_ms(window[1])
    if known_ms <= window[0]:
        msg = "--from: expected a time up to which counts have come; none of the window is known"
        raise InputError(msg)
    if window[1] - known_ms > LATE_MS:
        minutes = (window[1] - known_ms) // 60_000
        notes.append(f"counts end {minutes} min before the window does: it is cut there")
    return window[0], known_ms


def _by_quarter(quarters: Sequence[Quarter], bounds: Sequence[Span]) -> list[Quarter | None]:
    known = {quarter.start_ms: quarter for quarter in quarters}
    return [known.get(start) for start, _ in bounds]


def _interval(
    span: Span,
    planned: Planned | None,
    quarter: Quarter | None,
    target: ServiceTarget,
    rework: float,
    actual: Load,
) -> Interval:
    good, counted = counted_parts(target.rules, [quarter] if quarter else [])
    plan = None
    if planned is not None:
        plan = Load(
            fresh=planned.calls / (1 + rework),
            rework=rework,
            handle_s=planned.handle_s,
            agents=planned.agents,
        )
    return Interval(
        start_ms=span[0], end_ms=span[1], planned=plan, actual=actual, good=good, counted=counted
    )


def _handle(
    counts: Sequence[Quarter | None], plan: Sequence[Planned | None], notes: list[str]
) -> list[float]:
    """Return the handle time of each quarter hour, seconds.

    A quarter hour with few calls takes its plan times what the window's handle time is to its plan:
    the mean of a few calls is mostly chance, and chance is nobody's fault.
    """
    names = ("handled", "talk_ms", "hold_ms", "acw_ms")
    known = [q for q in counts if q]
    whole = {name: sum(q.counts[name] for q in known) for name in names}
    mean_ms = average_handle_time_ms(whole)
    if not mean_ms:
        notes.append("no handled calls: handle time is taken as planned, so material has no points")
    was_planned = sum(
        q.counts["handled"] * p.handle_s for q, p in zip(counts, plan, strict=True) if q and p
    )
    handled = sum(q.counts["handled"] for q, p in zip(counts, plan, strict=True) if q and p)
    times = mean_ms / 1000 * handled / was_planned if mean_ms and was_planned else 1.0
    found = []
    for quarter, planned in zip(counts, plan, strict=True):
        own_ms = average_handle_time_ms(quarter.counts) if quarter else None
        if quarter and own_ms and quarter.counts["handled"] >= LEAST_CALLS:
            found.append(own_ms / 1000)
        else:
            found.append(planned.handle_s * times if planned else 1.0)
    return found


def _agents(
    crew: CrewTime,
    plan: Sequence[Planned | None],
    clear_s: Sequence[float],
    stated: StatedPlan,
    notes: list[str],
) -> list[float]:
    """Return the agents on the phones in each quarter hour, outages left out."""
    planned = [p.agents if p else 0.0 for p in plan]
    if stated.agents is not None:
        notes.append(f"agents: {stated.agents:g} on average, as stated")
        mean = sum(planned) / max(1, sum(p is not None for p in plan))
        return [n * stated.agents / mean if mean else stated.agents for n in planned]
    if not crew.ready:
        notes.append(
            "no states of the queue's agents are landed: agents are taken as planned, so people "
            "have no points; say --agents"
        )
        return planned
    notes.append(f"agents by the states of the {len(crew.ready)} who answered for the queue")
    if crew.refused:
        calls = sum(crew.refused.values())
        worst = max(crew.refused, key=lambda agent: (crew.refused[agent], agent))
        notes.append(
            f"{calls:,} offers were let ring ({crew.refused[worst]:,} by {worst}): that time is "
            "taken off the agents'"
        )
    ready = total(crew.ready, len(plan))
    return [
        seconds / length if length else n
        for seconds, length, n in zip(ready, clear_s, planned, strict=True)
    ]
