"""By which zone and which terms agents' time stands in a closed month, site by site.

A month is closed by the first run that read after its end, in the site's zone, as it is for KPI
definitions (``definitions.py``). That run's manifest keeps the zone and the terms it counted
agents' time by, and every later run of the month counts by them: a day stays the day it was, and
an hour that was paid is not unpaid by a change of the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from pipeline.config_agent_time import AgentTimes
from pipeline.domain.agent_terms import AgentTermHistory, AgentTimeTerms
from pipeline.domain.business_time import Month
from pipeline.lake.catalog import FrozenAgentTerm, FrozenSite, Run

Site = tuple[str, str]
MARGIN_MS: Final = 3 * 86_400_000
"""A login that counts in a month began at most so long before it (``inputs.MARGIN_DAYS``)."""


class ClosedSite(NamedTuple):
    """What a site's month was closed with."""

    zone: str
    history: AgentTermHistory


def closed_sites(runs: Iterable[Run], month: Month) -> dict[Site, ClosedSite]:
    """Return what each site's month was closed with; sites not closed are left out.

    ``runs`` are all published runs, oldest first; those older than the freeze of agents' time say
    nothing of it.
    """
    closed: dict[Site, ClosedSite] = {}
    for run in runs:
        if run.month != str(month):
            continue
        for site in run.sites:
            if run.seen_until_ms >= month.bounds(site.zone)[1]:
                history = AgentTermHistory(
                    tuple(term.from_ms for term in site.agent_terms),
                    tuple(term.terms for term in site.agent_terms),
                )
                closed.setdefault((site.client, site.site), ClosedSite(site.zone, history))
    return closed


def history_in_force(
    site: Site, zone: str, times: AgentTimes, closed: Mapping[Site, ClosedSite]
) -> AgentTermHistory:
    """Return the terms of a site's agents: those of the closed month, else the configuration's."""
    found = closed.get(site)
    return times.history(site[0], zone) if found is None else found.history


def freeze(
    zones: Iterable[tuple[str, str, str]], times: AgentTimes, closed: Mapping[Site, ClosedSite]
) -> list[FrozenSite]:
    """Return what a run's manifest keeps of (client, site, zone in force)."""
    frozen = []
    for client, site, zone in zones:
        history = history_in_force((client, site), zone, times, closed)
        terms = zip(history.starts_ms, history.terms, strict=True)
        frozen.append(
            FrozenSite(
                client=client,
                site=site,
                zone=zone,
                agent_terms=[FrozenAgentTerm(from_ms=at, terms=held) for at, held in terms],
            )
        )
    return frozen


def changes(
    zones: Mapping[Site, str],
    times: AgentTimes,
    closed: Mapping[Site, ClosedSite],
    month: Month,
) -> Iterator[str]:
    """Yield what the configuration says otherwise now of sites whose month is closed.

    ``zones`` are those of the configuration.
    """
    for site, was in sorted(closed.items()):
        name = "/".join(part for part in site if part)
        now = zones.get(site, was.zone)
        if now != was.zone:
            yield (
                f"zone of agents' days changed since the month was closed: {name}; "
                f"{was.zone} stands, not {now}"
            )
        start, end = month.bounds(was.zone)
        bounds = (start - MARGIN_MS, end)
        current = times.history(site[0], was.zone)
        if _within(current, bounds) != _within(was.history, bounds):
            yield (
                f"terms of agents' time changed since the month was closed: {name}; "
                "the closed ones stand"
            )


def _within(history: AgentTermHistory, bounds: tuple[int, int]) -> list[tuple[int, AgentTimeTerms]]:
    """Return the terms that hold within bounds, those alike that follow each other as one."""
    start, end = bounds
    found = [(start, history.at(start))]
    for at, terms in zip(history.starts_ms, history.terms, strict=True):
        if start < at < end and found[-1][1] != terms:
            found.append((at, terms))
    return found
