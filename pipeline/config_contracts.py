"""Reads ``config/contracts/<client>.yaml`` into contracts, or says all that is wrong in them.

The shape is judged by ``schemas/contract.schema.json``, what clauses mean to each other by
``config_contract_checks``. Money is Decimal from text; a float in the file is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pipeline.config_calendars import load_calendars, read_date
from pipeline.config_contract_checks import problems_between
from pipeline.config_schema import Problem, raise_problems, schema_problems
from pipeline.config_yaml import Located, load_yaml
from pipeline.errors import ConfigError
from pipeline.settlement.calendar import Calendar
from pipeline.settlement.contract import ALL, Clause, Contract, Programme, Term
from pipeline.settlement.kinds import KINDS, Family, Kind
from pipeline.settlement.terms import (
    ZERO,
    Band,
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
    Tier,
    Tiering,
    Value,
)

SCHEMA: Final = "contract.schema.json"
CALENDARS: Final = "calendars.yaml"
_HUNDRED: Final = Decimal(100)
_MEASURES: Final = ("counts", "measure", "figure", "measured")


def load_contracts(folder: Path) -> tuple[Contract, ...]:
    """Read every contract of a folder; calendars lie beside it.

    Raises:
        ConfigError: names every problem of every file, with its line.
    """
    calendars = load_calendars(folder.with_name(CALENDARS))
    found, errors = [], []
    for path in sorted(folder.glob("*.yaml")):
        try:
            found.append(load_contract(path, calendars))
        except ConfigError as error:
            errors.append(error)
    if len(errors) > 1:
        listed = "".join(f"\n{error}" for error in errors)
        raise ConfigError(folder, f"{len(errors)} contracts have problems{listed}")
    if errors:
        raise errors[0]
    return tuple(found)


def load_contract(path: Path, calendars: dict[str, Calendar]) -> Contract:
    """Read one contract.

    Raises:
        ConfigError: names every problem with file and line.
    """
    top = load_yaml(path)
    raise_problems(path, contract_problems(path, top, calendars))
    return _contract(top)


def contract_problems(
    path: Path, top: Located, calendars: dict[str, Calendar]
) -> Iterator[Problem]:
    """Yield all that is wrong; what clauses mean is only looked at where each has its shape."""
    shape = schema_problems(top, SCHEMA)
    yield from shape or problems_between(path, top, calendars)


def _contract(top: Located) -> Contract:
    return Contract(
        client=top["client"],
        title=top.get("title", ""),
        zone=top["zone"],
        currency=top["currency"],
        calendar=top.get("calendar", ""),
        programmes=tuple(
            Programme(
                id=item["id"],
                title=item.get("title", item["id"]),
                queues=tuple(item["queues"]),
                sites=tuple(item.get("sites", ALL)),
            )
            for item in top.get("programmes", ())
        ),
        clauses=tuple(_clause(item) for item in top["clauses"]),
    )


def _clause(item: Located) -> Clause:
    kind = Kind(item["kind"])
    return Clause(
        id=item["id"],
        title=item["title"],
        kind=kind,
        programme=item.get("programme", ""),
        queues=tuple(item.get("queues", ())),
        sites=tuple(item.get("sites", ())),
        of=tuple(item.get("of", ())),
        measure=_measure(item, kind),
        states=tuple(item.get("states", ())),
        attribution=item.get("attribution", ""),
        increment_s=item.get("increment_s", 3),
        minimum_s=item.get("minimum_s", 0),
        short_call_s=item.get("short_call_s", 0),
        hours_per_fte=item.get("hours_per_fte", 1),
        complexity=tuple((q, Decimal(f)) for q, f in item.get("complexity", {}).items()),
        leaves_out=item.get("leaves_out", "misses" if kind == Kind.EXCLUSION else ""),
        days=tuple(item.get("days", ())),
        dates=tuple(
            (read_date(span["from"]), read_date(span["through"])) for span in item.get("dates", ())
        ),
        terms=tuple(_terms(item, kind)),
    )


def _measure(item: Located, kind: Kind) -> str:
    said = next((str(item[key]) for key in _MEASURES if key in item), "")
    if kind in {Kind.PER_HOUR, Kind.PER_FTE} and item.get("states"):
        return "states"
    defaults = {Kind.PER_CALL: "answered", Kind.SERVICE_LEVEL: "month"}
    return said or defaults.get(kind, "")


def _terms(item: Located, kind: Kind) -> Iterator[Term]:
    terms = item["terms"]
    starts = [read_date(term["from"]) for term in terms]
    for term, start, after in zip(terms, starts, [*starts[1:], date.max], strict=True):
        last = read_date(term["through"]) + timedelta(days=1) if "through" in term else after
        yield Term(from_on=start, to_on=last, value=_value(item, term, kind))


def _value(item: Located, term: Located, kind: Kind) -> Value:
    if KINDS[kind].family == Family.LEVEL:
        return _bands(term)
    if KINDS[kind].family == Family.COUNTED:
        return _pricing(item, term)
    return _further_value(term, kind)


def _further_value(term: Located, kind: Kind) -> Value:  # noqa: PLR0911 - one per kind
    match kind:
        case Kind.EXCLUSION:
            tolerance = term.get("forecast_tolerance_pct")
            return Exclusion(
                incidents=term["incidents"] == "agreed",
                forecast_tolerance=None if tolerance is None else _rate(tolerance),
            )
        case Kind.SURCHARGE:
            return Extra(factor=_number(term, "factor"), extra_price=_number(term, "extra_price"))
        case Kind.MALUS_CAP:
            return Cap(rate=_rate(term["cap_pct"]))
        case Kind.MINIMUM_VOLUME:
            rate = _rate(term["share_pct"])
            return Commitment(rate=rate, unit_price=Decimal(term["unit_price"]))
        case Kind.DISCOUNT:
            return Bands(
                bands=tuple(
                    Band(start=Decimal(band["from"]), rate=-_rate(band["discount_pct"]))
                    for band in term["bands"]
                )
            )
        case Kind.TAX:
            return Tax(rate=_rate(term["rate_pct"]), is_in_prices=term["prices"] == "with_tax")
        case Kind.PROMPT_PAYMENT:
            return PromptPayment(within_days=term["within_days"], rate=_rate(term["discount_pct"]))
        case Kind.LATE_PAYMENT:
            cap = term.get("cap_pct")
            return LatePayment(
                after_days=term["after_days"],
                rate_per_day=_rate(term["pct_per_day"]),
                cap=None if cap is None else _rate(cap),
            )
        case _:
            return Limit(amount=Decimal(term["amount"]))


def _pricing(item: Located, term: Located) -> Pricing:
    tiering: Tiering = item.get("tiering", "single")
    if "package" in term:
        package = term["package"]
        tiers: tuple[Tier, ...] = (
            Tier(fee=Decimal(package["fee"])),
            Tier(above=Decimal(package["included"]), unit_price=Decimal(package["overage"])),
        )
        tiering = "graduated"
    elif "tiers" in term:
        tiers = tuple(
            Tier(
                above=Decimal(tier["above"]),
                unit_price=Decimal(tier.get("unit_price", ZERO)),
                fee=Decimal(tier.get("fee", ZERO)),
            )
            for tier in term["tiers"]
        )
    elif "rate_pct" in term:
        tiers = (Tier(unit_price=_rate(term["rate_pct"])),)
    else:
        tiers = (Tier(unit_price=Decimal(term["unit_price"])),)
    return Pricing(
        tiering=tiering,
        tiers=tiers,
        minimum=Decimal(term.get("minimum", ZERO)),
        seats=Decimal(term.get("seats", ZERO)),
    )


def _bands(term: Located) -> Bands:
    back: dict[str, Any] = term.get("earn_back", {})
    return Bands(
        bands=tuple(
            Band(
                start=Decimal(band["from"]),
                rate=_rate(band["adjust_pct"]) if "adjust_pct" in band else None,
                amount=_number(band, "adjust_amount"),
            )
            for band in term["bands"]
        ),
        earn_back_start=Decimal(back["from"]) if back else None,
        earn_back_months=back.get("months", 0),
    )


def _rate(percent: str) -> Decimal:
    return Decimal(percent) / _HUNDRED


def _number(term: Located, key: str) -> Decimal | None:
    return Decimal(term[key]) if key in term else None
