"""A few calls of ours and a client's file about them, compared by the product's own steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb

from pipeline.domain.business_time import Month
from pipeline.domain.events import customer_ref
from pipeline.lake import warehouse
from pipeline.lake.warehouse import put_table
from pipeline.reconcile import bridge, client, hints
from pipeline.reconcile.imported import import_calls
from pipeline.reconcile.imported_sums import import_sums
from pipeline.reconcile.mapping import ClientMapping, load_mapping
from pipeline.reconcile.money import amount
from pipeline.reconcile.ours import RATES, put_days
from pipeline.reconcile.sums import compare_sums
from pipeline.settings import PROJECT_ROOT

ZONE: Final = "Asia/Shanghai"
MONTH: Final = Month(2025, 11)
KEY: Final = b"a test key"
QUEUES: Final = ("cards", "orders", "returns", "service")

LEGS: Final = {
    "our_id": "BIGINT",
    "is_in_month": "BOOLEAN",
    "site": "VARCHAR",
    "queue": "VARCHAR",
    "contact_id": "VARCHAR",
    "leg": "BIGINT",
    "number_ref": "VARCHAR",
    "queued_at_ms": "BIGINT",
    "answered_at_ms": "BIGINT",
    "ended_at_ms": "BIGINT",
    "completed_at_ms": "BIGINT",
    "transferred_at_ms": "BIGINT",
    "outcome": "VARCHAR",
    "is_completed": "BOOLEAN",
    "is_short_abandon": "BOOLEAN",
    "wait_ms": "BIGINT",
    "talk_ms": "BIGINT",
    "hold_ms": "BIGINT",
    "acw_ms": "BIGINT",
    "agent": "VARCHAR",
}
COLUMNS: Final = ("id", "number", "queue", "start", "talk", "handle")
MAPPING: Final = f"""
client: harbour
grain: leg
zone: {ZONE}
time_format: "%Y-%m-%d %H:%M:%S"
columns:
  source_id: id
  number: number
  queue: queue
  queued_at: start
  talk: talk
  handle: handle
"""

_FIRST_MS, _END_MS = MONTH.bounds(ZONE)
_PER_CALL = {"kind": "per_call", "measure": "", "increment_s": 3, "minimum_s": 0}


def rate(clause: str, queue: str, price: str, **terms: Any) -> dict[str, Any]:
    """Return a row of ``params.rates``: an answered call, unless said otherwise."""
    row = {
        "clause_id": clause,
        "term_from_on": date(2025, 11, 1),
        "title": f"clause {clause}",
        "currency": "CNY",
        "queue": queue,
        "from_ms": _FIRST_MS,
        "to_ms": _END_MS,
        "unit_price": Decimal(price),
        **_PER_CALL,
        **terms,
    }
    return {"line": f"{clause} from {row['term_from_on']}", **row}


_PEAK_MS: Final = round(datetime(2025, 11, 11, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)
PRICES: Final = (
    rate("3.1", "service", "6.80"),
    rate("3.2", "orders", "5.40", to_ms=_PEAK_MS),
    rate("3.2", "returns", "5.40", to_ms=_PEAK_MS),
    rate("3.2", "orders", "5.95", from_ms=_PEAK_MS, term_from_on=date(2025, 11, 11)),
    rate("3.2", "returns", "5.95", from_ms=_PEAK_MS, term_from_on=date(2025, 11, 11)),
    rate("5.2", "cards", "1.35", kind="per_minute", measure="handle", increment_s=6, minimum_s=30),
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """An answered leg of ours; ``at`` is by the wall clock of ``ZONE``."""

    id: str
    at: str
    queue: str = "service"
    leg: int = 1
    number: str = "13800000001"
    wait_s: float = 10
    talk_s: float = 120
    hold_s: float = 0
    acw_s: float = 20
    outcome: str = "answered"
    transfers: bool = False
    agent: str = "li"
    more: Mapping[str, Any] = field(default_factory=dict)

    def row(self, our_id: int) -> dict[str, Any]:
        """Return the row of ``legs``."""
        queued = at_ms(self.at)
        answered = queued + round(self.wait_s * 1000)
        ended = answered + round((self.talk_s + self.hold_s) * 1000)
        is_answered = self.outcome == "answered"
        return {
            "our_id": our_id,
            "is_in_month": _FIRST_MS <= queued < _END_MS,
            "site": "",
            "queue": self.queue,
            "contact_id": self.id,
            "leg": self.leg,
            "number_ref": customer_ref(KEY, self.number),
            "queued_at_ms": queued,
            "answered_at_ms": answered if is_answered else None,
            "ended_at_ms": ended if is_answered else answered,
            "completed_at_ms": ended + round(self.acw_s * 1000) if is_answered else None,
            "transferred_at_ms": ended if self.transfers else None,
            "outcome": self.outcome,
            "is_completed": is_answered,
            "is_short_abandon": False,
            "wait_ms": round(self.wait_s * 1000),
            "talk_ms": round(self.talk_s * 1000) if is_answered else None,
            "hold_ms": round(self.hold_s * 1000) if is_answered else None,
            "acw_ms": round(self.acw_s * 1000) if is_answered else None,
            "agent": self.agent if is_answered else None,
            **self.more,
        }

    def theirs(self, **other: object) -> dict[str, str]:
        """Return the row of the client's file that agrees, or says something else."""
        row = {
            "id": self.id,
            "number": self.number,
            "queue": self.queue,
            "start": self.at,
            "talk": self.talk_s,
            "handle": self.talk_s + self.hold_s + self.acw_s,
            **other,
        }
        return {
            name: f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in row.items()
        }


