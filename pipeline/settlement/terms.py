"""What a clause says while a term is in force: prices, bands, limits, taxes; exact decimals.

A rate is a fraction: 6 % is 0.06.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

Tiering = Literal["single", "graduated", "volume"]
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Units above a quantity: their price, and a fee for reaching them."""

    above: Decimal = ZERO
    unit_price: Decimal = ZERO
    fee: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What a quantity costs.

    ``single`` has one tier. ``graduated``: each unit at its own tier's price. ``volume``: all units
    at the price of the tier that the quantity reaches. ``minimum``: units paid at least, and
    ``seats``: those contracted; both per month.
    """

    tiering: Tiering
    tiers: tuple[Tier, ...]
    minimum: Decimal = ZERO
    seats: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A surcharge: the price times a factor, or so much on top; one of the two is None."""

    factor: Decimal | None = None
    extra_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What follows from a level (in percent) or a subtotal on: a rate, or an amount, else None."""

    start: Decimal
    rate: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Bands, ascending, the first from 0.

    ``earn_back_start``: the level from which maluses of ``earn_back_months`` months before are
    given back; None: never.
    """

    bands: tuple[Band, ...]
    earn_back_start: Decimal | None = None
    earn_back_months: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Which time is left out: agreed incidents; days beyond forecast and a tolerance (None: no)."""

    incidents: bool
    forecast_tolerance: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """Maluses are at most this rate of the charges."""

    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """This rate of the forecast is paid, missing calls at this price."""

    rate: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So much per month, at least or at most."""

    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A rate, and whether prices have the tax in them."""

    rate: Decimal
    is_in_prices: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPayment:
    """Less by a rate if paid within so many days of the invoice."""

    within_days: int
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LatePayment:
    """More by a rate per day after so many days, at most by a rate (None: no limit)."""

    after_days: int
    rate_per_day: Decimal
    cap: Decimal | None = None


Value = (
    Pricing
    | Extra
    | Bands
    | Exclusion
    | Cap
    | Commitment
    | Limit
    | Tax
    | PromptPayment
    | LatePayment
)
