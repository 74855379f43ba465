"""What a month was closed with is found in manifests, stands, and changes of it are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import msgspec
import pytest

from pipeline.batch.agent_parameters import put_agent_parameters
from pipeline.batch.closed_sites import changes, closed_sites, freeze, history_in_force
from pipeline.batch.parameters import put_parameters
from pipeline.config_agent_time import AgentTimes, load_agent_time
from pipeline.config_files import load_targets
from pipeline.domain.agent_terms import AgentTimeTerms
from pipeline.domain.business_time import Month
from pipeline.lake.catalog import FrozenSite, Run, read_runs, record
from pipeline.settings import PROJECT_ROOT
from tests.agent_logs import FIRST, terms

MONTH = Month(2025, 11)
SHANGHAI = "Asia/Shanghai"
END = MONTH.bounds(SHANGHAI)[1]
SITE = ("acme", "sh")
DAY = 86_400_000


def a_run(
    sites: list[FrozenSite],
    published_at_ms: int = END,
    month: str = "2025-11",
    read_at_ms: int = 0,
) -> Run:
    return Run(
        run_id=f"{month}-{published_at_ms}",
        month=month,
        client="",
        published_at_ms=published_at_ms,
        read_at_ms=read_at_ms,
        config_hash="",
        landed={},
        warnings=[],
        datasets=[],
        sites=sites,
    )


def frozen(times: AgentTimes, zone: str = SHANGHAI) -> list[FrozenSite]:
    return freeze([(*SITE, zone)], times, {})


def since(*dated: tuple[date, AgentTimeTerms]) -> AgentTimes:
    times = terms("2025-11")
    (entry,) = times.entries
    return replace(times, entries=(replace(entry, terms=dated),))


TIMES = since((date(2025, 1, 1), FIRST))
OTHER = replace(FIRST, lost_after_ms=1)


def test_the_first_run_after_the_months_end_closes_it() -> None:
    berlin = frozen(TIMES, "Europe/Berlin")
    too_early = a_run(berlin, END)  # Berlin's November goes on for seven hours
    elsewhere = a_run(berlin, END + DAY, month="2025-10")
    first, later = a_run(frozen(TIMES), END), a_run(frozen(since((date(2025, 1, 1), OTHER))), END)
    closed = closed_sites([too_early, elsewhere, first, later], MONTH)
    assert set(closed) == {SITE}
    assert closed[SITE].zone == SHANGHAI
    assert closed[SITE].history == TIMES.history("acme", SHANGHAI)
    assert closed_sites([a_run(frozen(TIMES), END - 1)], MONTH) == {}
    assert closed_sites([a_run([])], MONTH) == {}


def test_a_run_that_read_before_the_months_end_closes_nothing() -> None:
    early = a_run(frozen(TIMES), END + 600_000, read_at_ms=END - 1)
    assert closed_sites([early], MONTH) == {}
    whole = a_run(frozen(since((date(2025, 1, 1), OTHER))), END + DAY, read_at_ms=END)
    closed = closed_sites([early, whole], MONTH)
    assert closed[SITE].history.terms == (OTHER,)


def test_a_manifest_keeps_the_terms_whole_and_in_the_same_bytes(tmp_path: Any) -> None:
    times = load_agent_time(PROJECT_ROOT / "config" / "agent_time.yaml")
    run = a_run([*frozen(times), *frozen(terms("2025-11"))])
    written = []
    for _ in range(2):
        record(tmp_path, run)
        (path,) = (tmp_path / "manifest").glob("*.json")
        written.append(path.read_bytes())
        (run,) = read_runs(tmp_path)
    assert written[0] == written[1]
    assert run.sites == [*frozen(times), *frozen(terms("2025-11"))]
    older = msgspec.json.decode(written[0])
    del older["sites"]
    path.write_bytes(msgspec.json.encode(older))
    assert read_runs(tmp_path)[0].sites == []


def test_a_closed_site_stands_and_is_frozen_again_as_it_was() -> None:
    closed = closed_sites([a_run(frozen(TIMES))], MONTH)
    now = since((date(2025, 1, 1), OTHER))
    assert history_in_force(SITE, SHANGHAI, now, closed).terms == (FIRST,)
    assert history_in_force(("acme", "cd"), SHANGHAI, now, closed).terms == (OTHER,)
    assert freeze([(*SITE, SHANGHAI)], now, closed) == frozen(TIMES)


def told(now: AgentTimes, zone: str = SHANGHAI) -> list[str]:
    closed = closed_sites([a_run(frozen(TIMES))], MONTH)
    return [line.partition(" changed")[0] for line in changes({SITE: zone}, now, closed, MONTH)]


def test_only_what_moves_the_month_is_told() -> None:
    before, within, after = date(2025, 5, 1), date(2025, 11, 17), date(2025, 12, 1)
    start = date(2025, 1, 1)
    assert told(TIMES) == []
    assert told(TIMES, "Europe/Berlin") == ["zone of agents' days"]
    assert told(since((start, OTHER))) == ["terms of agents' time"]
    assert told(since((start, FIRST), (within, OTHER))) == ["terms of agents' time"]
    assert told(since((start, FIRST), (within, replace(FIRST)))) == []
    assert told(since((start, FIRST), (after, OTHER))) == []
    assert told(since((start, OTHER), (before, FIRST))) == []


def test_a_site_that_no_longer_occurs_has_no_zone_to_differ() -> None:
    closed = closed_sites([a_run(frozen(TIMES))], MONTH)
    assert list(changes({}, TIMES, closed, MONTH)) == []


@pytest.mark.parametrize("is_closed", [False, True])
def test_models_are_given_the_closed_zone_and_terms_and_without_them_todays(
    *, is_closed: bool
) -> None:
    closed = closed_sites([a_run(frozen(TIMES))], MONTH) if is_closed else {}
    targets = load_targets(PROJECT_ROOT / "config" / "queues.yaml")
    con = duckdb.connect(":memory:")
    put_parameters(
        con,
        month=MONTH,
        targets=targets,
        queues=[],
        agent_sites=[SITE],
        watermarks={},
        closed_zones={site: was.zone for site, was in closed.items()},
    )
    put_agent_parameters(con, since((date(2025, 1, 1), OTHER)), closed)
    zone = SHANGHAI if is_closed else targets.zone(*SITE, "*")
    for table in ("agent_zones", "sites"):
        assert con.execute(f"select zone from params.{table}").fetchall() == [(zone,)]
    start, end = MONTH.bounds(zone)
    assert con.execute("select min(from_ms), max(to_ms) from params.days").fetchall() == [
        (start, end)
    ]
    lost = con.execute("select lost_after_ms from params.agent_terms").fetchall()
    assert lost == [((FIRST if is_closed else OTHER).lost_after_ms,)]
