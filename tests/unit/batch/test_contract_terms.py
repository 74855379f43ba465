"""Contracts: the shipped ones load; each kind of mistake is refused where it stands."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipeline.batch.contract_terms import load_contracts, put_contracts
from pipeline.domain.business_time import Month
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT

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


def load(folder: Path, text: str) -> None:
    (folder / "acme.yaml").write_text(text)
    load_contracts(folder)


def test_the_shipped_contracts_load() -> None:
    contracts = load_contracts(PROJECT_ROOT / "config" / "contracts")
    kinds = {clause.kind for contract in contracts for clause in contract.clauses}
    assert {c.client for c in contracts} >= {"meridian", "harbour", "bank"}
    assert kinds == {"per_call", "per_minute", "per_fte"}


def test_a_price_that_changes_within_the_month_gives_two_terms(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(GOOD)
    with duckdb.connect(":memory:") as con:
        queues = [("acme", "", "service"), ("other", "", "service")]
        put_contracts(con, load_contracts(tmp_path), month=Month(2025, 11), queues=queues)
        terms = con.execute("select from_on, to_on, unit_price from params.clauses order by 1")
        found = [(str(a), str(b), c) for a, b, c in terms.fetchall()]
        named = con.execute("select client, queue from params.clause_queues").fetchall()
    assert found == [
        ("2025-11-01", "2025-11-11", Decimal("1.0000")),
        ("2025-11-11", "2025-12-01", Decimal("2.0000")),
    ]
    assert named == [("acme", "service")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"1.00"', "1.00", "unit_price: expected str"),
        ('"1.00"', '"one"', "unit_price: expected a decimal"),
        ('"1.00"', '"1.00001"', "unit_price: expected a decimal"),
        ('"1.00"', '"-1"', "unit_price: expected a decimal"),
        ("increment_s: 6", "increment_s: 7", "increment_s: expected a multiple of 3"),
        ("measure: talk", "measure: ring", "measure: expected talk or handle"),
        ("kind: per_minute", "kind: per_hour", "kind: expected one of"),
        ("minimum_s: 0", "minimum: 0", "unknown key"),
        ("2025-11-11", "2024-11-11", "expected ascending"),
        ("client: acme", "client: other", "client: expected 'acme'"),
        ("zone: UTC", "zone: Mars", "zone: expected an IANA zone"),
    ],
)
def test_a_mistake_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, GOOD.replace(old, new))
