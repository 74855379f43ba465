"""What a ``queue_log`` tells of one entry into one queue, and the instants that follow from it.

A record that ends a wait or a talk says how long it was. These *lengths are believed*, and counted
from the queue entry on: two clock readings a whole second apart may be 2 ms or 1.998 s apart, while
the length was taken by one clock. Of a leg whose entry is not in the log (it began before the
log, or under another call's id) the entry is as long before the record as its lengths say.

Nothing is decided here: ``facts`` are the domain's, and its kernel decides.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.domain.events import EventType, TransferKind
from pipeline.domain.leg import LegFacts

TIMEOUT: Final = "timeout"
LEFT_EMPTY: Final = "left_empty"
WITHDRAWN: Final = "withdrawn"
SYSCOMPAT: Final = "syscompat"
ENTERED_AGAIN: Final = "entered_again"

AGREES_WITHIN_MS: Final = 2_000
"""How far apart clock readings and a length may be before that is counted as odd."""


class Transfer(NamedTuple):
    """A hand-over: when, how, and to what extension or queue."""

    at: int
    kind: TransferKind
    target: str
    is_queue: bool


class Offer(NamedTuple):
    """An agent's telephone rang until ``at``, for ``ring_ms``, and was not picked up."""

    at: int
    agent: str
    ring_ms: int
    reason: str | None


class Instants(NamedTuple):
    """When what happened to a leg happened, epoch milliseconds; None: not known to have."""

    queued: int | None
    answered: int | None
    ended: int | None
    out: int | None


class LoggedLeg:
    """One entry of a call into a queue, as its records have told it so far.

    ``entered``, ``connected``, ``completed`` and ``out_at`` are the times of the records;
    ``hold_ms``, ``talk_ms`` and ``waited_ms`` the lengths that they state. ``out_as`` is how a wait
    ended without an answer. What few legs have stands in ``rare``. ``is_counted`` and ``told`` are
    for those who count legs, and tell events of them.
    """

    __slots__ = (
        *("call", "number", "queue", "entered", "caller", "connected", "hold_ms", "agent"),
        *("ring_ms", "completed", "talk_ms", "by", "out_at", "out_as", "out_reason", "waited_ms"),
        *("rare", "is_counted", "told"),
    )

    def __init__(self, call: str, number: int, queue: str, entered: int | None) -> None:
        """Start with the entry, or without if it is not known."""
        self.call = call
        self.number = number
        self.queue = queue
        self.entered = entered
        self.caller = ""
        self.connected: int | None = None
        self.completed: int | None = None
        self.out_at: int | None = None
        self.hold_ms: int | None = None
        self.rare: Rare | None = None
        self.is_counted = False
        self.told: set[str] | None = None
        # Set together with the records they come from, so that a leg that waits costs less.
        self.agent: str
        self.ring_ms: int
        self.talk_ms: int | None
        self.by: str
        self.out_as: EventType
        self.out_reason: str | None
        self.waited_ms: int | None

    @property
    def is_over(self) -> bool:
        """Say whether no more is expected of it."""
        rare = self.rare
        return (
            self.completed is not None
            or self.out_at is not None
            or (rare is not None and (rare.refused is not None or rare.left_at is not None))
        )

    @property
    def first_ms(self) -> int:
        """Return when the log first speaks of it."""
        rare = self.rare
        known = [
            at
            for at in (
                *(self.entered, self.connected, self.completed, self.out_at),
                None if rare is None or rare.refused is None else rare.refused[0],
                *([] if rare is None else [offer.at - offer.ring_ms for offer in rare.offers]),
                *([] if rare is None else [start for start, _ in rare.wrapups]),
            )
            if at is not None
        ]
        return min(known)

    def more(self) -> Rare:
        """Return what few legs have, to be filled in."""
        if self.rare is None:
            self.rare = Rare()
        return self.rare


class Rare:
    """What few legs have: ``left_at`` is when the call entered a queue again all the same."""

    __slots__ = ("left_at", "offers", "refused", "transfer", "wrapups")

    def __init__(self) -> None:
        """Start with nothing."""
        self.transfer: Transfer | None = None
        self.refused: tuple[int, str] | None = None
        self.left_at: int | None = None
        self.offers: list[Offer] = []
        self.wrapups: list[tuple[int, int]] = []

    @property
    def is_heavy(self) -> bool:
        """Say whether it bears on what the leg counts for."""
        return bool(self.refused or self.wrapups or self.left_at is not None)


