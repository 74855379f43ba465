"""The golden month: simulated, with the edges that a simulation rarely meets, and built by DuckDB.

October 2025: one client's calendar is Berlin's, whose clock goes back on the 26th.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import duckdb

from benchmarks.month import land
from pipeline.batch import inputs, models
from pipeline.batch.agent_parameters import put_agent_parameters
from pipeline.batch.contract_terms import load_contracts
from pipeline.batch.definitions import terms_of
from pipeline.batch.risk_parameters import put_risk_parameters
from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import TOPICS
from pipeline.config_agent_time import load_agent_time
from pipeline.config_files import load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.business_time import Month
from pipeline.domain.fact import FactKind
from pipeline.lake import warehouse
from pipeline.lake.shape import AGENT_STATES, ALERTS, CALL_EVENTS
from pipeline.settings import PROJECT_ROOT
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import AGENT_STATES_FILE, CALLS_FILE, write_canonical
from tests.spark.drawn import HOUR_MS, draw, draw_alert

MONTH: Final = Month(2025, 10)
SCALE: Final = 0.2
FACTS: Final = 300
"""Of each kind, and alerts."""
NOON_MS: Final = 1_760_155_200_000
"""2025-10-11 12:00 in Shanghai."""
CLOSED: Final = ("meridian", "sh", "service")
"""The queue whose month was closed by other terms than the configuration has now."""
QUEUES: Final = """\
queues:
  - {client: "*", site: "*", queue: "*", zone: Asia/Shanghai, terms: [
      {from: 2025-01-01, threshold_s: 20, goal_pct: 80, long_hold_s: 120}]}
  - {client: meridian, site: "*", queue: service, zone: Asia/Shanghai, terms: [
      {from: 2025-01-01, threshold_s: 20, goal_pct: 80, long_hold_s: 120},
      {from: 2025-10-11, threshold_s: 15, goal_pct: 85, long_hold_s: 120, definition: forgiving,
       opening_hours: {mon: ["09:00-20:00"], tue: ["09:00-20:00"], wed: ["09:00-20:00"],
         thu: ["09:00-20:00"], fri: ["22:00-06:00"], closed_on: [2025-10-20]}}]}
  - {client: meridian, site: "*", queue: orders, zone: Asia/Shanghai, terms: [
      {from: 2025-01-01, threshold_s: 20, goal_pct: 80, long_hold_s: 120,
       definition: customer_wait}]}
  - {client: meridian, site: "*", queue: returns, zone: Asia/Shanghai, terms: [
      {from: 2025-01-01, threshold_s: 30, goal_pct: 80, long_hold_s: 120, definition: genesys}]}
  - {client: harbour, site: "*", queue: "*", zone: Europe/Berlin, terms: [
      {from: 2025-01-01, threshold_s: 30, goal_pct: 80, long_hold_s: 180, definition: connect},
      {from: 2025-10-15, threshold_s: 30, goal_pct: 80, long_hold_s: 180, definition: wazo},
      {from: 2025-10-25, threshold_s: 25, goal_pct: 80, long_hold_s: 180, definition: asterisk}]}
