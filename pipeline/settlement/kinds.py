"""The kinds of clauses, and at which step of a month's settlement each comes.

The order is fixed: what is left out, what is charged, surcharges on it, deductions for quality and
complaints, bonus and malus, what is paid at least or at most, discounts, tax. Payment comes after
the month and makes no line of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Step(IntEnum):
    """A step of a month's settlement; a step sees the amounts of the steps before it."""

    EXCLUSION = 1
    RATING = 2
    MULTIPLIER = 3
    DEDUCTION = 4
    SERVICE_LEVEL = 5
    COMMITMENT = 6
    DISCOUNT = 7
    TAX = 8
    PAYMENT = 9


class Kind(StrEnum):
    """What a clause does."""

    EXCLUSION = "exclusion"
    PER_CALL = "per_call"
    PER_MINUTE = "per_minute"
    PER_HOUR = "per_hour"
    PER_FTE = "per_fte"
    PER_SEAT = "per_seat"
    FIXED = "fixed"
    COMMISSION = "commission"
    SURCHARGE = "surcharge"
    PER_COMPLAINT = "per_complaint"
    PER_ERROR = "per_error"
    QUALITY_SCORE = "quality_score"
    SERVICE_LEVEL = "service_level"
    ABANDON_RATE = "abandon_rate"
    ANSWERED_RATE = "answered_rate"
    PER_MISSED_DAY = "per_missed_day"
    MALUS_CAP = "malus_cap"
    MINIMUM_VOLUME = "minimum_volume"
    MINIMUM_AMOUNT = "minimum_amount"
    MAXIMUM_AMOUNT = "maximum_amount"
    DISCOUNT = "discount"
    TAX = "tax"
    PROMPT_PAYMENT = "prompt_payment"
    LATE_PAYMENT = "late_payment"


class Family(StrEnum):
    """What the terms of a kind are."""

    COUNTED = "counted"
    """A quantity and its price."""
    LEVEL = "level"
    """A level reached, and what follows from it."""
    AMOUNT = "amount"
    """Something made of other amounts, or said of them."""


@dataclass(frozen=True, slots=True)
class KindOf:
    """When a kind of clause comes, and in which unit it counts; "" is money."""

    step: Step
    family: Family
    unit: str = ""


KINDS: Final = {
    Kind.EXCLUSION: KindOf(Step.EXCLUSION, Family.AMOUNT),
    Kind.PER_CALL: KindOf(Step.RATING, Family.COUNTED, "call"),
    Kind.PER_MINUTE: KindOf(Step.RATING, Family.COUNTED, "minute"),
    Kind.PER_HOUR: KindOf(Step.RATING, Family.COUNTED, "hour"),
    Kind.PER_FTE: KindOf(Step.RATING, Family.COUNTED, "FTE"),
    Kind.PER_SEAT: KindOf(Step.RATING, Family.COUNTED, "seat"),
    Kind.FIXED: KindOf(Step.RATING, Family.COUNTED, "month"),
    Kind.COMMISSION: KindOf(Step.RATING, Family.COUNTED),
    Kind.SURCHARGE: KindOf(Step.MULTIPLIER, Family.AMOUNT),
    Kind.PER_COMPLAINT: KindOf(Step.DEDUCTION, Family.COUNTED, "complaint"),
    Kind.PER_ERROR: KindOf(Step.DEDUCTION, Family.COUNTED, "error"),
    Kind.QUALITY_SCORE: KindOf(Step.DEDUCTION, Family.LEVEL),
    Kind.SERVICE_LEVEL: KindOf(Step.SERVICE_LEVEL, Family.LEVEL),
    Kind.ABANDON_RATE: KindOf(Step.SERVICE_LEVEL, Family.LEVEL),
    Kind.ANSWERED_RATE: KindOf(Step.SERVICE_LEVEL, Family.LEVEL),
    Kind.PER_MISSED_DAY: KindOf(Step.SERVICE_LEVEL, Family.COUNTED, "day"),
    Kind.MALUS_CAP: KindOf(Step.SERVICE_LEVEL, Family.AMOUNT),
    Kind.MINIMUM_VOLUME: KindOf(Step.COMMITMENT, Family.AMOUNT, "call"),
    Kind.MINIMUM_AMOUNT: KindOf(Step.COMMITMENT, Family.AMOUNT),
    Kind.MAXIMUM_AMOUNT: KindOf(Step.COMMITMENT, Family.AMOUNT),
    Kind.DISCOUNT: KindOf(Step.DISCOUNT, Family.AMOUNT),
    Kind.TAX: KindOf(Step.TAX, Family.AMOUNT),
    Kind.PROMPT_PAYMENT: KindOf(Step.PAYMENT, Family.AMOUNT),
    Kind.LATE_PAYMENT: KindOf(Step.PAYMENT, Family.AMOUNT),
}

DATED_WITHIN_MONTHS: Final = frozenset(
    kind for kind, of in KINDS.items() if of.step <= Step.MULTIPLIER and kind != Kind.EXCLUSION
) | {Kind.PER_COMPLAINT, Kind.PER_ERROR}
"""What may change on any day of a month; all else is of whole months."""

BY_DAY: Final = frozenset({Kind.PER_CALL, Kind.PER_MINUTE, Kind.PER_HOUR, Kind.PER_FTE})
"""Charges whose units are each of one day: these can have surcharges."""

MALUSES: Final = frozenset(
    {Kind.SERVICE_LEVEL, Kind.ABANDON_RATE, Kind.ANSWERED_RATE, Kind.PER_MISSED_DAY}
)
"""What a malus cap caps, unless it says otherwise."""
