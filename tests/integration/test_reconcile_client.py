"""A client's figures against a really published month, by the command, with evidence."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

from pipeline.commands import reconcile as command
from pipeline.errors import InputError, ReconcileError
from pipeline.lake import catalog
from pipeline.reconcile.client import FOLDER, compared
from pipeline.reconcile.mapping import load_mapping
from pipeline.settings import PROJECT_ROOT, Settings
from tests.published_month import NOVEMBER, files_of, publish_month, settled

RUN = CliRunner()
MAPPING = """
client: {client}
grain: leg
zone: Asia/Shanghai
columns: {{source_id: contact, leg: leg, queue: queue, queued_at: queued, handle: handle}}
duration_unit: ms
"""


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish_month(tmp_path_factory.mktemp("month"))


@pytest.fixture(autouse=True)
def _home(month: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANE_HOME", str(month.home))
    monkeypatch.setenv("VANE_CONFIG", str(month.config_dir))
    monkeypatch.setenv("COLUMNS", "200")


def export(month: Settings, folder: Path, client: str, where: str = "true") -> tuple[Path, Path]:
    """Write the client's file of our own answered legs, and its mapping."""
    legs = pl.DataFrame(pl.from_arrow(files_of(month, "fct_leg_facts")))  # noqa: F841 - read by name
    found = duckdb.sql(f"""
select
    contact_id as contact, leg, queue, talk_ms + hold_ms + acw_ms as handle,
    timezone('Asia/Shanghai', make_timestamptz(queued_at_ms * 1000)) as wall,
    strftime(wall, '%Y-%m-%dT%H:%M:%S.%g') as queued
from legs where client = '{client}' and outcome = 'answered' and {where}
order by contact_id, leg
""")
    assert found is not None
    rows = found.pl()
    mapping = folder / "mapping.yaml"
    mapping.write_text(MAPPING.format(client=client))
    file = folder / "theirs.csv"
    rows.drop("wall").write_csv(file)
    return file, mapping


