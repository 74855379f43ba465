"""Clients that open the catalog: the same figures in each, with the types that keep them exact.

Apache Superset, SQLAlchemy and DuckDB 1.5 are tested by ``make test-bi``.
"""

from __future__ import annotations

import csv
import subprocess
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from pipeline.commands import query
from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.settings import PROJECT_ROOT, Settings
from tests.programs import program
from tests.published_month import files_of, publish_month, settled

RUN = CliRunner()
LINES = """
select client, clause_id, term_from_on, amount, amount_display, quantity
from bi_settlement_lines order by all
"""
INTERVALS = """
select make_timestamptz(interval_start_ms * 1000) as starts_at, local_start, offered, service_level
from bi_kpi_intervals where client = 'meridian' and offered > 0 order by all limit 50
"""


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish_month(tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="module")
def amounts(month: Settings) -> dict[tuple[Any, ...], Decimal]:
    found = settled(month)
    assert len(found) >= 4
    assert all(amount > 0 for amount in found.values())
    return found


@pytest.fixture
def con(month: Settings) -> Any:
    with catalog.open_catalog(month.published) as found:
        yield found


def test_duckdb_gives_decimals_dates_and_instants(
    con: duckdb.DuckDBPyConnection, amounts: dict[tuple[Any, ...], Decimal]
) -> None:
    rows = con.execute(LINES).fetchall()
    assert {row[:3]: row[3] for row in rows} == amounts
    assert {tuple(map(type, row[2:6])) for row in rows} == {(date, Decimal, float, Decimal)}
    assert all(shown == float(amount) for *_, amount, shown, _quantity in rows)
    for starts_at, local_start, offered, level in con.execute(INTERVALS).fetchall():
        assert starts_at.utcoffset().total_seconds() == 0
        at_wall = starts_at.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
        assert at_wall == local_start
        assert (type(offered), type(level)) == (int, float)


def test_polars_keeps_decimals_and_zones(
    con: duckdb.DuckDBPyConnection, amounts: dict[tuple[Any, ...], Decimal]
) -> None:
    frame = con.sql(LINES).pl()
    assert frame.schema["amount"] == pl.Decimal(18, 2)
    assert frame.schema["amount_display"] == pl.Float64
    assert frame.schema["term_from_on"] == pl.Date
    assert {row[:3]: row[3] for row in frame.rows()} == amounts
    assert frame["amount"].sum() == sum(amounts.values())
    times = con.sql(INTERVALS).pl()
    assert times.schema["starts_at"] == pl.Datetime("us", "UTC")
    assert times.schema["local_start"] == pl.Datetime("us")
    local = times["starts_at"].dt.convert_time_zone("Asia/Shanghai").dt.replace_time_zone(None)
    assert local.equals(times["local_start"])


# DuckDB 2.0 itself calls pandas 3.1 so.
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop")
def test_pandas_keeps_decimals_by_way_of_arrow_and_doubles_by_itself(
    con: duckdb.DuckDBPyConnection, amounts: dict[tuple[Any, ...], Decimal]
) -> None:
    exact = con.sql(LINES).to_arrow_table().to_pandas()
    keys = zip(exact["client"], exact["clause_id"], exact["term_from_on"], strict=True)
    assert dict(zip(keys, exact["amount"], strict=True)) == amounts
    assert {type(a) for a in exact["amount"]} == {Decimal}
    plain = con.sql(LINES).df()
    assert str(plain["amount"].dtype) == "float64"
    assert list(plain["amount"]) == list(plain["amount_display"])
    times = con.sql(INTERVALS).df()
    assert str(times["starts_at"].dt.tz) in {"UTC", "Etc/UTC"}
    assert times["local_start"].dt.tz is None


DATASETS = sorted((PROJECT_ROOT / "config" / "bi" / "superset" / "datasets").rglob("*.yaml"))


@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.stem)
def test_a_dataset_of_superset_is_what_is_published(
    con: duckdb.DuckDBPyConnection, path: Path
) -> None:
    dataset = yaml.safe_load(path.read_text())
    source = f"({dataset['sql']})" if dataset["sql"] else dataset["table_name"]
    types = {row[0]: row[1] for row in con.execute(f"describe from {source}").fetchall()}
    wanted = {c["column_name"]: c["type"] for c in dataset["columns"]}
    assert {name: types.get(name) for name in wanted} == wanted
    for metric in dataset["metrics"]:
        (figure,) = con.execute(f"select {metric['expression']} from {source}").fetchall()
        assert figure[0] is not None or dataset["table_name"] == "settlement_adjustments"


