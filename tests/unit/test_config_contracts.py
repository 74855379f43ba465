"""Contracts: the shipped ones load; each kind of mistake is refused with file and line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.config_contracts import load_contracts
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT
from pipeline.settlement.kinds import KINDS, Kind
from pipeline.settlement.terms import Pricing, Tax, Tier
from tests.contracts import EVERY_KIND, line_of, load

MINUTES = """\
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
      - {from: 2025-01-01, through: 2025-11-10, unit_price: "1.00"}
      - {from: 2025-11-11, unit_price: "2.00"}
"""


def test_the_shipped_contracts_load() -> None:
    contracts = load_contracts(PROJECT_ROOT / "config" / "contracts")
    assert {c.client for c in contracts} >= {"meridian", "harbour", "bank"}


def test_a_contract_of_every_kind_loads(tmp_path: Path) -> None:
    contract = load(tmp_path, EVERY_KIND)
    assert {clause.kind for clause in contract.clauses} == set(Kind) == set(KINDS)
    price = contract.clause("3.1").terms[1]
    assert (price.from_on, price.to_on) == (date(2025, 11, 11), date(2026, 1, 1))
    package = contract.clause("3.3").terms[0].value
    assert package == Pricing(
        tiering="graduated",
        tiers=(
            Tier(fee=Decimal("30000.00")),
            Tier(above=Decimal(20000), unit_price=Decimal("1.35")),
        ),
    )
    assert contract.clause("9.1").terms[0].value == Tax(rate=Decimal("0.06"), is_in_prices=False)


def test_percentages_are_of_the_charges_of_the_programme_unless_named(tmp_path: Path) -> None:
    contract = load(tmp_path, EVERY_KIND)
    of = {c.id: contract.base_of(c) for c in contract.clauses}
    assert of["6.1"] == ("3.1", "3.2")
    assert of["5.3"] == ("3.1", "3.2", "3.5", "3.6", "3.8")
    assert of["6.2"] == ("3.3", "3.4")
    assert of["7.2"] == ("3.3", "3.4", "5.2", "6.2", "6.3")
    assert "4.1" not in of["8.1"]
    assert {"3.7", "6.9", "7.3"} <= set(of["8.1"])
    assert of["7.1"] == ("3.1",)
    assert of["3.1"] == of["9.1"] == ()
    assert contract.capped_by(contract.clause("6.9")) == ("6.1", "6.4")


def test_a_surcharge_by_a_factor_is_on_what_has_one_price(tmp_path: Path) -> None:
    text = EVERY_KIND.replace('    of: ["3.1"]\n    days', "    days")
    contract = load(tmp_path, text)
    assert contract.base_of(contract.clause("4.1")) == ("3.1", "3.5")


def test_a_contract_without_programmes_is_one(tmp_path: Path) -> None:
    contract = load(tmp_path, MINUTES)
    clause = contract.clause("1")
    assert contract.queues_of(clause) == contract.sites_of(clause) == ("*",)
    assert contract.unit(clause) == "minute"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"1.00"', "1.00", r'unit_price: expected text in quotes such as "6.80", got 1.0'),
        ('"1.00"', '"one"', r"unit_price: expected text in quotes such as .* got 'one'"),
        ('"1.00"', '"1.00001"', "got '1.00001'"),
        ('"1.00"', '"-1"', "got '-1'"),
        ("increment_s: 6", "increment_s: 7", "increment_s: expected a multiple of 3, got 7"),
        ("measure: talk", "measure: ring", r"expected one of \['talk', 'handle'\], got 'ring'"),
        ("kind: per_minute", "kind: per_week", "kind: expected one of"),
        ("minimum_s: 0", "minimum: 0", r"unknown key\(s\) \['minimum'\]"),
        ("client: acme", "client: other", "client: expected 'acme', the file's name"),
        ("zone: UTC", "zone: Mars", "zone: expected an IANA zone"),
        ("from: 2025-11-11", "from: 2025-13-11", "no date"),
        ("from: 2025-11-11", 'from: "2025-02-30"', "expected a date, got '2025-02-30'"),
        ("from: 2025-11-11", "from: 2025-11-11 10:00:00", "from: expected text in quotes such as"),
    ],
)
def test_a_mistake_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in MINUTES
    text = MINUTES.replace(old, new)
    with pytest.raises(ConfigError, match=message) as refused:
        load(tmp_path, text)
    listed = [part for part in str(refused.value).splitlines() if "problems" not in part]
    at = line_of(text, new)
    assert any(f"acme.yaml:{at}: " in part for part in listed)


def problem(tmp_path: Path, old: str, new: str, text: str = EVERY_KIND) -> str:
    """Return what a contract is refused for that was spoilt in one place."""
    assert text.count(old) == 1, old
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text.replace(old, new))
    return str(refused.value).removeprefix(str(tmp_path))


def test_validity_that_overlaps_or_leaves_a_gap_is_refused(tmp_path: Path) -> None:
    said = problem(tmp_path, "through: 2025-11-10", "through: 2025-11-11", MINUTES)
    assert said == (
        "/acme.yaml:14: clause 1: from: 2025-11-11 overlaps the term of line 13, "
        "in force through 2025-11-11"
    )
    said = problem(tmp_path, "through: 2025-11-10", "through: 2025-11-09", MINUTES)
    assert "nothing is in force from 2025-11-10 on, until 2025-11-11" in said
    said = problem(tmp_path, "from: 2025-11-11,", "from: 2024-11-11,", MINUTES)
    assert "expected a day after 2025-01-01 of line 13, got 2024-11-11" in said
    said = problem(tmp_path, "through: 2025-11-10", "through: 2024-11-10", MINUTES)
    assert "through: expected 2025-01-01 or later, got 2024-11-10" in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # negative tiers, and units without a price
        ('{above: "1000", unit', '{above: "-1000", unit', "tiers[1].above: expected text"),
        (
            '{above: "500", unit_price: "55"}',
            '{above: "0", unit_price: "55"}',
            "above: expected mo",
        ),
        (
            'tiers: [{above: "0", unit',
            'tiers: [{above: "1", unit',
            "above: expected the first from 0",
        ),
        ("    tiering: volume\n", "", "expected tiering of the clause, and tiers of each"),
        ('unit_price: "14200.00", ', "", "expected one of unit_price, tiers, package"),
        (
            'unit_price: "14200.00", ',
            ('unit_price: "1", package: {fee: "1", included: "1", overage: "1"}, '),
            "found unit_price and package",
        ),
        ('"6000", seats: "12"', '"6000"', "expected seats"),
        ('"14200.00", minimum', '"14200.00", seats: "1", minimum', "none are contracted"),
        (
            'complexity: {orders: "1.50", "*": "1"}',
            'complexity: {orders: "1.50"}',
            "complexity: expected a factor of each queue, or of *; none for ['service']",
        ),
        # currencies, names, references
        (
            "    kind: fixed\n",
            "    kind: fixed\n    currency: USD\n",
            "currency: expected CNY, the contract's, got USD",
        ),
        ('- id: "3.2"', '- id: "3.1"', "id: '3.1' stands on line 15 already"),
        (
            "    programme: bank\n    counts: compliance_critical",
            ("    programme: shop\n    counts: compliance_critical"),
            "programme: expected one of ['bank', 'retail']",
        ),
        ("queues: [returns]", "queues: [cards]", "queues: expected those of programme 'retail'"),
        (
            'of: ["3.1"]\n    terms: [{from: 2025-01-01, share',
            ('of: ["3.9"]\n    terms: [{from: 2025-01-01, share'),
            "of: expected clauses of the contract",
        ),
        (
            'of: ["3.1"]\n    terms: [{from: 2025-01-01, share',
            ('of: ["3.3"]\n    terms: [{from: 2025-01-01, share'),
            "3.3 is per_minute",
        ),
        (
            'of: ["3.1", "3.2"]\n    terms',
            'of: ["3.1", "3.4"]\n    terms',
            "clause 3.4 is not of programme 'retail'",
        ),
        ('of: ["3.1", "3.2"]\n    terms', 'of: ["3.1", "5.1"]\n    terms', "5.1 is per_complaint"),
        ("calendar: china\n", "", "days: expected the contract to name a calendar"),
        ("calendar: china", "calendar: mars", "calendar: expected one of ['china'], got 'mars'"),
        ("kind: maximum_amount", "kind: discount", "unknown key(s) ['amount']"),
        # surcharges
        ('factor: "3"', 'factor: "0.5"', "factor: expected 1 or more"),
        ('factor: "3"', 'factor: "3", extra_price: "1"', "one of factor and extra_price"),
        ('of: ["3.1"]\n    days', 'of: ["3.2"]\n    days', "clause 3.2 has several prices"),
        ('of: ["3.1"]\n    days', 'of: ["3.6"]\n    days', "3.6 is per_seat"),
        ("    days: [statutory]\n", "", "expected one of days and dates"),
        (
            "from: 2025-11-01, through: 2025-11-11",
            "from: 2025-11-12, through: 2025-11-11",
            "dates: 2025-11-11 is before 2025-11-12",
        ),
        # levels
        ('{from: "0", adjust_pct: "-3"}', '{from: "10", adjust_pct: "-3"}', "the first from 0"),
        ('{from: "0", adjust_pct: "-3"}', '{from: "0", adjust_pct: "-300"}', "-100 to 100"),
        ('{from: "0", adjust_pct: "-3"}', '{from: "0"}', "one of adjust_pct and adjust_amount"),
        (
            'earn_back: {from: "85"',
            'earn_back: {from: "75"',
            "earn_back: from 75 percent there is a malus, on line 124",
        ),
        ('{from: "80", adjust_pct: "0"}', '{from: "60", adjust_pct: "0"}', "expected more than 70"),
        # months are settled whole
        (
            'from: 2025-01-01, cap_pct: "8"',
            'from: 2025-01-02, cap_pct: "8"',
            "from: expected the first of a month",
        ),
        (
            'from: 2025-01-01, rate_pct: "6"',
            'from: 2025-01-01, through: 2025-11-29, rate_pct: "6"',
            "through: expected the last of a month, got 2025-11-29",
        ),
        ('rate_pct: "6"', 'rate_pct: "106"', "rate_pct: expected 0 to 100"),
        ('from: "500000", discount_pct: "3"', 'from: "500000", discount_pct: "101"', "0 to 100"),
        # agents' time
        ("    measure: productive\n", "", "expected one of measure and states"),
        ("counts: cases_by_agent", "counts: cases_by_moon", "counts: expected one of"),
    ],
)
def test_what_clauses_may_not_say_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    said = problem(tmp_path, old, new)
    assert message in said
    assert "/acme.yaml:" in said


def test_a_kind_that_a_programme_has_once_is_refused_twice(tmp_path: Path) -> None:
    text = EVERY_KIND + EVERY_KIND[EVERY_KIND.index('  - id: "9.1"') :].replace('"9.', '"10.')
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    said = str(refused.value)
    assert "clause 10.1: kind: the clause on line" in said
    assert "is the tax of the same" in said
    assert said.count("clause 10.") == 3


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = EVERY_KIND.replace('"6.80"', "6.80").replace('rate_pct: "6"', 'rate: "6"')
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    said = str(refused.value).splitlines()
    assert "3 problems" in said[0]
    assert [f"acme.yaml:{line_of(text, '6.80')}: " in said[1]] == [True]
    assert all(f"acme.yaml:{line_of(text, 'rate: ')}: " in part for part in said[2:])


def test_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(MINUTES)
    with pytest.raises(ConfigError, match="2 contracts have problems") as refused:
        load_contracts(folder)
    assert "one.yaml:1: client: expected 'one'" in str(refused.value)
    assert "two.yaml:1: client: expected 'two'" in str(refused.value)
