"""From their total to ours, class by class, for each line of the statement.

Their exact total of a line, then the exact difference of each class in turn, ends at our exact
total. Each station on that way is rounded once; what a class moves is the difference of two
stations. So the classes of a line add up to the cent to the difference of its two amounts, however
many half cents there are. The exact sums are kept beside (``shares``).

Of every case what both sides grant, the lesser of the two, is undisputed and payable; the rest of
ours is claimed beyond it, the rest of theirs offered beyond it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import duckdb

from pipeline.errors import ReconcileError
from pipeline.reconcile.classes import VarianceClass
from pipeline.reconcile.mapping import Tolerance
from pipeline.reconcile.money import amount
from pipeline.reconcile.ours import PER_LEG


class Status(StrEnum):
    """What becomes of a line."""

    AGREED = "agreed"
    WITHIN_TOLERANCE = "within_tolerance"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineResult:
    """One line of the statement by both sides; amounts in ``currency``."""

    line: str
    clause_id: str
    title: str
    currency: str
    ours: Decimal
    theirs: Decimal
    undisputed: Decimal
    tolerance: Decimal
    status: Status
    classes: Mapping[VarianceClass, Decimal]
    """What each class moves on the way from ``theirs`` to ``ours``."""

    @property
    def difference(self) -> Decimal:
        """Return ours less theirs."""
        return self.ours - self.theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassResult:
    """One class of variance over all lines: ours less theirs."""

    name: VarianceClass
    count: int
    calls: int
    """Rows of ours less rows of theirs."""
    difference_ms: int
    amount: Decimal
    shares: int
    """The exact amount (``money.SHARES``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UncomparedLine:
    """A line that is not priced by calls, as it was published."""

    clause_id: str
    title: str
    kind: str
    currency: str
    ours: Decimal


def compare_lines(
    con: duckdb.DuckDBPyConnection, lines: Iterable[Mapping[str, Any]], tolerance: Tolerance
) -> tuple[list[LineResult], list[UncomparedLine]]:
    """Return each published line by both sides, and those that no call has a price in.

    Raises:
        ReconcileError: a line's legs do not add up to what was published.
    """
    totals = {
        line: _Totals(int(ours), int(theirs), int(least), is_off=is_off)
        for line, ours, theirs, least, is_off in con.execute("""
select line, sum(ours), sum(theirs), sum(least(ours, theirs)), bool_or(ours <> theirs)
from case_money group by line
""").fetchall()
    }
    moved: dict[str, dict[VarianceClass, int]] = {}
    for line, name, shares in con.execute("""
select line, class, sum(ours - theirs)
from variances inner join case_money using (case_id)
group by line, class having bool_or(ours <> theirs)
""").fetchall():
        moved.setdefault(line, {})[VarianceClass(name)] = int(shares)
    compared, others, wrong = [], [], []
    for one in lines:
        if one["kind"] not in PER_LEG:
            others.append(_uncompared(one))
            continue
        name = f"{one['clause_id']} from {one['term_from_on']}"
        found = _line(name, one, tolerance, totals.get(name, _Totals()), moved.get(name, {}))
        if found.ours != one["amount"]:
            wrong.append(f"{name}: {found.ours} from its legs, {one['amount']} published")
        compared.append(found)
    if wrong:
        msg = (
            f"legs and published lines differ ({'; '.join(wrong)}); "
            "publish the month again: vane month run"
        )
        raise ReconcileError(msg)
    return compared, others


@dataclass(frozen=True, slots=True)
class _Totals:
    """A line's shares by both sides, what both grant, and whether any case differs."""

    ours: int = 0
    theirs: int = 0
    least: int = 0
    is_off: bool = False


def _line(
    name: str,
    one: Mapping[str, Any],
    tolerance: Tolerance,
    totals: _Totals,
    moved: Mapping[VarianceClass, int],
) -> LineResult:
    station, classes = totals.theirs, {}
    for kind in VarianceClass:
        if kind in moved:
            classes[kind] = amount(station + moved[kind]) - amount(station)
            station += moved[kind]
    if station != totals.ours:
        msg = f"{name}: variances lead to {station} shares, not to {totals.ours}"
        raise AssertionError(msg)
    ours, theirs = amount(totals.ours), amount(totals.theirs)
    allowed = tolerance.of(one["clause_id"])
    status = Status.DISPUTED
    if not totals.is_off:
        status = Status.AGREED
    elif abs(ours - theirs) <= allowed:
        status = Status.WITHIN_TOLERANCE
    return LineResult(
        line=name,
        clause_id=one["clause_id"],
        title=one["title"],
        currency=one["currency"],
        ours=ours,
        theirs=theirs,
        undisputed=amount(totals.least),
        tolerance=allowed,
        status=status,
        classes=classes,
    )


def _uncompared(one: Mapping[str, Any]) -> UncomparedLine:
    return UncomparedLine(
        clause_id=one["clause_id"],
        title=one["title"],
        kind=one["kind"],
        currency=one["currency"],
        ours=one["amount"],
    )


def sum_classes(con: duckdb.DuckDBPyConnection, lines: Iterable[LineResult]) -> list[ClassResult]:
    """Return each class that occurs, in the order of the rules."""
    by_name = {
        VarianceClass(name): row
        for name, *row in con.execute("""
with money as (
    select case_id, sum(ours - theirs) as shares from case_money group by case_id
)
select
    class, count(*), sum(our_rows - their_rows), sum(our_ms - their_ms),
    coalesce(sum(shares), 0)
from variances left join money using (case_id) group by class
""").fetchall()
    }
    listed = list(lines)
    return [
        ClassResult(
            name=name,
            count=int(count),
            calls=int(calls),
            difference_ms=int(difference_ms),
            amount=sum((line.classes.get(name, Decimal(0)) for line in listed), Decimal(0)),
            shares=int(shares),
        )
        for name in VarianceClass
        if name in by_name
        for count, calls, difference_ms, shares in [by_name[name]]
    ]
