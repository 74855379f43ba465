"""Abandon rate: three denominators in use, as numerator and denominator over additive counts."""

from __future__ import annotations

from enum import StrEnum

from pipeline.domain.kpi import Counts
from pipeline.domain.service_level import Parts


class AbandonBase(StrEnum):
    """What abandoned calls are divided by."""

    QUEUED = "queued"
    """All queued calls; callbacks are not abandons (Amazon Connect's data lake)."""
    HANDLED = "handled"
    """Answered + abandoned, short abandons in neither (Google CCAI)."""
    OFFERED = "offered"
    """Answered + abandoned + flowed out (Genesys Cloud)."""


def abandon_parts(base: AbandonBase, counts: Counts, *, short_abandons: bool = True) -> Parts:
    """Return abandoned calls and what they are divided by.

    ``short_abandons`` False takes short abandons out of both. Calls that hung up before any queue
    are in neither.
    """
    short = counts["abandoned_short"]
    left_out = short if base is AbandonBase.HANDLED or not short_abandons else 0
    abandoned = counts["abandoned"] - left_out
    if base is AbandonBase.QUEUED:
        return Parts(abandoned, counts["offered"] - left_out)
    if base is AbandonBase.OFFERED:
        return Parts(abandoned, counts["answered"] + abandoned + counts["flowed_out"])
    return Parts(abandoned, counts["answered"] + abandoned)
