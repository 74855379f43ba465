"""The one place that decides what a leg counts for, and when.

Definitions (all instants in epoch milliseconds, all spans half-open):

* *outcome* of a queued leg: the earliest of answered, callback requested, flowed out,
  abandoned; ties in that order. ``wait_ms`` = outcome - queued, at least 0. ``answered`` is the
  source's, moved by the announcement where the definition says so.
* *within*: ``wait_ms <= threshold`` (``<`` if the contract says so).
* *service-level event*: the instant at which the leg's fate is known: the outcome if within,
  else the moment the threshold passed (Cisco: answered, abandoned, or past the threshold still
  waiting, whichever is first). A leg without an outcome counts as ``waiting_over`` once the
  watermark has passed that moment. So live and month-end attribute a call to the same pane.
* *completion*: an answered leg that has ended, its wrap-up over if it had one: the later of
  ended and wrap-up ended. ``talk_ms`` = ended - answered - hold, at least 0; ``hold_ms`` = sum
  over ``hold_seq`` of end - start, an open hold being closed by ``ended``;
  ``acw_ms`` = wrap-up ended - wrap-up started.
* A leg that queued outside the opening hours, where hours are agreed, counts for service level as
  ``out_of_hours`` alone, at its service-level event; the agent's time on it was worked and counts.
* A leg whose ``queued`` is not known counts for nothing but its complaints and its
  before-queue abandons, which stand by themselves, its refusal, and its dialing.
* Offers that an agent let ring count one by one, each where it happened.

SQL mirrors this file in ``dbt_like_sql/models/intermediate/int_leg_outcomes.sql``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from pipeline.domain.events import BEFORE_QUEUE, CallEvent, EventType
from pipeline.domain.kpi import (
    COMPLAINT_SIGNAL_FIELDS,
    PANE_MS,
    SERVICE_LEVEL_FIELDS,
)
from pipeline.domain.leg import LegFacts
from pipeline.domain.occurrences import occurrences, transfer_deltas
from pipeline.domain.target import ServiceTarget
from pipeline.domain.wait_histogram import WAIT_FIELDS, bucket_of


class OutcomeKind(StrEnum):
    """How the wait of a leg ended."""

    ANSWERED = "answered"
    CALLBACK = "callback"
    FLOWED_OUT = "flowed_out"
    ABANDONED = "abandoned"
    WAITING = "waiting"


_COMPLAINT_FLAGGED: Final = EventType.COMPLAINT_FLAGGED
_ANSWERED: Final = OutcomeKind.ANSWERED
_CALLBACK: Final = OutcomeKind.CALLBACK
_FLOWED_OUT: Final = OutcomeKind.FLOWED_OUT
_ABANDONED: Final = OutcomeKind.ABANDONED
_WAITING: Final = OutcomeKind.WAITING


class Outcome(NamedTuple):
    """The fate of one queued leg; ``wait_ms`` is the wait so far while it is waiting."""

    kind: OutcomeKind
    outcome_at: int | None
    wait_ms: int
    is_within: bool
    service_level_at: int | None
    """When the leg counts for service level; None while its fate is open."""


class Handling(NamedTuple):
    """Agent time of one completed leg, milliseconds."""

    completed_at: int
    talk_ms: int
    hold_ms: int
    acw_ms: int


def classify(facts: LegFacts, target: ServiceTarget, watermark_ms: int) -> Outcome | None:
    """Decide the outcome of a leg as of a watermark; None if it is not known to have queued."""
    queued = facts.queued_at
    if queued is None:
        return None
    kind, at = decide(facts, target)
    if at is None:
        waited = max(0, watermark_ms - queued)
        passed = target.has_passed(waited)
        return Outcome(kind, None, waited, False, queued + target.threshold_ms if passed else None)
    wait = at - queued if at > queued else 0
    if target.is_within(wait):
        return Outcome(kind, at, wait, True, queued + wait)
    return Outcome(kind, at, wait, False, queued + target.threshold_ms)


def decide(facts: LegFacts, target: ServiceTarget) -> tuple[OutcomeKind, int | None]:
    """Return how the wait of a leg ended, and when; the earliest wins, ties in the order below."""
    kind, at = _WAITING, None
    if facts.answered is not None:
        kind, at = _ANSWERED, facts.answered[0] + target.answer_shift_ms
    if facts.callback_at is not None and (at is None or facts.callback_at < at):
        kind, at = _CALLBACK, facts.callback_at
    if facts.flowed_out is not None and (at is None or facts.flowed_out[0] < at):
        kind, at = _FLOWED_OUT, facts.flowed_out[0]
    if facts.abandoned_at is not None and (at is None or facts.abandoned_at < at):
        kind, at = _ABANDONED, facts.abandoned_at
    return kind, at


def handling(facts: LegFacts) -> Handling | None:
    """Return the agent time of a leg, or None while it is not completed (or has not queued)."""
    known = _agent_time(facts)
    return None if known is None else Handling(*known)


def _agent_time(facts: LegFacts) -> tuple[int, int, int, int] | None:
    """Return what ``Handling`` holds: a named tuple takes ten times as long to make."""
    if facts.queued_at is None or facts.answered is None or facts.ended is None:
        return None
    ended = facts.ended[0]
    acw = 0
    completed = ended
    if facts.wrapup_started_at is not None:
        if facts.wrapup_ended_at is None:
            return None
        acw = max(0, facts.wrapup_ended_at - facts.wrapup_started_at)
        completed = max(ended, facts.wrapup_ended_at)
    hold = 0
    if facts.holds is not None:
        for start, end in facts.holds.values():
            if start is not None:
                hold += max(0, (ended if end is None else end) - start)
    return completed, max(0, ended - facts.answered[0] - hold), hold, acw


def is_finished(facts: LegFacts) -> bool:
    """Say whether nothing more is expected of the leg but a complaint."""
    if facts.queued_at is None:
        return True
    if facts.answered is not None:
        return facts.ended is not None and (
            facts.wrapup_started_at is None or facts.wrapup_ended_at is not None
        )
    return (
        facts.abandoned_at is not None
        or facts.flowed_out is not None
        or facts.callback_at is not None
    )


def is_waiting(facts: LegFacts) -> bool:
    """Say whether a queued leg has no outcome yet, so that its fate depends on the time."""
    return (
        facts.queued_at is not None
        and facts.answered is None
        and facts.abandoned_at is None
        and facts.flowed_out is None
        and facts.callback_at is None
    )


def is_bare(facts: LegFacts) -> bool:
    """Say whether a queued leg has nothing yet that could count but its waiting."""
    return (
        is_waiting(facts)
        and facts.transferred is None
        and facts.no_answers is None
        and facts.refused is None
    )


def stands_alone(event: CallEvent) -> bool:
    """Say whether the event counts without its leg: a complaint, a before-queue abandon."""
    return event.type is _COMPLAINT_FLAGGED or event.reason == BEFORE_QUEUE


# --- contributions: (kpi index, pane start, ((field index, amount), ...)) -------------------
Deltas = tuple[tuple[int, int], ...]
Contribution = tuple[int, int, Deltas]

SERVICE_LEVEL_INDEX: Final = 0
HANDLE_TIME_INDEX: Final = 1
COMPLAINT_SIGNALS_INDEX: Final = 2

_SL: Final = {name: i for i, name in enumerate(SERVICE_LEVEL_FIELDS)}
_CS: Final = {name: i for i, name in enumerate(COMPLAINT_SIGNAL_FIELDS)}

_OFFERED: Final = (_SL["offered"], 1)
_WAIT_FIELD: Final = _SL["wait_answered_ms"]
_FIRST_BUCKET: Final = _SL[WAIT_FIELDS[0]]
_SL_DELTAS: Final[dict[tuple[OutcomeKind, bool], Deltas]] = {
    (_ANSWERED, True): (_OFFERED, (_SL["answered"], 1), (_SL["answered_within"], 1)),
    (_ANSWERED, False): (_OFFERED, (_SL["answered"], 1)),
    (_ABANDONED, True): (_OFFERED, (_SL["abandoned"], 1), (_SL["abandoned_within"], 1)),
    (_ABANDONED, False): (_OFFERED, (_SL["abandoned"], 1)),
    (_FLOWED_OUT, True): (_OFFERED, (_SL["flowed_out"], 1), (_SL["flowed_out_within"], 1)),
    (_FLOWED_OUT, False): (_OFFERED, (_SL["flowed_out"], 1)),
    (_CALLBACK, True): (_OFFERED, (_SL["callbacks"], 1), (_SL["callbacks_within"], 1)),
    (_CALLBACK, False): (_OFFERED, (_SL["callbacks"], 1)),
}
_STILL_WAITING: Final[Deltas] = (_OFFERED, (_SL["waiting_over"], 1))
_SHORT: Final = ((_SL["abandoned_short"], 1),)
_OUT_OF_HOURS: Final[Deltas] = ((_SL["out_of_hours"], 1),)
_BEFORE_QUEUE: Final[Deltas] = ((_SL["abandoned_before_queue"], 1),)
_COMPLAINT: Final[Deltas] = ((_CS["complaints"], 1),)
_LONG_HOLD: Final[Deltas] = ((_CS["long_holds"], 1),)


def service_level_part(
    facts: LegFacts, target: ServiceTarget, watermark_ms: int
) -> tuple[Contribution, ...]:
    """Return what the wait of a leg adds to service level; also before-queue abandons."""
    parts: tuple[Contribution, ...] = ()
    queued = facts.queued_at
    if queued is not None:
        kind, outcome_at = decide(facts, target)  # as classify() has it, without the Outcome
        if outcome_at is None:
            if max(0, watermark_ms - queued) > target.longest_within_ms:
                at = queued + target.threshold_ms
                deltas = _STILL_WAITING if target.is_open(queued) else _OUT_OF_HOURS
                parts = ((SERVICE_LEVEL_INDEX, at - at % PANE_MS, deltas),)
        else:
            wait = outcome_at - queued if outcome_at > queued else 0
            is_within = wait <= target.longest_within_ms
            at = queued + (wait if is_within else target.threshold_ms)
            deltas = _SL_DELTAS[kind, is_within]
            if kind is _ANSWERED:
                deltas += ((_WAIT_FIELD, wait), (_FIRST_BUCKET + bucket_of(wait), 1))
            elif kind is _ABANDONED and wait <= target.short_abandon_ms:
                deltas += _SHORT
            if target.has_hours and not target.is_open(queued):
                deltas = _OUT_OF_HOURS
            parts = ((SERVICE_LEVEL_INDEX, at - at % PANE_MS, deltas),)
    if facts.before_queue is not None:
        parts += tuple(
            (SERVICE_LEVEL_INDEX, at - at % PANE_MS, _BEFORE_QUEUE) for at in facts.before_queue
        )
    return parts


def handling_part(
    facts: LegFacts, target: ServiceTarget, _watermark_ms: int
) -> tuple[Contribution, ...]:
    """Return what the agent time of a completed leg adds; a long hold is a complaint signal."""
    done = _agent_time(facts)
    if done is None:
        return ()
    at, talk, hold, acw = done
    pane = at - at % PANE_MS
    counts = (HANDLE_TIME_INDEX, pane, ((0, 1), (1, talk), (2, hold), (3, acw), (4, hold > 0)))
    if hold >= target.long_hold_ms:
        return (counts, (COMPLAINT_SIGNALS_INDEX, pane, _LONG_HOLD))
    return (counts,)


def signals_part(
    facts: LegFacts, _target: ServiceTarget, _watermark_ms: int
) -> tuple[Contribution, ...]:
    """Return what adds where it happened: transfers, complaints, RONA, refusals, dialing."""
    parts: list[Contribution] = []
    if facts.transferred is not None and facts.queued_at is not None:
        at, label = facts.transferred
        parts.append((COMPLAINT_SIGNALS_INDEX, at - at % PANE_MS, transfer_deltas(label)))
    if facts.complaints is not None:
        parts.extend(
            (COMPLAINT_SIGNALS_INDEX, at - at % PANE_MS, _COMPLAINT) for at in facts.complaints
        )
    if facts.no_answers is not None or facts.refused is not None or facts.dialed_at is not None:
        parts.extend(occurrences(facts))
    return tuple(parts)


PARTS: Final = (service_level_part, handling_part, signals_part)
SERVICE_LEVEL_PART: Final = 1
HANDLING_PART: Final = 2
SIGNALS_PART: Final = 4
ALL_PARTS: Final = SERVICE_LEVEL_PART | HANDLING_PART | SIGNALS_PART

CHANGES: Final[dict[EventType, int]] = {
    EventType.QUEUED: ALL_PARTS,
    EventType.OFFERED: 0,
    EventType.RING_NO_ANSWER: SIGNALS_PART,
    EventType.ANSWERED: SERVICE_LEVEL_PART | HANDLING_PART,
    EventType.HOLD_STARTED: HANDLING_PART,
    EventType.HOLD_ENDED: HANDLING_PART,
    EventType.ABANDONED: SERVICE_LEVEL_PART,
    EventType.FLOWED_OUT: SERVICE_LEVEL_PART,
    EventType.TRANSFERRED: SIGNALS_PART,
    EventType.ENDED: HANDLING_PART,
    EventType.WRAPUP_STARTED: HANDLING_PART,
    EventType.WRAPUP_ENDED: HANDLING_PART,
    EventType.CALLBACK_REQUESTED: SERVICE_LEVEL_PART,
    EventType.COMPLAINT_FLAGGED: SIGNALS_PART,
    EventType.REFUSED: SIGNALS_PART,
    EventType.DIALED: SIGNALS_PART,
    EventType.CONNECTED: SIGNALS_PART,
}
"""Which parts an event of a kind can change: bits in the order of ``PARTS``. Of a dialed leg any
event can change the signals besides: what became of the attempt is among them. The first event of
a leg may besides move a leg that has not queued from one dated target to another; nothing that
such a leg adds depends on its target."""


def parts_changed(kind: EventType, facts: LegFacts) -> int:
    """Return which parts an event may have changed, the facts having taken it in."""
    changed = CHANGES[kind]
    if changed & HANDLING_PART and facts.ended is None:
        changed -= HANDLING_PART  # not completed before, not completed now
    if facts.dialed_at is not None:
        changed |= SIGNALS_PART  # what became of a dialing takes the whole leg
    return changed


def contributions(
    facts: LegFacts, target: ServiceTarget, watermark_ms: int
) -> tuple[Contribution, ...]:
    """Return what the leg adds to which pane of which KPI, as of a watermark.

    A pure function of the facts: when facts change, subtract the old contributions and add the
    new ones; the sum over legs is then what SQL's GROUP BY gives.
    """
    return tuple(part for of in PARTS for part in of(facts, target, watermark_ms))
