"""Laws of agents' time: one state at a time, nothing lost, nothing counted twice, any splitting."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.agent_session import ClosedBy, sessions
from pipeline.domain.agent_terms import Measure
from pipeline.domain.agent_time import account, agent_counts, exclusions
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.ledger import resolve, totals
from pipeline.domain.schedule import adherence, flatten, shifts
from tests.agent_logs import DAYS, ZONES, draw_log, draw_schedule, month_days, terms

seeds = st.integers(0, 2**32)
months = st.sampled_from(sorted(DAYS))
sites = st.sampled_from(sorted(ZONES))


class Case:
    """One agent's month, all the way from the log."""

    def __init__(self, seed: int, month: str, site: str) -> None:
        rng = random.Random(seed)  # noqa: S311 - draws examples, not keys
        self.rng = rng
        self.zone = ZONES[site]
        self.log = draw_log(rng, month, site=site)
        self.flat = flatten(draw_schedule(rng, month, site=site))
        self.history = terms(month).history("acme", self.zone)
        self.sessions = sessions(self.log, self.history, shifts(self.flat))
        self.ledger = resolve(self.sessions, self.history)
        self.days = month_days(month, self.zone)
        self.pieces = account(self.ledger, self.days, self.history)
        self.parts = adherence(self.flat, self.ledger, self.days, self.history)


@given(seeds, months, sites)
def test_spells_ascend_never_overlap_and_are_never_empty(seed: int, month: str, site: str) -> None:
    ledger = Case(seed, month, site).ledger
    assert all(spell.start_ms < spell.end_ms for spell in ledger)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(ledger))


@given(seeds, months, sites)
def test_an_agent_is_logged_in_exactly_while_any_source_says_so(
    seed: int, month: str, site: str
) -> None:
    case = Case(seed, month, site)
    said = [(s.start_ms, s.end_ms) for login in case.sessions for s in login.spells]
    ledger = [(s.start_ms, s.end_ms) for s in case.ledger]
    for edge in {edge for span in said + ledger for edge in span}:
        for at in (edge - 1, edge):
            assert any(a <= at < b for a, b in said) == any(a <= at < b for a, b in ledger)


@given(seeds, months, sites)
def test_a_spell_says_how_the_login_ended_if_and_only_if_nothing_follows(
    seed: int, month: str, site: str
) -> None:
    ledger = Case(seed, month, site).ledger
    starts = {spell.start_ms for spell in ledger}
    for spell in ledger:
        assert (spell.closed_by is None) == (spell.end_ms in starts)
        if spell.is_presumed and spell.closed_by is not None:
            assert spell.closed_by in {ClosedBy.HEARTBEAT_LOSS, ClosedBy.SHIFT_END}


@given(seeds, months, sites, st.lists(st.integers(0, 31 * 86_400_000), max_size=9))
def test_splitting_anywhere_sums_to_the_whole(
    seed: int, month: str, site: str, cuts: list[int]
) -> None:
    case = Case(seed, month, site)
    start, end = case.days[0][1], case.days[-1][2]
    edges = sorted({start, end, *(min(start + cut, end) for cut in cuts)})
    whole = agent_counts(case.pieces, case.parts, start, end)
    added: Counter[str] = Counter()
    for a, b in pairwise(edges):
        part = agent_counts(case.pieces, case.parts, a, b)
        added.update(part)
        spent = totals(case.ledger, a, b)
        assert {state: part[f"{state}_ms"] for state in spent} == spent
        assert part["logged_in_ms"] == sum(spent.values()) <= b - a
    assert added == Counter(whole)


@given(seeds, months, sites, st.sampled_from([Grain.QUARTER_HOUR, Grain.HALF_HOUR]))
def test_intervals_add_up_to_days_and_days_to_the_month(
    seed: int, month: str, site: str, grain: Grain
) -> None:
    case = Case(seed, month, site)
    added: Counter[str] = Counter()
    for _, start, end in case.days:
        pieces = [p for p in case.pieces if p.start_ms < end and p.end_ms > start]
        parts = [p for p in case.parts if p.start_ms < end and p.end_ms > start]
        if not pieces and not parts:
            continue
        day: Counter[str] = Counter()
        for tile in Grid(case.zone, grain).tiles(start, end):
            a, b = tile.start_ms, tile.end_ms
            day.update(agent_counts(pieces, parts, a, b))
        assert day == Counter(agent_counts(pieces, parts, start, end))
        added += day
    whole = agent_counts(case.pieces, case.parts, case.days[0][1], case.days[-1][2])
    assert added == +Counter(whole)


@given(seeds, months, sites)
def test_time_logged_in_is_what_counts_and_what_is_excluded(
    seed: int, month: str, site: str
) -> None:
    case = Case(seed, month, site)
    excluded: Counter[tuple[object, Measure]] = Counter()
    for (day, measure, *_), spent in exclusions(case.pieces).items():
        excluded[day, measure] += spent
    for day, start, end in case.days:
        counts = agent_counts(case.pieces, case.parts, start, end)
        for measure in Measure:
            assert counts["logged_in_ms"] == counts[f"{measure}_ms"] + excluded[day, measure]


@given(seeds, months, sites)
def test_scheduled_time_is_covered_once_whatever_the_agent_did(
    seed: int, month: str, site: str
) -> None:
    case = Case(seed, month, site)
    start, end = case.days[0][1], case.days[-1][2]
    due = sum(
        max(0, min(span.end_ms, end) - max(span.start_ms, start))
        for span in case.flat
        if span.activity not in {"leave", "absence"}
    )
    counts = agent_counts(case.pieces, case.parts, start, end)
    assert counts["adherent_ms"] <= counts["scheduled_ms"] == due


@given(seeds, months, sites)
def test_neither_order_nor_repeats_matter_where_no_instant_is_told_twice(
    seed: int, month: str, site: str
) -> None:
    case = Case(seed, month, site)
    told = {(event.source, event.occurred_at_ms): event for event in case.log}
    log = list(told.values())
    shuffled = [*log, *case.rng.sample(log, min(3, len(log)))]
    case.rng.shuffle(shuffled)
    due = shifts(case.flat)
    assert sessions(shuffled, case.history, due) == sessions(log, case.history, due)
