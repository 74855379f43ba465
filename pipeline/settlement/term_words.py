"""What a clause's term says, in sentences by subject."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from pipeline.settlement.contract import Clause, Contract
from pipeline.settlement.kinds import Kind
from pipeline.settlement.terms import (
    ZERO,
    Bands,
    Cap,
    Commitment,
    Exclusion,
    Extra,
    LatePayment,
    Limit,
    Pricing,
    PromptPayment,
    Tax,
    Value,
)

_DAYS: Final = {
    "weekend": "weekends that are not worked",
    "holiday": "holidays",
    "statutory": "holidays by law",
}


def terms_said(contract: Contract, clause: Clause, value: Value) -> Iterator[tuple[str, str]]:
    """Yield subject and sentence of all that a term says."""
    match value:
        case Pricing():
            yield from _prices(contract, clause, value)
        case Bands():
            yield from _bands(contract, clause, value)
        case Extra():
            yield "surcharge", _surcharge(contract, clause, value)
        case Exclusion():
            if value.incidents:
                yield "incidents", "Incidents agreed as excluded are left out."
            if value.forecast_tolerance is not None:
                over = percent(value.forecast_tolerance)
                yield "forecast", f"Days with more calls than forecast and {over} are left out."
        case PromptPayment() | LatePayment():
            yield "payment", _payment(value)
        case _:
            yield "limit", _limit(contract, clause, value)


def _surcharge(contract: Contract, clause: Clause, value: Extra) -> str:
    on = ", ".join(_DAYS[day] for day in clause.days)
    on += ", ".join(f"{first} to {last}" for first, last in clause.dates)
    if value.factor is not None:
        return f"The price times {plain(value.factor)} on {on}."
    return f"{money(value.extra_price or ZERO, contract)} a unit on top on {on}."


def _limit(contract: Contract, clause: Clause, value: Cap | Commitment | Limit | Tax) -> str:
    match value:
        case Cap():
            return f"Maluses are at most {percent(value.rate)} of the charges."
        case Commitment():
            paid = f"{money(value.unit_price, contract)} a call"
            return f"Up to {percent(value.rate)} of the forecast is paid, at {paid}."
        case Tax():
            where = "in the prices" if value.is_in_prices else "on top of the prices"
            return f"{percent(value.rate)}, {where}."
        case Limit():
            at = "least" if clause.kind == Kind.MINIMUM_AMOUNT else "most"
            return f"At {at} {money(value.amount, contract)} a month."


def _payment(value: PromptPayment | LatePayment) -> str:
    if isinstance(value, PromptPayment):
        return f"{percent(value.rate)} less if paid within {value.within_days} days."
    cap = "" if value.cap is None else f", at most {percent(value.cap)}"
    return f"{percent(value.rate_per_day)} more a day after {value.after_days} days{cap}."


def percent(rate: Decimal) -> str:
    """Return a rate, such as 0.06, as ``6 %``."""
    return f"{plain(rate * 100)} %"


def plain(number: Decimal) -> str:
    """Return a number without zeros that say nothing, and with thousands set off."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(number: Decimal, contract: Contract) -> str:
    """Return an amount with at least two decimals and the contract's currency."""
    decimals = max(2, -int(number.normalize().as_tuple().exponent))
    return f"{number:,.{decimals}f} {contract.currency}"


def _prices(contract: Contract, clause: Clause, value: Pricing) -> Iterator[tuple[str, str]]:
    unit = contract.unit(clause)
    if clause.kind == Kind.COMMISSION:
        yield "price", f"{percent(value.tiers[0].unit_price)} of it."
    elif value.tiering == "single":
        yield "price", f"{money(value.tiers[0].unit_price, contract)} a {unit}."
    else:
        how = {"graduated": "each unit at its own tier's price", "volume": "all at one price"}
        tiers = []
        for tier in value.tiers:
            fee = f" and {money(tier.fee, contract)}" if tier.fee else ""
            price = f"{money(tier.unit_price, contract)} a {unit}"
            tiers.append(f"above {plain(tier.above)}: {price}{fee}")
        yield "price", f"By quantity, {how[value.tiering]}: {'; '.join(tiers)}."
    if value.seats:
        yield "seats", f"{plain(value.seats)} seats are contracted."
    if value.minimum:
        yield "minimum", f"At least {plain(value.minimum)} a month are paid."


def _bands(contract: Contract, clause: Clause, value: Bands) -> Iterator[tuple[str, str]]:
    texts = []
    for band in value.bands:
        if band.rate is not None:
            follows = f"{'+' if band.rate > 0 else ''}{percent(band.rate)}"
        else:
            follows = money(band.amount or ZERO, contract)
        unit = f" {contract.currency}" if clause.kind == Kind.DISCOUNT else " %"
        texts.append(f"from {plain(band.start)}{unit}: {follows}")
    yield "bands", f"{'; '.join(texts)}."
    if value.earn_back_start is not None:
        months = f"the {value.earn_back_months} months before"
        yield "earn-back", f"From {plain(value.earn_back_start)} % maluses of {months} come back."
