"""What ``kpi.recovery`` says while an alert fires: how the day ends, and what would help.

Shares are per mille and agents thousandths, because a wire of integers reads the same everywhere.
A record is one instant of one alert: its id is a hash of both, so a stage that starts anew writes
the same record again, and a compacted topic keeps one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.alerting.sink import AlertRecord
from pipeline.domain.alert import AlertStatus
from pipeline.staffing.outlook import Standing

TOPIC: Final = "kpi.recovery"


class NoPlan(StrEnum):
    """Why a record has no plan."""

    NO_FORECAST = "no_forecast"
    """Nobody has said how many calls are to come."""
    NO_SCHEDULE = "no_schedule"
    """Nobody has said how many agents there are."""
    NO_HANDLE_TIME = "no_handle_time"
    """Nobody has said how long a call takes."""
    DAY_IS_OVER = "day_is_over"
    """No calls are expected any more."""
    BAD_INPUT = "bad_input"
    """What is there cannot be read, or cannot be planned for; ``message`` says what."""
    TOO_SLOW = "too_slow"
    """It was not worked out in the time it may take."""
    FAILED = "failed"
    """A program error; ``message`` has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryStep:
    """People of a source come or go; the chance is that with no step after it."""

    at_ms: int
    source: str
    change: int
    people: int
    agents_milli: int
    level_permille: int | None
    likely_permille: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How the contract's day stands at an instant; None where it is not known.

    ``needed_permille`` is what the rest has to reach, above 1000 if the day is lost.
    ``plan_is_enough``: does the plan reach the wanted probability?
    """

    reason: NoPlan | None = None
    message: str | None = None
    standing: Standing | None = None
    projected_permille: int | None = None
    likely_permille: int | None = None
    lost_at_ms: int | None = None
    needed_permille: int | None = None
    agents_milli: int | None = None
    agents_needed_milli: int | None = None
    plan_is_enough: bool | None = None
    plan_projected_permille: int | None = None
    plan_likely_permille: int | None = None
    steps: tuple[RecoveryStep, ...] = ()
    text: str | None = None
    text_zh: str | None = None


@dataclass(frozen=True, kw_only=True)
class Instant:
    """Which alert, and which instant of it.

    ``skipped``: instants passed over since the alert's record before, because event time ran
    faster than answers came.
    """

    recovery_id: str
    alert_id: str
    status: AlertStatus
    rule: str
    client: str
    site: str
    queue: str
    at_ms: int
    goal_permille: int
    skipped: int
    partition: int


@dataclass(frozen=True, kw_only=True)
class Recovery(Answer, Instant):
    """The record: the instant, and how things stand then."""


def recovery_id(alert_id: str, at_ms: int) -> str:
    """Return the id of an alert's record of an instant: 32 hex digits, the same on every run."""
    return hashlib.blake2b(f"{alert_id}\x1f{at_ms}".encode(), digest_size=16).hexdigest()


def key_of(alert_id: str, at_ms: int) -> bytes:
    """Return the record's key."""
    return f"{alert_id}/{at_ms}".encode()


def queue_of(alert: AlertRecord) -> tuple[str, str, str, str]:
    """Return client, site, queue and rule: of these one alert fires at a time."""
    return alert["client"], alert["site"], alert["queue"], alert["rule"]
