"""Puts the dated terms of agents' time into the build database, as rows.

SQL joins the same history as half-open ranges that ``AgentTermHistory.at`` asks per instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import duckdb

from pipeline.batch.parameters import EARLIEST_MS, LATEST_MS
from pipeline.config_agent_time import AgentTimes
from pipeline.domain.agent_terms import STATES, AgentTimeTerms, Measure
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

_Site = tuple[str, str]
_Dated = tuple[_Site, int, int, AgentTimeTerms]


def put_agent_parameters(con: duckdb.DuckDBPyConnection, times: AgentTimes) -> None:
    """Write the terms of every (client, site) of ``params.agent_zones``, which must be there."""
    zones = con.execute("select client, site, zone from params.agent_zones order by all").fetchall()
    dated = [found for client, site, zone in zones for found in _dated(times, client, site, zone)]
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


def _dated(times: AgentTimes, client: str, site: str, zone: str) -> Iterator[_Dated]:
    history = times.history(client, zone)
    starts = (EARLIEST_MS, *history.starts_ms[1:])
    ends = (*history.starts_ms[1:], LATEST_MS)
    for start, end, terms in zip(starts, ends, history.terms, strict=True):
        yield (client, site), start, end, terms


def _term_row(site: _Site, from_ms: int, to_ms: int, terms: AgentTimeTerms) -> tuple[Any, ...]:
    measures = [terms.measures[measure] for measure in Measure]
    return (
        *(*site, from_ms, to_ms, terms.lost_after_ms, terms.longest_silence_ms),
        *(measure.counts_presumed for measure in measures),
        *(measure.minimum_login_ms for measure in measures),
    )


def _classes(
    site: _Site, from_ms: int, to_ms: int, terms: AgentTimeTerms
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
