"""The list of a day, the report of a month and weights, from a month that was really published."""

from __future__ import annotations

import csv
import functools
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from benchmarks.month import land
from pipeline.cli import app
from pipeline.codec.adapter import Origin
from pipeline.codec.encode import encode
from pipeline.codec.facts import FactAdapter
from pipeline.domain.events import Rejected
from pipeline.domain.fact import Fact, FactKind
from pipeline.lake.catalog import open_catalog
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS
from pipeline.settings import PROJECT_ROOT, Settings, load_settings
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import write_canonical
from tests import published_month

DAY = "2025-11-11"
pytestmark = pytest.mark.integration


def sent(folder: Path, client: str) -> Iterator[Fact]:
    """Yield the cases of a client's file as ``vane ingest --format complaints`` reads them."""
    origin = Origin(client=client, source="crm", customer_key=b"k", zone=ZoneInfo("UTC"))
    adapter = FactAdapter(FactKind.COMPLAINTS, origin, as_of_ms=1)
    for line in (folder / f"complaints-{client}.ndjson").read_bytes().splitlines():
        for fact in adapter.feed(line):
            assert not isinstance(fact, Rejected), fact
            assert isinstance(fact, Fact)
            yield fact


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Four days with complaint cases, and agents whose names are formulas."""
    folder = tmp_path_factory.mktemp("wind_vane")
    shutil.copytree(PROJECT_ROOT / "config", folder / "config")
    settings = load_settings({"VANE_HOME": str(folder / "home")})
    settings = replace(settings, config_dir=folder / "config")
    order = Order(
        scenario=Scenario.NORMAL_MONTH,
        seed=5,
        year=2025,
        month=11,
        scale=0.5,
        first_day=9,
        days=4,
        complaints=True,
    )
    simulated = folder / "simulated"
    write_canonical(order, simulated, lambda _calls: None)
    events = simulated / f"{CALL_EVENTS}.ndjson"
    events.write_text(events.read_text().replace('"agent":"', '"agent":"='))
    for topic in (CALL_EVENTS, AGENT_STATES):
        land(simulated / f"{topic}.ndjson", topic, settings.home)
    cases = [fact for client in ("harbour", "meridian") for fact in sent(simulated, client)]
    assert len(cases) > 10
    (simulated / "cases").write_bytes(b"\n".join(map(encode, cases)) + b"\n")
    land(simulated / "cases", "ref.complaints", settings.home)
    published_month.close(settings)
    return settings


def vane(month: Settings, *arguments: str) -> Result:
    env = {
        "VANE_HOME": str(month.home),
        "VANE_CONFIG": str(month.config_dir),
        "COLUMNS": "200",
        "TERM": "dumb",
    }
    return CliRunner().invoke(app, ["wind-vane", *arguments], env=env)


def test_the_list_of_a_day_is_in_order_and_says_why(month: Settings) -> None:
    done = vane(month, "list", "--date", DAY, "--format", "json")
    assert done.exit_code == 0, done.output
    listed = json.loads(done.stdout)
    own = [one for one in listed if one["client"] == "meridian"]
    assert len(own) >= 3
    assert [one["place"] for one in own] == list(range(1, len(own) + 1))
    assert [one["risk_milli"] for one in own] == sorted(
        (one["risk_milli"] for one in own), reverse=True
    )
    for one in own:
        parts = [part.rsplit("(", 1)[1][:-1] for part in one["reasons"].split("; ")]
        assert -5747 + sum(round(1000 * float(part)) for part in parts) == one["risk_milli"]
        assert 0 < one["probability"] < 1


def test_a_list_is_cut_to_a_client_and_a_length_in_every_form(month: Settings) -> None:
    shown = vane(month, "list", "--date", DAY, "--client", "meridian", "--top", "2")
    assert shown.exit_code == 0, shown.output
    assert "2 customers" in shown.stdout
    written = vane(
        month, "list", "--date", DAY, "--client", "meridian", "--top", "2", "--format", "csv"
    )
    head, *rows = list(csv.reader(io.StringIO(written.stdout)))
    assert head[:3] == ["client", "place", "customer_ref"]
    assert [row[1] for row in rows] == ["1", "2"]
    assert rows[0][2] in shown.stdout


def test_a_report_has_funnel_foresight_and_concentration(month: Settings) -> None:
    done = vane(month, "report", "--month", "2025-11", "--format", "json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    own = {(row["section"], row["what"]): row for row in rows if row["client"] == "meridian"}
    with open_catalog(month.published) as con:
        days, listed, with_case = con.execute(
            "select customer_days, days_listed, days_listed_with_case from fct_wind_vane_quality "
            "where client = 'meridian'"
        ).fetchall()[0]
    assert own["funnel", "customer days"]["number"] == days
    assert own["funnel", "on the list"]["number"] == listed
    assert own["funnel", "on the list"]["share"] == round(listed / days, 4)
    assert own["foresight", "recall"]["number"] == with_case
    assert {row["section"] for row in rows} >= {"funnel", "foresight", "by queue", "by agent"}
    by_hour = [row["excess"] for (section, _), row in own.items() if section == "by hour"]
    assert by_hour == sorted(by_hour, reverse=True)


def test_no_cell_of_a_report_is_a_formula(month: Settings, tmp_path: Path) -> None:
    done = vane(month, "report", "--month", "2025-11", "--top", "1000", "--format", "csv")
    cells = [cell for row in csv.reader(io.StringIO(done.stdout)) for cell in row]
    assert [cell for cell in cells if cell.startswith("'=")]
    assert [cell for cell in cells if cell.startswith("=")] == []
    out = tmp_path / "november.xlsx"
    done = vane(month, "report", "--month", "2025-11", "--top", "1000", "--out", str(out))
    assert done.exit_code == 0, done.output
    book = openpyxl.load_workbook(out)
    values = [(c.value, c.data_type) for row in book["rows"].iter_rows() for c in row]
    assert [value for value, _ in values if str(value).startswith("=")]
    assert [value for value, kind in values if kind == "f"] == []
    assert "fct_wind_vane_quality" in str(book["origin"]["B1"].value)


def test_published_months_have_what_weights_are_fitted_to(month: Settings) -> None:
    """The days that have an outcome; too few cases are refused, with what there is."""
    with open_catalog(month.published) as con:
        expected = con.execute("select sum(days_with_case) from fct_wind_vane_quality").fetchall()[
            0
        ][0]
    done = vane(month, "fit", "--train", "2025-11", "--held-out", "1")
    assert done.exit_code == 1
    assert f"got {expected} of" in str(done.exception)
    done = vane(month, "fit", "--train", "2025-11", "--held-out", "2025-11")
    assert "expected what is not trained on, got ['2025-11']" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--date", "11.11.2025"), "--date: expected a day as YYYY-MM-DD"),
        (("list", "--date", "2025-10-11"), "vane month run --month 2025-10"),
        (("list", "--date", DAY, "--client", "acme"), "expected one of its clients"),
        (("report", "--month", "2025-13"), "expected a month as YYYY-MM"),
        (("report", "--month", "2025-11", "--out", "x.csv"), "ends in .xlsx"),
    ],
)
def test_what_cannot_be_shown_is_said(
    month: Settings, arguments: tuple[str, ...], said: str
) -> None:
    done = vane(month, *arguments)
    assert done.exit_code == 1
    assert said in str(done.exception)


def as_json(done: Result) -> Any:
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def test_a_case_is_opened_for_each_customer_on_the_list_and_again_for_none(
    month: Settings,
) -> None:
    """Of one customer per day, whatever was closed since; never two that are alive."""
    env = {"VANE_HOME": str(month.home), "VANE_CONFIG": str(month.config_dir)}
    desk = functools.partial(CliRunner().invoke, app, env=env)
    assert "run: vane desk migrate" in str(vane(month, "open-cases", "--date", DAY).exception)
    assert desk(["desk", "migrate"]).exit_code == 0
    listed = as_json(vane(month, "list", "--date", DAY, "--format", "json"))
    first = as_json(
        vane(month, "open-cases", "--date", DAY, "--client", "meridian", "--due-in", "8h", "--json")
    )
    own = [one for one in listed if one["client"] == "meridian"]
    assert first == {"listed": len(own), "opened": len(own), "alive": 0, "known": 0}
    assert as_json(vane(month, "open-cases", "--date", DAY, "--json")) == {
        "listed": len(listed),
        "opened": len(listed) - len(own),
        "alive": 0,
        "known": len(own),
    }
    cases = as_json(desk(["cases", "list", "--json", "--limit", "500"]))["records"]
    assert {(c["client"], c["customer_ref"], c["reason"], c["contact_id"]) for c in cases} == {
        (o["client"], o["customer_ref"], o["reasons"], o["last_contact_id"]) for o in listed
    }
    assert {c["business_on"] for c in cases} == {DAY}
    assert {round((c["due_at_ms"] - c["opened_at_ms"]) / 3_600_000) for c in cases} == {8, 24}
    said = vane(month, "open-cases", "--date", DAY).stdout
    assert said.startswith(f"{len(listed):,} customers at risk on {DAY}: 0 cases opened, 0 have")
    assert as_json(desk(["desk", "verify", "--json"]))["entries"] == len(listed)
