"""What is known of one contact, as far as its risk goes: facts that merge, whatever their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pipeline.domain.events import CallEvent, EventType
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.risk import Signals
from pipeline.domain.risk_signals import Words, of_legs, words
from pipeline.domain.target import ServiceTarget, TargetHistory

Place = tuple[str, str]
"""Site and queue."""
Targets = Callable[[Place], TargetHistory]
NO_WORDS: Final = Words(frozenset(), frozenset())


@dataclass(slots=True)
class KnownContact:
    """Legs by number, site and queue; first and last event; when it was dialed, and whose it is.

    Instants are epoch milliseconds. Of several references the smallest stands, as for a leg.
    """

    legs: dict[tuple[int, str, str], LegFacts] = field(default_factory=dict)
    words: Words = NO_WORDS
    dialed_ms: int | None = None
    customer_ref: str | None = None
    first_ms: int = 0
    last_ms: int = 0

    def add(self, event: CallEvent) -> None:
        """Merge an event; a repeated one changes nothing."""
        at = event.occurred_at_ms
        key = (event.leg, event.site, event.queue)
        facts = self.legs.get(key)
        if facts is None:
            facts = self.legs[key] = LegFacts()
        apply(facts, event)
        found = words([event])
        if found.wrapup_codes or found.keywords:
            codes, said = self.words
            self.words = Words(codes | found.wrapup_codes, said | found.keywords)
        if event.type is EventType.DIALED:
            self.dialed_ms = min(at, self.dialed_ms or at)
        if event.customer_ref is not None:
            self.customer_ref = min(event.customer_ref, self.customer_ref or event.customer_ref)
        self.first_ms = min(at, self.first_ms or at)
        self.last_ms = max(at, self.last_ms)

    @property
    def sought_ms(self) -> int | None:
        """Return when a known customer sought the contact; None if the centre did, or nobody known.

        That is its first event of all: what repeat calls go by.
        """
        if self.customer_ref is None or self.dialed_ms == self.first_ms:
            return None
        return self.first_ms

    def first_leg(self) -> tuple[int, Place]:
        """Return when it began, and where: the leg that belongs earliest."""
        at, _, site, queue = min((_belongs_at(facts), *key) for key, facts in self.legs.items())
        return at, (site, queue)

    def signals_of_legs(self, targets: Targets, watermark_ms: int) -> Signals:
        """Return what its legs say by themselves, each by the terms of when it queued."""
        return of_legs(
            ((facts, _target(targets, key, facts)) for key, facts in self.legs.items()),
            watermark_ms,
        )


def _target(targets: Targets, key: tuple[int, str, str], facts: LegFacts) -> ServiceTarget:
    at = facts.first_ms if facts.queued_at is None else facts.queued_at
    return targets(key[1:]).at(at)


def _belongs_at(facts: LegFacts) -> int:
    if facts.queued_at is not None:
        return facts.queued_at
    return min(facts.before_queue or {facts.first_ms})