def at_ms(text: str) -> int:
    """Return a wall-clock time of ``ZONE`` as epoch milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


def later(text: str, **by: float) -> str:
    """Return a wall-clock time so much later."""
    return str(datetime.fromisoformat(text) + timedelta(**by))


def csv_of(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as CSV, all with the columns of the first."""
    names = list(rows[0]) if rows else list(COLUMNS)
    lines = [",".join(row[name] for name in names) for row in rows]
    return "\n".join([",".join(names), *lines, ""])


def put_calls(
    con: duckdb.DuckDBPyConnection,
    calls: Sequence[Call],
    prices: Sequence[Mapping[str, Any]] = PRICES,
) -> None:
    """Write ``legs`` and ``params.rates``, in an order that does not hang on the list's."""
    ordered = sorted(calls, key=lambda c: (c.at, c.id, c.leg, c.queue))
    rows = [call.row(i) for i, call in enumerate(ordered, 1)]
    put_table(con, "legs", LEGS, ([row[name] for name in LEGS] for row in rows))
    con.execute("create or replace table legs as from params.legs")
    put_table(con, "rates", RATES, ([row[name] for name in RATES] for row in prices))


@dataclass(frozen=True, kw_only=True)
class Variance:
    """One variance as tests look at it."""

    name: str
    detail: str
    also: tuple[str, ...]
    ours: tuple[str, ...]
    """Contact and leg of our rows."""
    lines: tuple[int, ...]
    """Lines of the client's file."""
    shares: int


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """What a comparison found."""

    variances: list[Variance]
    lines: list[bridge.LineResult]
    classes: list[bridge.ClassResult]
    matched: dict[str, int]
    pairs: set[tuple[str, int, int]]
    """Contact, leg, line of the client's file."""
    hints: list[str]


SUMS: Final = f"""
client: harbour
grain: day_queue
zone: {ZONE}
columns:
  day: day
  queue: queue
  calls: calls
  handle: handle
"""


def sums(
    folder: Path,
    calls: Sequence[Call],
    rows: Sequence[Mapping[str, str]],
    *,
    mapping: str = SUMS,
    prices: Sequence[Mapping[str, Any]] = PRICES,
) -> tuple[list[tuple[str, str, int]], list[bridge.LineResult]]:
    """Compare our calls with sums; return class, detail and shares of variances, and the lines."""
    path = folder / "sums.csv"
    path.write_text(csv_of(rows), encoding="utf-8")
    how = mapped(folder, mapping)
    with opened(folder) as con:
        put_calls(con, calls, prices)
        put_days(con, MONTH, ZONE)
        _, parquet = import_sums(
            path, how, month=MONTH, queues=sorted(QUEUES), folder=folder / "imports"
        )
        client.put_ours(con, how)
        compare_sums(con, parquet, how)
        found = con.execute("""
select class, detail, coalesce(sum(ours - theirs), 0)
from variances left join case_money using (case_id) group by class, detail order by detail
""").fetchall()
        lines, _ = bridge.compare_lines(con, published_lines(con, prices), how.tolerance)
    return [(name, detail, int(shares)) for name, detail, shares in found], lines


