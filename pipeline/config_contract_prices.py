"""What prices, tiers and bands of a contract's terms must be, beyond their shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from pipeline.config_schema import Problem
from pipeline.config_yaml import Located
from pipeline.settlement.kinds import KINDS, Family, Kind, Step

_PRICES: Final = ("unit_price", "tiers", "package")
_HUNDRED: Final = Decimal(100)


def problems_of_term(clause: Located, kind: Kind, term: Located) -> Iterator[Problem]:
    """Yield what is wrong in a term of the right shape."""
    if KINDS[kind].family == Family.COUNTED and kind not in {Kind.FIXED, Kind.COMMISSION}:
        yield from _prices(clause, kind, term)
    if kind == Kind.SURCHARGE and ("factor" in term) == ("extra_price" in term):
        yield term.line, "expected one of factor and extra_price"
    if kind == Kind.SURCHARGE and Decimal(term.get("factor", "1")) < 1:
        yield term.line_of("factor"), f"factor: expected 1 or more, got {term['factor']}"
    if "bands" in term:
        yield from _bands(term, kind)
    for key in ("cap_pct", "rate_pct", "discount_pct"):
        if Decimal(term.get(key, "0")) > _HUNDRED:
            yield term.line_of(key), f"{key}: expected 0 to 100, got {term[key]}"


def _prices(clause: Located, kind: Kind, term: Located) -> Iterator[Problem]:
    given = [key for key in _PRICES if key in term]
    if len(given) != 1:
        found = f", found {' and '.join(given)}" if given else ""
        yield term.line, f"expected one of {', '.join(_PRICES)}{found}"
    if ("tiers" in term) != ("tiering" in clause):
        line = term.line_of("tiers") if "tiers" in term else term.line
        yield line, "expected tiering of the clause, and tiers of each of its terms, or neither"
    is_contracted = kind == Kind.PER_SEAT and clause["counts"] == "contracted"
    if ("seats" in term) != is_contracted:
        said = "expected seats" if is_contracted else "seats: none are contracted"
        yield term.line_of("seats"), said
    if KINDS[kind].step != Step.RATING and "minimum" in term:
        yield term.line_of("minimum"), "minimum: a deduction has none"
    if KINDS[kind].step != Step.RATING and "package" in term:
        yield term.line_of("package"), "package: a deduction has none"
    yield from _ascending(term.get("tiers", ()), "above")


def _bands(term: Located, kind: Kind) -> Iterator[Problem]:
    bands = term["bands"]
    yield from _ascending(bands, "from")
    if kind == Kind.DISCOUNT:
        for band in bands:
            if Decimal(band["discount_pct"]) > _HUNDRED:
                said = f"discount_pct: expected 0 to 100, got {band['discount_pct']}"
                yield band.line, said
        return
    for band in bands:
        if ("adjust_pct" in band) == ("adjust_amount" in band):
            yield band.line, "expected one of adjust_pct and adjust_amount"
        if abs(Decimal(band.get("adjust_pct", "0"))) > _HUNDRED:
            said = f"adjust_pct: expected -100 to 100, got {band['adjust_pct']}"
            yield band.line, said
        if Decimal(band["from"]) > _HUNDRED:
            yield band.line, f"from: expected a level of 0 to 100 percent, got {band['from']}"
    if "earn_back" in term:
        back = term["earn_back"]
        at = max(
            (b for b in bands if Decimal(b["from"]) <= Decimal(back["from"])),
            key=lambda b: Decimal(b["from"]),
            default=bands[0],
        )
        if Decimal(at.get("adjust_pct", at.get("adjust_amount", "0"))) < 0:
            said = f"earn_back: from {back['from']} percent there is a malus, on line {at.line}"
            yield back.line, said


def _ascending(items: Sequence[Located], key: str) -> Iterator[Problem]:
    values = [Decimal(item[key]) for item in items]
    if values and values[0] != 0:
        said = f"{key}: expected the first from 0, as less has no price or band, got {values[0]}"
        yield items[0].line, said
    for item, value, before in zip(items[1:], values[1:], values, strict=False):
        if value <= before:
            yield item.line, f"{key}: expected more than {before}, got {value}"
