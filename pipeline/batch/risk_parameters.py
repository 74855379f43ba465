"""Puts the dated weights of the complaint wind vane into the build database, as rows.

SQL joins by business day the same history that ``RiskHistory.on`` asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import duckdb

from pipeline.config_wind_vane import WindVane
from pipeline.domain.risk import Feature, RiskTerms
from pipeline.lake.warehouse import put_table

EARLIEST: Final = date(1, 1, 1)
LATEST: Final = date(9999, 12, 31)

RISK_TERMS: Final = {
    "client": "VARCHAR",
    "from_on": "DATE",
    "to_on": "DATE",
    "intercept": "BIGINT",
    "listed_from": "BIGINT",
    "outcome_window_ms": "BIGINT",
    **{f"{feature}_{what}": "BIGINT" for feature in Feature for what in ("unit", "most", "weight")},
}
RISK_WORDS: Final = {
    "client": "VARCHAR",
    "from_on": "DATE",
    "kind": "VARCHAR",
    "word": "VARCHAR",
}


def put_risk_parameters(con: duckdb.DuckDBPyConnection, vane: WindVane) -> None:
    """Write the terms of every client of ``params.queues``, which must be there."""
    clients = con.execute("select distinct client from params.queues order by all").fetchall()
    dated = [(client, *term) for (client,) in clients for term in _dated(vane, client)]
    put_table(con, "risk_terms", RISK_TERMS, (_term_row(*found) for found in dated))
    put_table(
        con,
        "risk_words",
        RISK_WORDS,
        (
            (client, from_on, kind, word)
            for client, from_on, _, terms in dated
            for kind, words in (("wrapup_code", terms.wrapup_codes), ("keyword", terms.keywords))
            for word in sorted(words)
        ),
    )


def _dated(vane: WindVane, client: str) -> Iterator[tuple[date, date, RiskTerms]]:
    history = vane.history(client)
    starts = (EARLIEST, *history.starts[1:])
    yield from zip(starts, (*history.starts[1:], LATEST), history.terms, strict=True)


def _term_row(client: str, from_on: date, to_on: date, terms: RiskTerms) -> tuple[Any, ...]:
    scales = [terms.scales[feature] for feature in Feature]
    return (
        *(client, from_on, to_on, terms.intercept, terms.listed_from, terms.outcome_window_ms),
        *(number for scale in scales for number in (scale.unit, scale.most, scale.weight)),
    )