def ask(*arguments: object) -> tuple[int, str]:
    done = RUN.invoke(command.app, ["client", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


@pytest.mark.parametrize("client", ["meridian", "harbour"])
def test_ours_against_ours_agrees_on_every_line(
    month: Settings, tmp_path: Path, client: str
) -> None:
    file, mapping = export(month, tmp_path, client)
    code, out = ask(file, "--mapping", mapping, "--month", "2025-11", "--json")
    found = json.loads(out)
    assert (code, found["classes"]) == (0, [])
    amounts = {
        (c, str(day)): amount for (of, c, day), amount in settled(month).items() if of == client
    }
    compared_lines = {x["line"]: x for x in found["lines"]}
    for (clause, day), amount in amounts.items():
        line = compared_lines.get(f"{clause} from {day}")
        if line is not None:
            assert (line["status"], Decimal(line["ours"]), Decimal(line["theirs"])) == (
                "agreed",
                amount,
                amount,
            )
    listed = len(compared_lines) + len(found["uncompared"])
    assert listed == len(amounts)
    assert found["matched"] == {"id": found["their_calls"]}


def test_a_dispute_has_its_class_its_money_and_its_raw_events(
    month: Settings, tmp_path: Path
) -> None:
    file, mapping = export(month, tmp_path, "meridian")
    kept = file.read_text().splitlines()
    dropped = kept.pop(len(kept) // 2)
    file.write_text("\n".join(kept) + "\n")
    contact = dropped.split(",")[0]
    out = tmp_path / "variances.parquet"
    packs = tmp_path / "packs"
    options = ("--mapping", mapping, "--month", "2025-11", "--evidence", packs, "--out", out)
    code, told = ask(file, *options)
    assert code == 1
    assert "missing there" in told
    assert "disputed: 1 line," in told
    (row,) = pl.read_parquet(out).rows(named=True)
    assert row["class"] == "missing_there"
    assert [leg["contact_id"] for leg in row["ours"]] == [contact]
    assert isinstance(row["amount"], Decimal)
    assert row["amount"] in {Decimal("6.80"), Decimal("5.40"), Decimal("5.95")}
    (pack,) = packs.iterdir()
    book = openpyxl.load_workbook(pack)
    assert book.sheetnames == ["claim", "variances", "ours", "theirs", "events"]
    claim = {str(what.value): str(value.value) for what, value in book["claim"].rows}
    assert claim["class"] == "missing there"
    assert claim["moves"].startswith(f"{row['amount']:.2f} CNY")
    assert claim["our runs"] == catalog.read_runs(month.published)[-1].run_id
    events = sheet(book, "events")
    legs = sheet(book, "ours")
    assert [leg["contact_id"] for leg in legs] == [contact]
    assert {event["contact_id"] for event in events} == {contact}
    assert {"queued", "answered", "ended"} <= {event["type"] for event in events}
    queued = next(e for e in events if e["type"] == "queued" and e["leg"] == legs[0]["leg"])
    assert queued["occurred_at"] == legs[0]["queued_at"]
    assert len({(e["_partition"], e["_offset"]) for e in events}) == len(events)


def test_sums_of_days_and_queues(month: Settings, tmp_path: Path) -> None:
    file, _ = export(month, tmp_path, "meridian")
    sums = (
        pl.read_csv(file)
        .group_by(pl.col("queued").str.slice(0, 10).alias("day"), "queue")
        .agg(pl.len().alias("calls"))
        .sort("day", "queue")
    )
    sums.write_csv(file)
    mapping = tmp_path / "sums.yaml"
    mapping.write_text(
        "client: meridian\ngrain: day_queue\ncolumns: {day: day, queue: queue, calls: calls}\n"
    )
    assert ask(file, "--mapping", mapping, "--month", "2025-11")[0] == 0
    with pytest.raises(InputError, match="expected calls"):
        ask(file, "--mapping", mapping, "--month", "2025-11", "--out", tmp_path / "x.parquet")
    sums.with_columns(pl.col("calls") + (pl.int_range(pl.len()) == 0)).write_csv(file)
    code, told = ask(file, "--mapping", mapping, "--month", "2025-11")
    assert code == 1
    assert "unexplained" in told


def test_what_cannot_be_compared_is_refused_and_leaves_nothing(
    month: Settings, tmp_path: Path
) -> None:
    file, mapping = export(month, tmp_path, "meridian")
    before = {p for p in month.home.rglob("*") if FOLDER in p.parts}
    for period, expected in (("2025-12", "2025-12 is not published"), ("2025-13", "YYYY-MM")):
        with pytest.raises(InputError, match=expected):
            ask(file, "--mapping", mapping, "--month", period)
    with pytest.raises(InputError, match=r"ends in \.parquet, \.xlsx, \.csv, \.json"):
        ask(file, "--mapping", mapping, "--month", "2025-11", "--out", tmp_path / "x.txt")
    before = {p for p in month.home.rglob("*") if FOLDER in p.parts}
    file.write_text(file.read_text().replace("handle", "handled", 1))
    with pytest.raises(InputError, match=r"theirs.csv:1: expected a column 'handle'"):
        ask(file, "--mapping", mapping, "--month", "2025-11")
    assert {p for p in month.home.rglob("*") if FOLDER in p.parts} == before
    assert not list(month.home.glob("reconcile-*"))


def test_another_contract_than_the_months_is_refused(month: Settings, tmp_path: Path) -> None:
    file, mapping = export(month, tmp_path, "meridian")
    config = tmp_path / "config"
    (config / "contracts").mkdir(parents=True)
    text = (month.config_dir / "contracts" / "meridian.yaml").read_text()
    (config / "contracts" / "meridian.yaml").write_text(text.replace('"6.80"', '"6.90"'))
    how = load_mapping(mapping, PROJECT_ROOT / "schemas")
    with (
        pytest.raises(ReconcileError, match=r"not the one that 2025-11 was published by .*6\.8"),
        compared(replace(month, config_dir=config), NOVEMBER, file, how, report=lambda _: None),
    ):
        pass


def sheet(book: Any, name: str) -> list[dict[str, Any]]:
    """Return a sheet's rows by its header."""
    header, *rows = book[name].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]
