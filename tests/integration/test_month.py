"""A month from landed files to the catalog: one call, agents, a spoilt file, an empty month."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest

from pipeline.batch import inputs, models, publish
from pipeline.batch.agent_parameters import put_agent_parameters
from pipeline.batch.contract_terms import load_contracts
from pipeline.batch.month import Closed, close_month
from pipeline.batch.risk_parameters import put_risk_parameters
from pipeline.config_agent_time import load_agent_time
from pipeline.config_files import load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.business_time import Month
from pipeline.errors import GateClosed, InputError, TerminalError
from pipeline.lake import catalog, landing, manifest, warehouse
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS, SHAPES
from pipeline.quality.marts import PUBLISHED
from pipeline.settings import PROJECT_ROOT, Settings, load_settings
from tests.sql_mutation import project as dbt

NOVEMBER = Month(2025, 11)
CALL_MS = 1_762_833_600_000
"""2025-11-11 12:00 in Shanghai."""
CONTRACT = """\
client: acme
zone: Asia/Shanghai
currency: EUR
clauses:
  - {id: "1", title: Calls, kind: per_call, queues: ["*"],
     terms: [{from: 2025-01-01, unit_price: "3.335"}]}
"""
QUEUES = """\
queues:
  - client: "*"
    site: "*"
    queue: "*"
    zone: Asia/Shanghai
    terms:
      - {from: 2025-01-01, threshold_s: 20, comparison: "<=", goal_pct: 80, short_abandon_s: 5,
         long_hold_s: 120}
"""


@dataclass
class Rec:
    offset: int
    value: bytes | None
    timestamp: int
    key: bytes | None = b"acme"
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def land(
    settings: Settings,
    topic: str,
    values: list[dict[str, Any]],
    *,
    after: manifest.Batch | None = None,
) -> manifest.Batch:
    seq, first = (after.seq + 1, after.last + 1) if after else (0, 0)
    draft = landing.Draft(SHAPES[topic], "id", 0, seq, first)
    base = {"v": 1, "client": "acme", "source": "acd"}
    draft.add(
        [
            Rec(
                i,
                msgspec.json.encode(
                    {**base, "event_id": f"{topic}{i:05}", "source_position": str(i), **value}
                ),
                value["occurred_at_ms"],
                key=value.get("client", "acme").encode(),
            )
            for i, value in enumerate(values, first)
        ],
        now_ms=0,
    )
    batch = landing.write(settings.landing, draft)
    manifest.commit(settings.landing, batch)
    assert batch.rejects == 0
    return batch


def one_call(contact: str = "c1") -> list[dict[str, Any]]:
    leg = {"queue": "service", "contact_id": contact, "leg": 1}
    return [
        {**leg, "type": "queued", "occurred_at_ms": CALL_MS},
        {**leg, "type": "answered", "occurred_at_ms": CALL_MS + 9_000, "agent": "ann"},
        {**leg, "type": "ended", "occurred_at_ms": CALL_MS + 70_000, "reason": "caller"},
    ]


@pytest.fixture
def deployment(tmp_path: Path) -> Settings:
    """Settings of a deployment with one contract and nothing landed."""
    return deploy(tmp_path)


def deploy(folder: Path) -> Settings:
    config = folder / "config"
    (config / "contracts").mkdir(parents=True)
    (config / "contracts" / "acme.yaml").write_text(CONTRACT)
    (config / "queues.yaml").write_text(QUEUES)
    for name in ("agent_time.yaml", "wind_vane.yaml"):
        shutil.copy(PROJECT_ROOT / "config" / name, config)
    found = load_settings({"VANE_HOME": str(folder / "home")})
    return replace(found, config_dir=config)


def close(settings: Settings, month: Month = NOVEMBER) -> Closed:
    return close_month(settings, month, report=lambda _line: None)


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with catalog.open_catalog(settings.published) as con:
        return con.execute(sql).fetchall()


def test_a_clock_that_goes_back_over_midnight_puts_nothing_into_the_day_before(
    deployment: Settings,
) -> None:
    """St. John's until 2011: 00:01 on 7 November 2010 was followed by 23:01."""
    queues = deployment.config_dir / "queues.yaml"
    text = queues.read_text().replace("Asia/Shanghai", "America/St_Johns")
    queues.write_text(text.replace("from: 2025", "from: 2001"))
    (deployment.config_dir / "contracts" / "acme.yaml").unlink()
    again = 1_289_097_300_000  # 23:05, the second time: the 7th began five minutes ago
    calls = [
        {"queue": "service", "contact_id": c, "leg": 1, "type": kind, "occurred_at_ms": at, **extra}
        for c, queued in (("c1", again), ("c2", again - 12 * 3_600_000))
        for kind, at, extra in (
            ("queued", queued, {}),
            ("answered", queued + 9_000, {"agent": "ann"}),
            ("ended", queued + 60_000, {"reason": "caller"}),
        )
    ]
    land(deployment, CALL_EVENTS, calls)
    shift = [("available", again - 7_200_000), ("logged_out", again + 7_200_000)]
    states = [{"agent": "ann", "state": s, "occurred_at_ms": at} for s, at in shift]
    land(deployment, AGENT_STATES, states)
    close(deployment, Month(2010, 11))
    assert ask(deployment, "select days_counted, days_met from bi_kpi_months") == [(2, 2)]
    intervals = ask(
        deployment,
        "select interval_minutes, interval_start_ms, local_start::text from fct_queue_intervals "
        f"where attribution = 'arrival' and interval_start_ms > {again - 3_600_000} order by 1",
    )
    changed = again - 4 * 60_000  # an interval that the change cuts begins with it
    assert intervals == [
        (15, changed, "2010-11-06 23:01:00"),
        (30, changed, "2010-11-06 23:01:00"),
    ]
    days = ask(deployment, "select business_on::text, logged_in_ms from fct_agent_days order by 1")
    assert days == [("2010-11-06", 6_900_000), ("2010-11-07", 7_500_000)]