@pytest.fixture
def ask(month: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(query, "load_settings", lambda: month)

    def run(*arguments: str) -> Any:
        return RUN.invoke(query.app, list(arguments))

    return run


def test_a_workbook_has_the_figures_and_where_they_come_from(
    ask: Any, month: Settings, amounts: dict[tuple[Any, ...], Decimal], tmp_path: Path
) -> None:
    out = tmp_path / "lines.xlsx"
    started = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the workbook's clock
    said = ask(LINES, "-o", str(out))
    assert said.exit_code == 0, said.output
    assert f"{len(amounts)} rows" in said.output
    book = openpyxl.load_workbook(out)
    sheet = book["rows"]
    head, *rows = sheet.iter_rows(values_only=True)
    assert head[3] == "amount"
    assert {
        (client, clause, term.date()): Decimal(str(amount)).quantize(Decimal("0.01"))
        for client, clause, term, amount, *_ in rows
    } == amounts
    assert sheet.freeze_panes == "A2"
    assert sheet["D2"].number_format == "#,##0.00"
    assert sheet["C2"].number_format == "yyyy-mm-dd"
    origin = dict(row[:2] for row in book["origin"].iter_rows(max_row=5, values_only=True))
    assert origin["query"] == LINES
    assert datetime.fromisoformat(origin["asked_at"]) >= started
    (run,) = catalog.read_runs(month.published)
    assert [c.value for c in book["origin"][8]] == ["2025-11", "all", run.run_id]


def test_a_spreadsheet_program_reads_the_same_figures(
    ask: Any, month: Settings, amounts: dict[tuple[Any, ...], Decimal], tmp_path: Path
) -> None:
    """LibreOffice Calc has its own reader; to it, too, amounts are numbers and dates are dates."""
    out = tmp_path / "lines.xlsx"
    assert ask(LINES, "-o", str(out)).exit_code == 0
    rows = calculated(out, tmp_path / "calc")
    read = {
        (row["client"], row["clause_id"], date.fromisoformat(row["term_from_on"])): Decimal(
            row["amount"].replace(",", "")
        )
        for row in rows
    }
    assert read == amounts
    assert sum(read.values()) == sum(amounts.values())


def calculated(workbook: Path, folder: Path) -> list[dict[str, str]]:
    """Return the first sheet's rows as LibreOffice Calc shows them."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false"
    command = [str(program("soffice")), profile, "--headless"]
    command += ["--convert-to", form, "--outdir", str(folder)]
    done = subprocess.run(
        [*command, str(workbook)], check=False, capture_output=True, text=True, timeout=120
    )
    found = folder / f"{workbook.stem}.csv"
    assert found.exists(), done.stdout + done.stderr
    with found.open(newline="") as file:
        return list(csv.DictReader(file))


def test_parquet_keeps_types_and_says_where_it_comes_from(
    ask: Any, month: Settings, amounts: dict[tuple[Any, ...], Decimal], tmp_path: Path
) -> None:
    out = tmp_path / "lines.parquet"
    assert ask(LINES, "-o", str(out)).exit_code == 0
    table = pq.read_table(out)
    assert table.schema.field("amount").type == pa.decimal128(18, 2)
    assert sum(table["amount"].to_pylist()) == sum(amounts.values())
    (run,) = catalog.read_runs(month.published)
    assert table.schema.metadata[b"vane.runs"].decode() == run.run_id
    assert table.schema.metadata[b"vane.query"].decode() == LINES


def test_csv_and_json_are_the_same_in_a_file_and_on_the_screen(ask: Any, tmp_path: Path) -> None:
    for form in ("csv", "json"):
        out = tmp_path / f"lines.{form}"
        assert ask(LINES, "-o", str(out)).exit_code == 0
        said = ask(LINES, "--format", form)
        assert out.read_text().splitlines() == said.stdout.splitlines()
        assert len(said.stdout.splitlines()) > 4


def test_a_file_that_cannot_be_is_refused_and_none_is_left(ask: Any, tmp_path: Path) -> None:
    wrong = {
        ("--format", "xlsx"): "add -o FILE.xlsx",
        ("-o", str(tmp_path / "lines.txt")): "expected --format csv, json, xlsx or parquet",
        ("-o", str(tmp_path / "nowhere" / "lines.csv")): "expected a file that can be written",
    }
    for arguments, message in wrong.items():
        said = ask(LINES, *arguments)
        assert isinstance(said.exception, InputError)
        assert message in str(said.exception)
    said = ask("select nothing from nowhere", "-o", str(tmp_path / "none.xlsx"))
    assert "nowhere" in str(said.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_settled_amounts_are_those_of_the_calls(month: Settings) -> None:
    """The figure that all clients are held against is itself one of answered calls."""
    lines = files_of(month, "fct_settlement_lines").to_pylist()
    calls = {line["clause_id"]: line for line in lines if line["kind"] == "per_call"}
    assert calls["3.1"]["amount"] == calls["3.1"]["quantity"] * Decimal("6.80")
