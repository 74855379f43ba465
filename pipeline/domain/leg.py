"""What is known of one leg, as facts that merge.

Rules for editors of this file:
1. Every slot merges with min, or is a set or a map of such slots, so that facts form a
   commutative, idempotent monoid: order and repetition of events cannot change them.
2. Nothing is decided here; ``outcome.py`` decides. SQL mirrors this file in
   ``dbt_like_sql/models/intermediate/int_leg_facts.sql``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, TypeVar

from pipeline.domain.events import BEFORE_QUEUE, CallEvent, EventType

# Bound once: attribute access on an enum class is slow and this is the hot path.
_QUEUED: Final = EventType.QUEUED
_OFFERED: Final = EventType.OFFERED
_ANSWERED: Final = EventType.ANSWERED
_HOLD_STARTED: Final = EventType.HOLD_STARTED
_HOLD_ENDED: Final = EventType.HOLD_ENDED
_ABANDONED: Final = EventType.ABANDONED
_FLOWED_OUT: Final = EventType.FLOWED_OUT
_TRANSFERRED: Final = EventType.TRANSFERRED
_ENDED: Final = EventType.ENDED
_WRAPUP_STARTED: Final = EventType.WRAPUP_STARTED
_WRAPUP_ENDED: Final = EventType.WRAPUP_ENDED
_CALLBACK_REQUESTED: Final = EventType.CALLBACK_REQUESTED
_COMPLAINT_FLAGGED: Final = EventType.COMPLAINT_FLAGGED
_RING_NO_ANSWER: Final = EventType.RING_NO_ANSWER
_REFUSED: Final = EventType.REFUSED
_DIALED: Final = EventType.DIALED
_CONNECTED: Final = EventType.CONNECTED

Hold = tuple[int | None, int | None]
Labelled = tuple[int, str]
T = TypeVar("T")


@dataclass(slots=True, init=False)
class LegFacts:
    """Facts of one leg; instants are epoch milliseconds UTC, ``None`` is not (yet) known.

    ``answered``, ``flowed_out``, ``transferred``, ``ended``, ``refused`` and ``connected`` carry a
    label beside the instant (agent, reason, ``kind:target``, who ended it, reason, who picked up);
    the earliest wins, ties go to the smaller label. ``holds`` maps ``hold_seq`` to (start, end).
    ``offers`` and ``no_answers`` hold (instant, agent) pairs.
    ``complaints`` and ``before_queue`` are sets of instants: each instant is one occurrence,
    countable without the rest of the leg.
    """

    queued_at: int | None
    answered: Labelled | None
    abandoned_at: int | None
    flowed_out: Labelled | None
    callback_at: int | None
    transferred: Labelled | None
    ended: Labelled | None
    wrapup_started_at: int | None
    wrapup_ended_at: int | None
    customer_ref: str | None
    holds: dict[int, Hold] | None
    offers: set[Labelled] | None
    complaints: set[int] | None
    before_queue: set[int] | None
    no_answers: set[Labelled] | None
    refused: Labelled | None
    dialed_at: int | None
    connected: Labelled | None
    first_ms: int
    last_ms: int

    # What dataclass would write, written out: compiled, it takes a tenth of the time.
    def __init__(  # noqa: PLR0913, PLR0917
        self,
        queued_at: int | None = None,
        answered: Labelled | None = None,
        abandoned_at: int | None = None,
        flowed_out: Labelled | None = None,
        callback_at: int | None = None,
        transferred: Labelled | None = None,
        ended: Labelled | None = None,
        wrapup_started_at: int | None = None,
        wrapup_ended_at: int | None = None,
        customer_ref: str | None = None,
        holds: dict[int, Hold] | None = None,
        offers: set[Labelled] | None = None,
        complaints: set[int] | None = None,
        before_queue: set[int] | None = None,
        no_answers: set[Labelled] | None = None,
        refused: Labelled | None = None,
        dialed_at: int | None = None,
        connected: Labelled | None = None,
        first_ms: int = 0,
        last_ms: int = 0,
    ) -> None:
        """Take what is known; by default nothing is."""
        self.queued_at = queued_at
        self.answered = answered
        self.abandoned_at = abandoned_at
        self.flowed_out = flowed_out
        self.callback_at = callback_at
        self.transferred = transferred
        self.ended = ended
        self.wrapup_started_at = wrapup_started_at
        self.wrapup_ended_at = wrapup_ended_at
        self.customer_ref = customer_ref
        self.holds = holds
        self.offers = offers
        self.complaints = complaints
        self.before_queue = before_queue
        self.no_answers = no_answers
        self.refused = refused
        self.dialed_at = dialed_at
        self.connected = connected
        self.first_ms = first_ms
        self.last_ms = last_ms


def apply(facts: LegFacts, event: CallEvent) -> bool:
    """Merge one event into the facts, in place; say whether anything changed.

    An event that changes nothing is a duplicate (or says what a better-placed one said).
    """
    return apply_as(facts, event, event.type, event.occurred_at_ms)


def apply_as(facts: LegFacts, event: CallEvent, kind: EventType, at: int) -> bool:  # noqa: C901, PLR0911, PLR0912, PLR0915 - one table, flat on purpose
    """Do as ``apply`` does, the event's type and instant being at hand."""
    if facts.first_ms == 0 or at < facts.first_ms:
        facts.first_ms = at
    if at > facts.last_ms:  # noqa: PLR1730 - max() costs a call, on the hot path
        facts.last_ms = at
    changed = False
    if event.customer_ref is not None and (
        facts.customer_ref is None or event.customer_ref < facts.customer_ref
    ):
        facts.customer_ref = event.customer_ref
        changed = True
    if kind is _QUEUED:
        if facts.queued_at is None or at < facts.queued_at:
            facts.queued_at = at
            return True
        return changed
    if kind is _OFFERED:
        offer = (at, event.agent or "")
        if facts.offers is None:
            facts.offers = {offer}
            return True
        facts.offers, grown = _grown(facts.offers, offer)
        return grown or changed
    if kind is _ANSWERED:
        new = (at, event.agent or "")
        if facts.answered is None or new < facts.answered:
            facts.answered = new
            return True
        return changed
    if kind is _ENDED:
        new = (at, event.reason or "")
        if facts.ended is None or new < facts.ended:
            facts.ended = new
            return True
        return changed
    if kind is _WRAPUP_STARTED:
        if facts.wrapup_started_at is None or at < facts.wrapup_started_at:
            facts.wrapup_started_at = at
            return True
        return changed
    if kind is _WRAPUP_ENDED:
        if facts.wrapup_ended_at is None or at < facts.wrapup_ended_at:
            facts.wrapup_ended_at = at
            return True
        return changed
    if kind is _HOLD_STARTED or kind is _HOLD_ENDED:
        return _apply_hold(facts, event.hold_seq or 0, at, started=kind is _HOLD_STARTED) or changed
    if kind is _ABANDONED:
        if event.reason == BEFORE_QUEUE:
            facts.before_queue, grown = _grown(facts.before_queue, at)
            return grown or changed
        if facts.abandoned_at is None or at < facts.abandoned_at:
            facts.abandoned_at = at
            return True
        return changed
    if kind is _FLOWED_OUT:
        new = (at, event.reason or "")
        if facts.flowed_out is None or new < facts.flowed_out:
            facts.flowed_out = new
            return True
        return changed
    if kind is _TRANSFERRED:
        new = (at, f"{event.transfer_kind or ''}:{event.transfer_target or ''}")
        if facts.transferred is None or new < facts.transferred:
            facts.transferred = new
            return True
        return changed
    if kind is _CALLBACK_REQUESTED:
        if facts.callback_at is None or at < facts.callback_at:
            facts.callback_at = at
            return True
        return changed
    if kind is _COMPLAINT_FLAGGED:
        facts.complaints, grown = _grown(facts.complaints, at)
        return grown or changed
    if kind is _RING_NO_ANSWER:
        facts.no_answers, grown = _grown(facts.no_answers, (at, event.agent or ""))
        return grown or changed
    if kind is _REFUSED:
        new = (at, event.reason or "")
        if facts.refused is None or new < facts.refused:
            facts.refused = new
            return True
        return changed
    if kind is _DIALED:
        if facts.dialed_at is None or at < facts.dialed_at:
            facts.dialed_at = at
            return True
        return changed
    if kind is _CONNECTED:
        new = (at, event.reason or "")
        if facts.connected is None or new < facts.connected:
            facts.connected = new
            return True
        return changed
    msg = f"no rule for event type {kind!r}"
    raise AssertionError(msg)