def test_a_month_with_one_call_is_closed_restated_and_protected(deployment: Settings) -> None:
    batch = land(deployment, CALL_EVENTS, one_call())
    shift = [
        ("available", 0),
        ("on_contact", 9_000),
        ("after_call_work", 70_000),
        ("available", 100_000),
        # past midnight in Shanghai: half an hour on the 11th, one on the 12th
        ("meal", 41_400_000),
        ("logged_out", 46_800_000),
        ("available", 90_000_000),
    ]
    states = [{"agent": "ann", "state": s, "occurred_at_ms": CALL_MS + at} for s, at in shift]
    land(deployment, AGENT_STATES, states)
    first = close(deployment)
    assert not first.is_empty
    assert first.run.warnings
    page = deployment.published / first.run.report
    assert "Published" in page.read_text()
    kept = page.parent / "marts.agent_days_without_logout_per_mille.parquet"
    assert [row["agent"] for row in pq.read_table(kept).to_pylist()] == ["ann"]
    (month,) = ask(
        deployment,
        "select offered, answered_within, wait_answered_ms, handled, talk_ms, service_level "
        "from bi_queue_months",
    )
    assert month == (1, 1, 9_000, 1, 61_000, 1.0)
    lines = ask(deployment, "select quantity::text, amount::text from fct_settlement_lines")
    assert lines == [("1.0000", "3.34")]
    days = ask(
        deployment,
        "select business_on::text, available_ms, meal_ms, logged_in_ms, is_open_ended "
        "from fct_agent_days order by 1",
    )
    assert days == [
        ("2025-11-11", 9_000 + 41_300_000, 1_800_000, 43_200_000, False),
        ("2025-11-12", 0, 3_600_000, 3_600_000, True),
    ]
    (month_row,) = ask(
        deployment,
        "select day_count, logged_in_ms, paid_ms, billable_ms, productive_ms, session_count, "
        "unclosed_session_count from bi_agent_months",
    )
    worked = 41_400_000
    assert month_row == (2, 46_800_000, worked, worked, worked, 2, 1)
    assert ask(
        deployment,
        "select distinct excluded_by, state from fct_agent_exclusions where measure = 'paid'",
    ) == [("state", "meal")]
    assert first.run.agent_terms_hash
    again = close(deployment)
    one, other = ({d.name: d.sha256 for d in c.run.datasets} for c in (first, again))
    assert one == other
    assert len(ask(deployment, "select * from fct_calls")) == 1
    path = deployment.landing / batch.files[0].path
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(GateClosed, match="damaged_files = 1") as closed:
        close(deployment)
    assert "offsets 0 to 2 of acd.events partition 0" in str(closed.value)
    assert "vane land --repair" in str(closed.value)
    stopped = Path(str(closed.value).rpartition("report and violating rows: ")[2])
    assert "Stopped: nothing was published." in stopped.read_text()
    assert "offsets 0 to 2 of acd.events partition 0" in stopped.read_text()
    runs = ask(deployment, "select run_id from published_runs where is_in_force")
    assert runs == [(again.run.run_id,)]


