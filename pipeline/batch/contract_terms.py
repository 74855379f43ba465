"""Puts the terms of a month into the build database.

Terms are dated: a price that changes within a month gives two rows, and so two lines of the
statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import duckdb

from pipeline.batch.parameters import Queue
from pipeline.config_contracts import load_contracts
from pipeline.domain.business_time import Month, midnight_ms
from pipeline.errors import TerminalError
from pipeline.lake.warehouse import put_table
from pipeline.settlement.contract import ALL, Clause, Contract
from pipeline.settlement.kinds import Kind
from pipeline.settlement.terms import ZERO, Pricing

__all__ = ["Contract", "load_contracts", "put_contracts"]

CLAUSES: Final = {
    "client": "VARCHAR",
    "clause_id": "VARCHAR",
    "title": "VARCHAR",
    "kind": "VARCHAR",
    "unit": "VARCHAR",
    "currency": "VARCHAR",
    "measure": "VARCHAR",
    "increment_s": "BIGINT",
    "minimum_s": "BIGINT",
    "hours_per_fte": "BIGINT",
    "from_on": "DATE",
    "to_on": "DATE",
    "from_ms": "BIGINT",
    "to_ms": "BIGINT",
    "unit_price": "DECIMAL(10,4)",
}
CLAUSE_QUEUES: Final = {
    "client": "VARCHAR",
    "clause_id": "VARCHAR",
    "site": "VARCHAR",
    "queue": "VARCHAR",
}
CLAUSE_STATES: Final = {"client": "VARCHAR", "clause_id": "VARCHAR", "state": "VARCHAR"}


def put_contracts(
    con: duckdb.DuckDBPyConnection,
    contracts: Iterable[Contract],
    *,
    month: Month,
    queues: Iterable[Queue],
) -> None:
    """Write the clauses in force in a month, and the queues and states they speak of."""
    listed = list(contracts)
    known = sorted(set(queues))
    put_table(con, "clauses", CLAUSES, (row for c in listed for row in _clause_rows(c, month)))
    put_table(
        con,
        "clause_queues",
        CLAUSE_QUEUES,
        (
            (contract.client, clause.id, site, queue)
            for contract in listed
            for clause in contract.clauses
            for client, site, queue in known
            if client == contract.client and _counts(contract, clause, queue)
        ),
    )
    put_table(
        con,
        "clause_states",
        CLAUSE_STATES,
        ((c.client, x.id, state) for c in listed for x in c.clauses for state in x.states),
    )


def _counts(contract: Contract, clause: Clause, queue: str) -> bool:
    if clause.kind not in {Kind.PER_CALL, Kind.PER_MINUTE}:
        return False
    return bool({"*", queue} & set(contract.queues_of(clause)))


def _clause_rows(contract: Contract, month: Month) -> Iterator[tuple[Any, ...]]:
    for clause in contract.clauses:
        for term in clause.terms:
            from_on = max(term.from_on, month.first_day)
            to_on = min(term.to_on, month.next_first_day)
            if from_on >= to_on:
                continue
            yield (
                *(contract.client, clause.id, clause.title, clause.kind, contract.unit(clause)),
                *(contract.currency, clause.measure, clause.increment_s, clause.minimum_s),
                *(clause.hours_per_fte, from_on, to_on),
                midnight_ms(from_on, contract.zone),
                midnight_ms(to_on, contract.zone),
                _price(contract, clause, term.value),
            )


def _price(contract: Contract, clause: Clause, value: object) -> Decimal:
    """Return the one price of a clause that the models can rate.

    Raises:
        TerminalError: they cannot rate the clause yet.
    """
    is_rated = clause.kind in {Kind.PER_CALL, Kind.PER_MINUTE} or (
        clause.kind == Kind.PER_FTE and clause.states and contract.sites_of(clause) == ALL
    )
    is_plain = clause.measure in {"answered", "talk", "handle", "states"} and not (
        clause.short_call_s or clause.complexity or contract.sites_of(clause) != ALL
    )
    if (
        not (is_rated and is_plain)
        or not isinstance(value, Pricing)
        or value.tiering != "single"
        or value.minimum != ZERO
    ):
        msg = f"{contract.client}, clause {clause.id}: a month cannot be settled by it yet"
        raise TerminalError(msg)
    return value.tiers[0].unit_price
