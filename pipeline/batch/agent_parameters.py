"""Puts the dated terms of agents' time into the build database, as rows.

SQL joins the same history as half-open ranges that ``AgentTermHistory.at`` asks per instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import duckdb

from pipeline.batch.closed_sites import ClosedSite, Site, history_in_force
from pipeline.batch.parameters import EARLIEST_MS, LATEST_MS
from pipeline.config_agent_time import AgentTimes
from pipeline.domain.agent_terms import STATES, AgentTermHistory, AgentTimeTerms, Measure
from pipeline.domain.agent_time import is_occupiable, is_occupied
from pipeline.domain.events import AgentState
from pipeline.lake.warehouse import put_table

_TERM: Final = {"client": "VARCHAR", "site": "VARCHAR", "from_ms": "BIGINT"}

AGENT_TERMS: Final = {
    **_TERM,
    "to_ms": "BIGINT",
    "lost_after_ms": "BIGINT",
    "longest_silence_ms": "BIGINT",
    **{f"{measure}_counts_presumed": "BOOLEAN" for measure in Measure},
    **{f"{measure}_minimum_login_ms": "BIGINT" for measure in Measure},
}
AGENT_CLASSES: Final = {
    **_TERM,
    "to_ms": "BIGINT",
    "state": "VARCHAR",
    "reason": "VARCHAR",
    "precedence": "BIGINT",
    "is_occupied": "BOOLEAN",
    "is_occupiable": "BOOLEAN",
    **{f"is_{measure}": "BOOLEAN" for measure in Measure},
    **{f"{measure}_cap_ms": "BIGINT" for measure in Measure},
}
AGENT_ADHERENCE: Final = {**_TERM, "activity": "VARCHAR", "state": "VARCHAR"}


def put_agent_parameters(
    con: duckdb.DuckDBPyConnection,
    times: AgentTimes,
    closed: Mapping[Site, ClosedSite] = MappingProxyType({}),
) -> None:
    """Write the terms of every (client, site) of ``params.agent_zones``, which must be there.

    ``closed`` has what sites' months were closed with, where they were.
    """
    zones = con.execute("select client, site, zone from params.agent_zones order by all").fetchall()
    dated = [
        ((client, site), *term)
        for client, site, zone in zones
        for term in _dated(history_in_force((client, site), zone, times, closed))
    ]
    put_table(con, "agent_terms", AGENT_TERMS, (_term_row(*found) for found in dated))
    put_table(con, "agent_classes", AGENT_CLASSES, (r for found in dated for r in _classes(*found)))
    put_table(
        con,
        "agent_adherence",
        AGENT_ADHERENCE,
        (
            (*site, from_ms, activity, state)
            for site, from_ms, _, terms in dated
            for activity, states in terms.adherence.items()
            for state in states
        ),
    )


def _dated(history: AgentTermHistory) -> Iterator[tuple[int, int, AgentTimeTerms]]:
    starts = (EARLIEST_MS, *history.starts_ms[1:])
    ends = (*history.starts_ms[1:], LATEST_MS)
    yield from zip(starts, ends, history.terms, strict=True)


def _term_row(site: Site, from_ms: int, to_ms: int, terms: AgentTimeTerms) -> tuple[Any, ...]:
    measures = [terms.measures[measure] for measure in Measure]
    return (
        *(*site, from_ms, to_ms, terms.lost_after_ms, terms.longest_silence_ms),
        *(measure.counts_presumed for measure in measures),
        *(measure.minimum_login_ms for measure in measures),
    )


def _classes(
    site: Site, from_ms: int, to_ms: int, terms: AgentTimeTerms
) -> Iterator[tuple[Any, ...]]:
    """Yield a row per state, and one per state and reason that the terms name."""
    measures = [terms.measures[measure] for measure in Measure]
    named = {name.partition(":") for m in measures for name in m.states if ":" in name}
    listed: list[tuple[AgentState, str | None]] = [(state, None) for state in STATES]
    listed += [(AgentState(state), reason) for state, _, reason in sorted(named)]
    for state, reason in listed:
        yield (
            *(*site, from_ms, to_ms, state, reason, terms.precedence.index(state)),
            is_occupied(state, terms.ringing),
            is_occupiable(state, terms.ringing),
            *(measure.counts(state, reason) for measure in measures),
            *(measure.caps.get(state) for measure in measures),
        )