@contextmanager
def opened(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield an empty work database."""
    with warehouse.connect(":memory:", spill=folder / "spill") as con:
        yield con


def mapped(folder: Path, text: str = MAPPING) -> ClientMapping:
    """Write and load a mapping file."""
    path = folder / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path, PROJECT_ROOT / "schemas")


@contextmanager
def compared(
    folder: Path,
    calls: Sequence[Call],
    rows: Sequence[Mapping[str, str]],
    *,
    mapping: str = MAPPING,
    prices: Sequence[Mapping[str, Any]] = PRICES,
) -> Iterator[tuple[client.Comparison, duckdb.DuckDBPyConnection]]:
    """Compare our calls with a client's rows; yield the result and the tables behind it."""
    path = folder / "theirs.csv"
    path.write_text(csv_of(rows), encoding="utf-8")
    how = mapped(folder, mapping)
    with opened(folder) as con:
        put_calls(con, calls, prices)
        done, parquet = import_calls(
            path, how, queues=sorted(QUEUES), key=KEY, folder=folder / "imports"
        )
        basis = client.put_ours(con, how)
        client.put_theirs(con, parquet, basis)
        client.compare_calls(con, how, bounds=(_FIRST_MS, _END_MS), report=lambda _line: None)
        lines, uncompared = bridge.compare_lines(con, published_lines(con, prices), how.tolerance)
        matched = con.execute("select how, count(*) from pairs group by how").fetchall()
        yield (
            client.Comparison(
                client=how.client,
                month=str(MONTH),
                runs=("a run",),
                imported=done,
                our_calls=len(calls),
                their_calls=done.rows,
                matched=dict(matched),
                lines=lines,
                uncompared=uncompared,
                classes=bridge.sum_classes(con, lines),
                basis=basis,
                zone=ZONE,
                hints=list(hints.short_calls(con, how)),
            ),
            con,
        )


def reconciled(
    folder: Path,
    calls: Sequence[Call],
    rows: Sequence[Mapping[str, str]],
    *,
    mapping: str = MAPPING,
    prices: Sequence[Mapping[str, Any]] = PRICES,
) -> Reconciled:
    """Compare our calls with a client's rows."""
    with compared(folder, calls, rows, mapping=mapping, prices=prices) as (found, con):
        return _told(found, con)


def published_lines(
    con: duckdb.DuckDBPyConnection, prices: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the statement's lines as the month would publish them."""
    found = con.execute("select line, sum(shares) from our_money group by line").fetchall()
    shares = {line: int(total) for line, total in found}
    listed = {row["line"]: row for row in prices}
    return [{**row, "amount": amount(shares.get(x, 0))} for x, row in listed.items()]


def _told(comparison: client.Comparison, con: duckdb.DuckDBPyConnection) -> Reconciled:
    found = con.execute("""
select
    v.class, coalesce(v.detail, ''), v.also,
    list(o.contact_id || '/' || o.leg order by o.our_id) filter (where o.our_id is not null),
    list(t.line order by t.line) filter (where t.their_id is not null),
    coalesce((select sum(m.ours - m.theirs) from case_money as m where m.case_id = v.case_id), 0)
from variances as v
inner join cases as c using (case_id)
left join ours as o on c.our_id = o.our_id
left join theirs as t on c.their_id = t.their_id
group by v.variance_id, v.case_id, v.class, v.detail, v.also order by v.variance_id
""")
    variances = [
        Variance(
            name=name,
            detail=detail,
            also=tuple(also),
            ours=tuple(our_rows or ()),
            lines=tuple(their_rows or ()),
            shares=int(shares),
        )
        for name, detail, also, our_rows, their_rows, shares in found.fetchall()
    ]
    pairs = con.execute("""
select o.contact_id, o.leg, t.line from pairs inner join ours as o using (our_id)
inner join theirs as t using (their_id)
""").fetchall()
    return Reconciled(
        variances=variances,
        lines=comparison.lines,
        classes=comparison.classes,
        matched=comparison.matched,
        pairs=set(pairs),
        hints=comparison.hints,
    )