def instants(leg: LoggedLeg) -> Instants:
    """Return the instants that the records of a leg amount to."""
    queued = leg.entered if leg.entered is not None else _entry(leg)
    answered = _answered(leg, queued)
    ended = out = None
    if leg.completed is not None and answered is not None:
        talk = leg.talk_ms
        ended = leg.completed if talk is None else answered + talk
    if leg.out_at is not None and queued is not None:
        waited = leg.waited_ms
        out = leg.out_at if waited is None else queued + waited
    rare = leg.rare
    if rare is not None and rare.left_at is not None:
        left = rare.left_at
        if answered is not None:
            ended = left if ended is None else min(ended, left)
        elif out is None:
            out = left
    return Instants(queued, answered, ended, out)


def _answered(leg: LoggedLeg, queued: int | None) -> int | None:
    connected, completed = leg.connected, leg.completed
    if connected is None and completed is None:
        return None
    if leg.hold_ms is not None and queued is not None:
        return queued + leg.hold_ms
    if connected is not None:
        return connected
    return (completed or 0) - (leg.talk_ms or 0)


def _entry(leg: LoggedLeg) -> int | None:
    """Return the queue entry that the lengths of a leg without one lead to."""
    hold = leg.hold_ms or 0
    if leg.connected is not None:
        return leg.connected - hold
    if leg.completed is not None:
        return leg.completed - (leg.talk_ms or 0) - hold
    if leg.out_at is not None:
        return leg.out_at - (leg.waited_ms or 0)
    return None


def facts_of(leg: LoggedLeg, times: Instants) -> LegFacts:
    """Return the leg as the domain's facts, as its events add up to them."""
    facts = LegFacts()
    facts.queued_at = times.queued
    if times.answered is not None:
        facts.answered = (times.answered, leg.agent)
    if times.ended is not None:
        facts.ended = (times.ended, ended_by(leg))
    if times.out is not None:
        _leave(facts, leg, times.out)
    rare = leg.rare
    if rare is not None:
        if rare.refused is not None:
            facts.refused = rare.refused
        if rare.transfer is not None:
            transfer = rare.transfer
            facts.transferred = (transfer.at, f"{transfer.kind}:{transfer.target}")
        if rare.wrapups:
            start, length = min(rare.wrapups)
            facts.wrapup_started_at = start
            facts.wrapup_ended_at = min(begin + span for begin, span in rare.wrapups)
            facts.wrapup_ended_at = max(facts.wrapup_ended_at, start) if length else start
        if rare.offers:
            facts.no_answers = {(offer.at, offer.agent) for offer in rare.offers}
    known = [at for at in (times.queued, times.answered, times.out) if at is not None]
    facts.first_ms = min(known) if known else leg.first_ms
    return facts


def ended_by(leg: LoggedLeg) -> str:
    """Return who or what ended the talk."""
    return leg.by if leg.completed is not None else ENTERED_AGAIN


def _leave(facts: LegFacts, leg: LoggedLeg, at: int) -> None:
    kind = leg.out_as if leg.out_at is not None else EventType.FLOWED_OUT
    if kind is EventType.ABANDONED:
        facts.abandoned_at = at
    elif kind is EventType.CALLBACK_REQUESTED:
        facts.callback_at = at
    else:
        facts.flowed_out = (at, out_reason(leg))


def out_reason(leg: LoggedLeg) -> str:
    """Return why the leg left the queue without answer, abandon or callback."""
    return (leg.out_reason or "") if leg.out_at is not None else ENTERED_AGAIN


def disagrees(leg: LoggedLeg) -> bool:
    """Say whether clock readings and lengths of a leg are further apart than rounding."""
    entered = leg.entered
    if entered is None:
        return False
    spans = []
    if leg.connected is not None and leg.hold_ms is not None:
        spans.append(leg.connected - entered - leg.hold_ms)
        if leg.completed is not None and leg.talk_ms is not None:
            spans.append(leg.completed - leg.connected - leg.talk_ms)
    if leg.out_at is not None and leg.waited_ms is not None:
        spans.append(leg.out_at - entered - leg.waited_ms)
    return any(abs(span) > AGREES_WITHIN_MS for span in spans)


def is_meant(leg: LoggedLeg, queue: str, at: int, hold: int | None, talk: int | None) -> bool:
    """Say whether a transfer under another call's id is of this leg: queue and lengths tell."""
    return (
        leg.queue == queue
        and leg.hold_ms == hold
        and leg.connected is not None
        and talk is not None
        and abs(leg.connected + talk - at) <= AGREES_WITHIN_MS
    )
