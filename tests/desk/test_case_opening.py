"""One case per customer that is not closed, and one per day at most, however often it is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, select

from pipeline.desk.case_opening import AtRisk, Opened, id_of, open_cases
from pipeline.desk.perform import perform
from pipeline.desk.store import engine_of, reading
from pipeline.desk.tables import cases
from tests.desk.conftest import password_of
from tests.desk.records import NOON_MS, a_command


def at_risk(number: int, **own: Any) -> AtRisk:
    known: dict[str, Any] = {
        "client": "acme",
        "site": "",
        "queue": "service",
        "customer_ref": f"{number:024x}",
        "contact_id": "c1",
        "business_on": "2025-11-11",
        "risk_milli": -3_000,
        "reason": "waited",
    }
    return AtRisk(**(known | own))


def opened(store: Engine, *listed: AtRisk, actor: str = "li") -> Opened:
    return open_cases(store, listed, actor=actor, via="cli", at_ms=NOON_MS, due_at_ms=NOON_MS + 5)


def test_a_case_is_opened_for_each_and_again_for_none(store: Engine) -> None:
    listed = [at_risk(1), at_risk(2), at_risk(1, client="other")]
    assert opened(store, *listed) == Opened(opened=3)
    assert opened(store, *listed, actor="wang") == Opened(known=3)
    with reading(store) as con:
        rows = con.execute(select(cases).order_by(cases.c.customer_ref)).mappings().all()
    assert len(rows) == 3
    for row in rows:
        assert (row["state"], row["version"], row["opened_at_ms"], row["due_at_ms"]) == (
            *("open", 1, NOON_MS, NOON_MS + 5),
        )


def test_who_has_a_case_that_is_not_closed_gets_no_second(store: Engine) -> None:
    opened(store, at_risk(1))
    perform(store, a_command("case", id_of(at_risk(1)), "take"))
    tomorrow = at_risk(1, business_on="2025-11-12")
    assert opened(store, tomorrow, at_risk(2)) == Opened(opened=1, alive=1)
    done = a_command("case", id_of(at_risk(1)), "close", given={"outcome": "averted"})
    perform(store, done)
    assert opened(store, at_risk(1)) == Opened(known=1)
    assert opened(store, tomorrow) == Opened(opened=1)


def test_two_that_open_at_once_open_one_case_each(store: Engine, url: str) -> None:
    engines = [engine_of(url, password_of(url)) for _ in range(3)]
    listed = [at_risk(number) for number in range(20)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda engine: opened(engine, *listed), engines))
    for engine in engines:
        engine.dispose()
    assert sorted((f.opened, f.known) for f in found) == [(0, 20), (0, 20), (20, 0)]