def _grown(known: set[T] | None, found: T) -> tuple[set[T], bool]:
    if known is None:
        return {found}, True
    if found in known:
        return known, False
    known.add(found)
    return known, True


def _apply_hold(facts: LegFacts, seq: int, at: int, *, started: bool) -> bool:
    if facts.holds is None:
        facts.holds = {}
    start, end = facts.holds.get(seq, (None, None))
    if started:
        if start is not None and at >= start:
            return False
        facts.holds[seq] = (at, end)
        return True
    if end is not None and at >= end:
        return False
    facts.holds[seq] = (start, at)
    return True


def merge(one: LegFacts, other: LegFacts) -> LegFacts:
    """Return the facts known from either side; commutative, associative, idempotent."""
    merged = LegFacts()
    for field in fields(LegFacts):
        a, b = getattr(one, field.name), getattr(other, field.name)
        setattr(merged, field.name, _merge_slot(field.name, a, b))
    return merged


def _merge_slot(name: str, a: object, b: object) -> object:
    if name == "last_ms":
        return max(a, b)  # type: ignore[call-overload]
    if name == "first_ms":
        return min(a or b, b or a)  # type: ignore[call-overload]
    if a is None or b is None:
        known = b if a is None else a
        return known.copy() if isinstance(known, dict | set) else known
    if isinstance(a, set) and isinstance(b, set):
        return a | b
    if isinstance(a, dict) and isinstance(b, dict):
        return {seq: (_least(a, b, seq, 0), _least(a, b, seq, 1)) for seq in a.keys() | b.keys()}
    return min(a, b)  # type: ignore[call-overload]


def _least(a: dict[int, Hold], b: dict[int, Hold], seq: int, slot: int) -> int | None:
    known = [
        at
        for holds in (a, b)
        if (hold := holds.get(seq)) is not None and (at := hold[slot]) is not None
    ]
    return min(known, default=None)
