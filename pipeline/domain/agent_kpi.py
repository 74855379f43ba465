"""Shares of agents' time, each with its numerator and denominator in milliseconds.

All are computed from ``agent_time.AGENT_TIME_FIELDS``, which add up over agents and times; a
share divides sums, never averages shares, and is None where there is nothing to divide by.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.domain.kpi import Counts
from pipeline.domain.kpi import ratio as divide


class Share(NamedTuple):
    """A numerator and what it is a share of."""

    numerator: int
    denominator: int

    @property
    def ratio(self) -> float | None:
        """Return the share, 0..1 (conformance may exceed 1), or None."""
        return divide(self.numerator, self.denominator)


def occupancy(counts: Counts) -> Share:
    """Work on contacts over that and waiting for one (Amazon Connect).

    Breaks and other custom states are in neither; ringing goes where the terms put it.
    """
    return Share(counts["occupied_ms"], counts["occupiable_ms"])


def occupancy_of_login(counts: Counts) -> Share:
    """Work on contacts over all time logged in (Avaya CMS, 占有率 = 处理时长/登录时长)."""
    return Share(counts["occupied_ms"], counts["logged_in_ms"])


def utilisation(counts: Counts) -> Share:
    """Time that is paid and productive over paid time ("productive to paid", P2P)."""
    return Share(counts["productive_paid_ms"], counts["paid_ms"])


def bill_to_pay(counts: Counts) -> Share:
    """Billable over paid time (B2P); exceeds 1 where unpaid time is billed."""
    return Share(counts["billable_ms"], counts["paid_ms"])


def shrinkage(counts: Counts) -> Share:
    """Paid time logged in that is not productive over paid time: 1 - utilisation (in-office)."""
    return Share(counts["paid_ms"] - counts["productive_paid_ms"], counts["paid_ms"])


def external_shrinkage(counts: Counts) -> Share:
    """Paid leave and absence over all paid scheduled time."""
    return Share(counts["absence_paid_ms"], counts["scheduled_paid_ms"])


def combined_shrinkage(one: Share, other: Share) -> Share:
    """Combine shrinkages that apply one after the other: 1 - (1 - a)(1 - b), exactly."""
    whole = one.denominator * other.denominator
    left = (one.denominator - one.numerator) * (other.denominator - other.numerator)
    return Share(whole - left, whole)


def adherence(counts: Counts) -> Share:
    """Scheduled time spent as scheduled over scheduled time; work outside it is in neither."""
    return Share(counts["adherent_ms"], counts["scheduled_ms"])


def conformance(counts: Counts) -> Share:
    """Time logged in, whenever it was, over scheduled time; may exceed 1."""
    return Share(counts["logged_in_ms"], counts["scheduled_ms"])
