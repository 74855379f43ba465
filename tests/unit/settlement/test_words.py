"""A contract in words, and what changes in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.settlement.contract import Contract
from pipeline.settlement.contract_changes import ClauseChange, contract_changes
from pipeline.settlement.payment import late_fee, prompt_discount
from pipeline.settlement.terms import LatePayment, PromptPayment
from pipeline.settlement.words import said_on
from tests.contracts import EVERY_KIND, load

NOVEMBER = date(2025, 11, 1)


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return load(tmp_path, EVERY_KIND)


def sentences(contract: Contract, clause_id: str, day: date = NOVEMBER) -> list[str]:
    said = said_on(contract, day)[clause_id][1]
    return [text for subject, text in said.items() if subject not in {"title", "kind"}]


def test_a_clause_is_said_in_sentences(contract: Contract) -> None:
    assert sentences(contract, "3.1") == [
        "Of programme retail.",
        "Counts answered calls of queues service, orders, by complexity: orders 1.5, * 1.",
        "Calls with less than 5 s of talk are free.",
        "6.80 CNY a call.",
        "In force from 2025-01-01 through 2025-11-10.",
    ]
    assert sentences(contract, "6.1") == [
        "Of programme retail.",
        "Counts service level of queues service, orders, returns.",
        "from 0 %: -10 %; from 70 %: -5 %; from 80 %: 0 %; from 90 %: +2 %.",
        "From 85 % maluses of the 3 months before come back.",
        "Percentages are of the charges 3.1, 3.2.",
        "In force since 2025-01-01.",
    ]


@pytest.mark.parametrize(
    ("clause_id", "sentence"),
    [
        ("2.1", "Incidents agreed as excluded are left out."),
        ("2.1", "Days with more calls than forecast and 10 % are left out."),
        ("2.1", "Misses of the time left out do not count."),
        (
            "3.2",
            (
                "By quantity, each unit at its own tier's price: above 0: 5.00 CNY a call; "
                "above 1,000: 4.50 CNY a call and 100.00 CNY."
            ),
        ),
        (
            "3.3",
            (
                "Counts talk, hold and after-call work of queue cards at site sh, in 6 s begun, "
                "at least 30 s a call."
            ),
        ),
        (
            "3.3",
            (
                "By quantity, each unit at its own tier's price: above 0: 0.00 CNY a minute and "
                "30,000.00 CNY; above 20,000: 1.35 CNY a minute."
            ),
        ),
        ("3.4", "Counts agents' productive time at site sh."),
        ("3.5", "At least 10 a month are paid."),
        ("3.6", "12 seats are contracted."),
        ("3.8", "1.25 % of it."),
        ("4.1", "The price times 3 on holidays by law."),
        ("4.2", "0.50 CNY a unit on top on 2025-11-01 to 2025-11-11."),
        (
            "5.1",
            (
                "Counts justified complaints by an agent's fault of queues service, orders, "
                "returns, by received."
            ),
        ),
        ("5.2", "Counts compliance critical errors of evaluations of queue cards at site sh."),
        ("6.2", "from 0 %: 0.00 CNY; from 5 %: -1,000.00 CNY."),
        (
            "6.3",
            "Counts days below the goal of service level, per queue, of queue cards at site sh.",
        ),
        ("6.9", "Maluses are at most 8 % of the charges."),
        ("6.9", "Percentages are of the charges 3.1, 3.2, 3.5, 3.6, 3.8. Caps 6.1, 6.4."),
        ("7.1", "Up to 90 % of the forecast is paid, at 3.40 CNY a call."),
        ("7.2", "At least 25,000.00 CNY a month."),
        ("7.3", "At most 900,000.00 CNY a month."),
        ("8.1", "from 0 CNY: 0 %; from 500,000 CNY: -3 %."),
        ("9.1", "6 %, on top of the prices."),
        ("9.2", "1 % less if paid within 10 days."),
        ("9.3", "0.05 % more a day after 30 days, at most 5 %."),
    ],
)
def test_each_kind_has_its_sentence(contract: Contract, clause_id: str, sentence: str) -> None:
    assert sentence in sentences(contract, clause_id)


def test_every_clause_says_more_than_when_it_holds(contract: Contract) -> None:
    said = said_on(contract, NOVEMBER)
    assert list(said) == [clause.id for clause in contract.clauses]
    assert [i for i, (_, text) in said.items() if set(text) <= {"title", "kind", "in force"}] == []


def test_before_it_begins_and_after_it_ends_a_clause_says_nothing(contract: Contract) -> None:
    assert said_on(contract, date(2024, 12, 31)) == {}
    assert "3.1" not in said_on(contract, date(2026, 1, 1))
    assert "3.2" in said_on(contract, date(2026, 1, 1))


def test_what_changes_between_two_days_is_told_by_clause(contract: Contract) -> None:
    changes = contract_changes(contract, NOVEMBER, contract, date(2025, 11, 11))
    assert list(changes) == [
        ClauseChange(
            clause_id="3.1",
            title="Answered calls",
            change="changes",
            subjects=(("price", "6.80 CNY a call.", "7.20 CNY a call."),),
        )
    ]


def test_what_changes_between_two_contracts_is_told_by_clause(
    contract: Contract, tmp_path: Path
) -> None:
    text = EVERY_KIND.replace('adjust_pct: "-3"', 'adjust_pct: "-4"')
    text = text.replace('- id: "9.3"', '- id: "9.4"')
    (tmp_path / "new").mkdir()
    other = load(tmp_path / "new", text)
    changes = list(contract_changes(contract, NOVEMBER, other, NOVEMBER))
    assert [(c.clause_id, c.change) for c in changes] == [
        ("5.3", "changes"),
        ("9.3", "ends"),
        ("9.4", "begins"),
    ]
    bands = "from 0 %: {} %; from 85 %: 0 %."
    assert changes[0].subjects == (("bands", bands.format("-3"), bands.format("-4")),)
    assert list(contract_changes(contract, NOVEMBER, contract, NOVEMBER)) == []


def test_who_pays_in_time_pays_less() -> None:
    # 1 % of 1,234.50 is 12.345, rounded half away from zero
    terms = PromptPayment(within_days=10, rate=Decimal("0.01"))
    assert prompt_discount(Decimal("1234.50"), terms, 10) == Decimal("-12.35")
    assert prompt_discount(Decimal("1234.50"), terms, 11) == 0


def test_who_pays_late_pays_more_up_to_the_cap() -> None:
    # 0.05 % a day: day 31 is the first, 0.50 of 1,000.00; 200 days late would be 10 %, the cap is 5
    terms = LatePayment(after_days=30, rate_per_day=Decimal("0.0005"), cap=Decimal("0.05"))
    assert late_fee(Decimal("1000.00"), terms, 30) == 0
    assert late_fee(Decimal("1000.00"), terms, 31) == Decimal("0.50")
    assert late_fee(Decimal("1000.00"), terms, 230) == Decimal("50.00")
    assert late_fee(
        Decimal("1000.00"), LatePayment(after_days=30, rate_per_day=terms.rate_per_day), 230
    ) == Decimal("100.00")
