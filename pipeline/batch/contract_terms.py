"""Reads ``config/contracts/<client>.yaml`` and puts the terms of a month into the build database.

Terms are dated: a price that changes within a month gives two rows, and so two lines of the
statement. Money is Decimal from text; a float in the file is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb

from pipeline.batch.parameters import Queue
from pipeline.config_files import Located, check_keys, load_yaml, take
from pipeline.domain.business_time import Month, midnight_ms
from pipeline.domain.events import AgentState
from pipeline.errors import ConfigError
from pipeline.lake.warehouse import put_table

KINDS: Final = {"per_call": "call", "per_minute": "minute", "per_fte": "FTE"}
_PRICE_DECIMALS: Final = 4
_EXACT_S: Final = 3
"""Increments of 3 s are 0.05 minutes: minutes of such increments are exact decimals."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One clause with its dated unit prices, ascending."""

    id: str
    title: str
    kind: str
    queues: tuple[str, ...]
    measure: str
    increment_s: int
    minimum_s: int
    hours_per_fte: int
    states: tuple[str, ...]
    prices: tuple[tuple[date, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One client's settlement terms."""

    client: str
    zone: str
    currency: str
    clauses: tuple[Clause, ...]


def load_contracts(folder: Path) -> tuple[Contract, ...]:
    """Read every contract of a folder; raise ConfigError with file and line."""
    return tuple(_contract(path) for path in sorted(folder.glob("*.yaml")))


def _contract(path: Path) -> Contract:
    top = load_yaml(path)
    check_keys(path, top, {"client", "zone", "currency", "clauses"})
    client, zone, currency = (take(path, top, key, str) for key in ("client", "zone", "currency"))
    if client != path.stem:
        problem = f"client: expected {path.stem!r}, the file's name, got {client!r}"
        raise ConfigError(path, problem, line=top.line)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError) as error:
        raise ConfigError(path, f"zone: expected an IANA zone, got {zone!r}", line=1) from error
    clauses = tuple(_clause(path, item) for item in take(path, top, "clauses", list))
    ids = [clause.id for clause in clauses]
    if len(set(ids)) != len(ids):
        raise ConfigError(path, f"clauses: expected different ids, got {ids}")
    return Contract(client=client, zone=zone, currency=currency, clauses=clauses)


_KEYS: Final = {
    "per_call": {"queues"},
    "per_minute": {"queues", "measure", "increment_s", "minimum_s"},
    "per_fte": {"hours_per_fte", "states"},
}


def _clause(path: Path, item: Located) -> Clause:
    if not isinstance(item, Located):
        raise ConfigError(path, f"clauses: expected mappings, got {item!r}")
    kind = take(path, item, "kind", str)
    if kind not in KINDS:
        problem = f"kind: expected one of {sorted(KINDS)}, got {kind!r}"
        raise ConfigError(path, problem, line=item.line)
    check_keys(path, item, {"id", "title", "kind", "terms", *_KEYS[kind]})
    has_legs, has_minutes, has_agents = (kind == k for k in KINDS)
    has_legs = has_legs or has_minutes
    increment = take(path, item, "increment_s", int) if has_minutes else _EXACT_S
    if increment <= 0 or increment % _EXACT_S:
        problem = f"increment_s: expected a multiple of {_EXACT_S} (exact minutes), got {increment}"
        raise ConfigError(path, problem, line=item.line)
    measure = take(path, item, "measure", str) if has_minutes else ""
    if has_minutes and measure not in {"talk", "handle"}:
        problem = f"measure: expected talk or handle, got {measure!r}"
        raise ConfigError(path, problem, line=item.line)
    states = tuple(take(path, item, "states", list)) if has_agents else ()
    known = set(AgentState) - {AgentState.LOGGED_OUT}
    if unknown := sorted(set(states) - known):
        problem = f"states: expected some of {sorted(known)}, got {unknown}"
        raise ConfigError(path, problem, line=item.line)
    hours = take(path, item, "hours_per_fte", int) if has_agents else 1
    if hours <= 0:
        problem = f"hours_per_fte: expected a positive number, got {hours}"
        raise ConfigError(path, problem, line=item.line)
    return Clause(
        id=take(path, item, "id", str),
        title=take(path, item, "title", str),
        kind=kind,
        queues=tuple(take(path, item, "queues", list)) if has_legs else (),
        measure=measure,
        increment_s=increment,
        minimum_s=take(path, item, "minimum_s", int) if has_minutes else 0,
        hours_per_fte=hours,
        states=tuple(dict.fromkeys(states)),
        prices=_prices(path, item),
    )


def _prices(path: Path, item: Located) -> tuple[tuple[date, Decimal], ...]:
    prices = []
    for term in take(path, item, "terms", list):
        if not isinstance(term, Located):
            raise ConfigError(path, f"terms: expected mappings, got {term!r}", line=item.line)
        check_keys(path, term, {"from", "unit_price"})
        text = take(path, term, "unit_price", str)
        try:
            price = Decimal(text)
        except InvalidOperation:
            price = Decimal(-1)
        exponent = price.as_tuple().exponent
        if not price.is_finite() or not 0 <= price < 10**6 or int(exponent) < -_PRICE_DECIMALS:
            problem = f'unit_price: expected a decimal such as "6.80", got {text!r}'
            raise ConfigError(path, problem, line=term.line)
        prices.append((take(path, term, "from", date), price))
    starts = [start for start, _ in prices]
    if not prices or starts != sorted(set(starts)):
        problem = f"terms: expected ascending, different days in from, got {starts}"
        raise ConfigError(path, problem, line=item.line)
    return tuple(prices)


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
            if client == contract.client and ("*" in clause.queues or queue in clause.queues)
        ),
    )
    put_table(
        con,
        "clause_states",
        CLAUSE_STATES,
        ((c.client, x.id, state) for c in listed for x in c.clauses for state in x.states),
    )


def _clause_rows(contract: Contract, month: Month) -> Iterator[tuple[Any, ...]]:
    for clause in contract.clauses:
        ends = [start for start, _ in clause.prices[1:]] + [date.max]
        for (start, price), end in zip(clause.prices, ends, strict=True):
            from_on = max(start, month.first_day)
            to_on = min(end, month.next_first_day)
            if from_on >= to_on:
                continue
            yield (
                *(contract.client, clause.id, clause.title, clause.kind, KINDS[clause.kind]),
                *(contract.currency, clause.measure, clause.increment_s, clause.minimum_s),
                *(clause.hours_per_fte, from_on, to_on),
                midnight_ms(from_on, contract.zone),
                midnight_ms(to_on, contract.zone),
                price,
            )
