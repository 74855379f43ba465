"""The terms of a month as rows: dated prices, and what the models cannot settle yet."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipeline.batch.contract_terms import put_contracts
from pipeline.domain.business_time import Month
from pipeline.errors import TerminalError
from tests.contracts import EVERY_KIND, load

GOOD = """\
client: acme
zone: UTC
currency: EUR
clauses:
  - id: "1"
    title: Minutes
    kind: per_minute
    measure: talk
    increment_s: 6
    minimum_s: 0
    queues: ["*"]
    terms:
      - {from: 2025-01-01, unit_price: "1.00"}
      - {from: 2025-11-11, unit_price: "2.00"}
"""


def test_a_price_that_changes_within_the_month_gives_two_terms(tmp_path: Path) -> None:
    with duckdb.connect(":memory:") as con:
        queues = [("acme", "", "service"), ("other", "", "service")]
        put_contracts(con, [load(tmp_path, GOOD)], month=Month(2025, 11), queues=queues)
        terms = con.execute("select from_on, to_on, unit_price from params.clauses order by 1")
        found = [(str(a), str(b), c) for a, b, c in terms.fetchall()]
        named = con.execute("select client, queue from params.clause_queues").fetchall()
    assert found == [
        ("2025-11-01", "2025-11-11", Decimal("1.0000")),
        ("2025-11-11", "2025-12-01", Decimal("2.0000")),
    ]
    assert named == [("acme", "service")]


def test_what_the_models_cannot_settle_is_refused(tmp_path: Path) -> None:
    contract = load(tmp_path, EVERY_KIND)
    queues = [("acme", "", "service")]
    with duckdb.connect(":memory:") as con, pytest.raises(TerminalError, match=r"clause 2\.1: "):
        put_contracts(con, [contract], month=Month(2025, 11), queues=queues)