"""


def build(home: Path) -> Path:
    """Simulate, land and build the month; return its database.

    What the models read lies in ``home/inputs/<schema>/<table>`` as Parquet, for the other engine.
    """
    order = Order(
        scenario=Scenario.NORMAL_MONTH,
        seed=1,
        year=MONTH.year,
        month=MONTH.month,
        scale=SCALE,
        late_rate=0.01,
    )
    simulated = home / "simulated"
    write_canonical(order, simulated, lambda _calls: None)
    with (simulated / CALLS_FILE).open("ab") as calls:
        calls.writelines(_edges())
    land(simulated / CALLS_FILE, CALL_EVENTS, home)
    land(simulated / AGENT_STATES_FILE, AGENT_STATES, home)
    seen = [_some(simulated / name) for name in (CALLS_FILE, AGENT_STATES_FILE)]
    rng = Random(1)  # noqa: S311 - the same facts every time
    for kind in FactKind:
        file = simulated / f"{kind}.ndjson"
        drawn = (draw(rng, kind, FACTS, *seen) for _ in range(FACTS))
        file.write_bytes(b"".join(encode(fact) + b"\n" for fact in drawn))
        land(file, TOPICS[kind], home)
    told = simulated / f"{ALERTS}.ndjson"
    alerts = (draw_alert(rng, FACTS, seen[0]) for _ in range(FACTS))
    told.write_text("".join(json.dumps(a, separators=(",", ":")) + "\n" for a in alerts))
    land(told, ALERTS, home)
    database = home / "build.duckdb"
    _put(database, home)
    models.build(
        PROJECT_ROOT / "dbt_like_sql",
        database,
        work=home / "duckdb",
        variables={"month": str(MONTH), "admitted_only": False},
    )
    return database


def _put(database: Path, home: Path) -> None:
    """Show the landed files to the build database, put the parameters, write both as Parquet."""
    config = home / "config"
    shutil.copytree(PROJECT_ROOT / "config", config, dirs_exist_ok=True)
    (config / "queues.yaml").write_text(QUEUES)
    (config / "contracts" / "bank.yaml").unlink()
    harbour = config / "contracts" / "harbour.yaml"
    # a price of four decimals, so that a line has digits to round
    text = harbour.read_text().replace('"1.35"', '"1.3457"')
    harbour.write_text(text.replace("Asia/Shanghai", "Europe/Berlin"))
    targets = load_targets(config / "queues.yaml")
    before = load_targets(PROJECT_ROOT / "config" / "queues.yaml")
    found = inputs.find(home / "landing", MONTH, repeat_days=targets.longest_repeat_days)
    with warehouse.connect(database, spill=home / "spill") as con:
        inputs.show(con, found, None)
        inputs.put_all_parameters(
            con,
            month=MONTH,
            targets=targets,
            contracts=load_contracts(config / "contracts"),
            watermarks=None,
            closed={CLOSED: terms_of(before.history(*CLOSED))},
        )
        put_agent_parameters(con, load_agent_time(config / "agent_time.yaml"))
        put_risk_parameters(con, load_wind_vane(config / "wind_vane.yaml"))
        _export(con, home / "inputs")


def _export(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    tables = con.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in ('landed', 'params') order by all"
    ).fetchall()
    for schema, table in tables:
        target = folder / schema / table
        target.mkdir(parents=True, exist_ok=True)
        con.execute(f"copy (from {schema}.{table}) to '{target}/rows.parquet'")


def _edges() -> Iterator[bytes]:
    """Yield calls that wait exactly the threshold, a redelivery, and one that contradicts."""
    number = 0
    for wait_ms in (19_999, 20_000, 20_001):
        for at_ms, site in ((NOON_MS - 48 * HOUR_MS, "sh"), (NOON_MS, "cd")):
            number += 1
            head = {"v": 1, "client": "meridian", "site": site, "queue": "orders", "leg": 1}
            head |= {"contact_id": f"edge-{number}", "source": "edge"}
            events: list[dict[str, Any]] = [
                {"type": "queued", "occurred_at_ms": at_ms},
                {"type": "answered", "occurred_at_ms": at_ms + wait_ms, "agent": "ann"},
                {"type": "ended", "occurred_at_ms": at_ms + 90_000, "reason": "caller"},
            ]
            again = events[1] | {"agent": "bob"} if number % 2 else events[1]
            for event_id, event in zip("012" + "1", [*events, again], strict=True):
                named = {"event_id": f"edge-{number}-{event_id}", "source_position": event_id}
                yield json.dumps(head | named | event, separators=(",", ":")).encode() + b"\n"


def _some(file: Path) -> list[dict[str, Any]]:
    """Return a hundred events to speak of in facts."""
    lines = file.read_bytes().splitlines()
    return [json.loads(line) for line in lines[:: max(1, len(lines) // 100)]]