def test_a_month_without_calls_is_published_empty(deployment: Settings) -> None:
    land(deployment, CALL_EVENTS, one_call())
    closed = close(deployment, Month(2024, 3))
    assert closed.is_empty
    assert ask(deployment, "select * from bi_queue_months") == []


def test_of_two_runs_of_a_month_the_second_is_refused(deployment: Settings) -> None:
    land(deployment, CALL_EVENTS, one_call())
    refused: list[TerminalError] = []

    def run_again(_line: str) -> None:
        if not refused:
            with pytest.raises(TerminalError, match=r"2025-11: another run .* process") as second:
                close(deployment)
            refused.append(second.value)

    first = close_month(deployment, NOVEMBER, report=run_again)
    assert refused
    assert ask(deployment, "select run_id from published_runs") == [(first.run.run_id,)]


def test_a_written_file_that_is_not_its_model_closes_the_gate(tmp_path: Path) -> None:
    con = duckdb.connect(":memory:")
    con.execute(
        "create table fct_settlement_lines as select 'acme' client, 1.25::decimal(9,2) amount"
    )
    con.execute("create table other as select 'acme' client, 1.26::decimal(9,2) amount, 1 more")
    for name in ("fct_settlement_lines", "other"):
        con.execute(f"copy {name} to '{tmp_path}/{name}.parquet'")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")

    def found(path: str, rows: int = 1) -> dict[str, int]:
        written = catalog.Dataset(name="fct_settlement_lines", path=path, rows=rows, sha256="")
        return publish.read_back(con, tmp_path, [written])

    good = dict.fromkeys((rule.metric for rule in PUBLISHED.rules), 0)
    assert found("fct_settlement_lines.parquet") == good
    assert found("fct_settlement_lines.parquet", rows=2) == good | {"files_with_other_rows": 1}
    assert found("torn.parquet") == good | {"files_unreadable": 1}
    assert found("other.parquet") == good | {
        "files_with_other_columns": 1,
        "amounts_that_differ": 1,
    }


def test_nothing_landed_is_refused(deployment: Settings) -> None:
    with pytest.raises(InputError, match="run: vane land"):
        close(deployment)


def test_the_models_pass_their_unit_tests(deployment: Settings, tmp_path: Path) -> None:
    land(deployment, CALL_EVENTS, one_call())
    database = tmp_path / "unit.duckdb"
    found = inputs.find(deployment.landing, NOVEMBER)
    with warehouse.connect(database, spill=tmp_path) as con:
        inputs.show(con, found, None)
        inputs.put_all_parameters(
            con,
            month=NOVEMBER,
            targets=load_targets(deployment.config_dir / "queues.yaml"),
            contracts=load_contracts(deployment.config_dir / "contracts"),
            watermarks=None,
        )
        put_agent_parameters(con, load_agent_time(deployment.config_dir / "agent_time.yaml"))
        put_risk_parameters(con, load_wind_vane(deployment.config_dir / "wind_vane.yaml"))
    nodes = models.build(
        deployment.dbt_dir,
        database,
        work=tmp_path / "work",
        variables={"month": "2025-11", "admitted_only": False},
        with_unit_tests=True,
    )
    tested = [node.name for node in nodes if node.kind.endswith("unit_test") or "unit" in node.kind]
    assert sorted(tested) == sorted(test.name for test in dbt.read(deployment.dbt_dir).tests)
    assert len(tested) > 50
