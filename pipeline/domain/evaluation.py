"""What quality assurance found when it listened to a contact.

A score is of a *sample*: without how many contacts it was drawn from, and how it was drawn, a
mean of scores says nothing about an agent. Errors are kept by what they are critical for (COPC:
customer, business, compliance), because one fatal error and ten slips must not average out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.fact import Fact


class Sampling(StrEnum):
    """How the contact came to be evaluated; only ``random`` speaks for the rest."""

    RANDOM = "random"
    TARGETED = "targeted"
    COMPLAINT = "complaint"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Fact):
    """One evaluated contact, at ``evaluated_at_ms``, epoch milliseconds UTC.

    ``score_milli`` of ``max_score_milli`` in thousandths of a point. Errors are counts;
    ``check_count`` is how many points of the form could have gone wrong. ``population_count``:
    contacts of the agent that the sample was drawn from.
    """

    agent: str
    form: str
    evaluated_at_ms: int
    score_milli: int
    max_score_milli: int
    sampling: Sampling
    evaluation_id: str | None = None
    contact_id: str | None = None
    queue: str | None = None
    evaluator: str | None = None
    customer_critical_count: int | None = None
    business_critical_count: int | None = None
    compliance_critical_count: int | None = None
    non_critical_count: int | None = None
    check_count: int | None = None
    population_count: int | None = None
