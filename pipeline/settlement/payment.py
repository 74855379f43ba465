"""What paying early or late changes; known when the payment comes, after the month's statement."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from pipeline.settlement.terms import LatePayment, PromptPayment

_CENT: Final = Decimal("0.01")


def prompt_discount(amount: Decimal, terms: PromptPayment, days: int) -> Decimal:
    """Return what is taken off an amount paid so many days after the invoice, as a negative."""
    if days > terms.within_days:
        return Decimal("0.00")
    return -(amount * terms.rate).quantize(_CENT, ROUND_HALF_UP)


def late_fee(amount: Decimal, terms: LatePayment, days: int) -> Decimal:
    """Return what is owed on top of an amount paid, or still owed, so many days after the invoice.

    Simple interest: rate per day late, of the amount, at most the cap.
    """
    rate = terms.rate_per_day * max(0, days - terms.after_days)
    if terms.cap is not None:
        rate = min(rate, terms.cap)
    return (amount * rate).quantize(_CENT, ROUND_HALF_UP)
