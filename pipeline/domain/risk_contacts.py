"""Contacts and customers' days with their signals, out of events and complaint cases.

The same that the models say of a month, for whoever has the events at hand: who fits weights, and
the test that holds SQL against this file. One client at a time; it keeps every leg in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from pipeline.domain.complaint import Complaint
from pipeline.domain.events import CallEvent
from pipeline.domain.repeat import Contact
from pipeline.domain.risk import RiskTerms, Signals, together
from pipeline.domain.risk_contact import KnownContact, Place, Targets
from pipeline.domain.risk_signals import earlier_contacts, hits, open_cases, outcomes_within


class RiskContact(NamedTuple):
    """A contact of one client: whose, when, and what it gave cause for."""

    contact_id: str
    customer_ref: str | None
    started_ms: int
    day: date
    signals: Signals


class RiskDay(NamedTuple):
    """A known customer's business day; ``cases`` came within the outcome window after."""

    customer_ref: str
    day: date
    first_started_ms: int
    signals: Signals
    cases: tuple[Complaint, ...]


class RiskBook:
    """Takes one client's events in any order, then says what its contacts were."""

    def __init__(self, targets: Targets) -> None:
        """Begin with none; ``targets`` gives the dated terms of a site and queue."""
        self._targets = targets
        self._contacts: defaultdict[str, KnownContact] = defaultdict(KnownContact)
        self._watermark_ms = 0

    def add(self, event: CallEvent) -> None:
        """Take an event in; repeated ones change nothing."""
        self._contacts[event.contact_id].add(event)
        self._watermark_ms = max(self._watermark_ms, event.occurred_at_ms)

    def contacts(
        self,
        cases: Mapping[str, Sequence[Complaint]],
        *,
        day_of: Callable[[Place, int], date],
        terms_on: Callable[[date], RiskTerms],
    ) -> list[RiskContact]:
        """Return every contact.

        Args:
            cases: customer reference to the customer's complaint cases.
            day_of: the business day of an instant at a site and queue.
            terms_on: the weights in force on a business day; their words are what counts.
        """
        placed = {name: known.first_leg() for name, known in self._contacts.items()}
        before = dict(
            earlier_contacts(
                (
                    Contact(known.customer_ref or "", known.sought_ms, name)
                    for name, known in self._contacts.items()
                    if known.sought_ms is not None
                ),
                lambda name: self._repeat_window_ms(*placed[name]),
            )
        )
        found = []
        for name, known in self._contacts.items():
            at, place = placed[name]
            day = day_of(place, at)
            codes, said = hits(known.words, terms_on(day))
            signals = replace(
                known.signals_of_legs(self._targets, self._watermark_ms),
                wrapup_codes=codes,
                keywords=said,
                earlier_contacts=before.get(name, 0),
                open_cases=open_cases(cases.get(known.customer_ref or "", ()), at),
            )
            found.append(RiskContact(name, known.customer_ref, at, day, signals))
        return found

    def _repeat_window_ms(self, at_ms: int, place: Place) -> int:
        return self._targets(place).at(at_ms).rules.repeat_window_h * 3_600_000


def customer_days(
    contacts: Iterable[RiskContact],
    cases: Mapping[str, Sequence[Complaint]],
    terms_on: Callable[[date], RiskTerms],
) -> list[RiskDay]:
    """Return the days of known customers; contacts whose customer is not known are left out."""
    days: defaultdict[tuple[str, date], list[RiskContact]] = defaultdict(list)
    for contact in contacts:
        if contact.customer_ref is not None:
            days[contact.customer_ref, contact.day].append(contact)
    found = []
    for (customer_ref, day), own in days.items():
        first = min(contact.started_ms for contact in own)
        window_ms = terms_on(day).outcome_window_ms
        after = outcomes_within(cases.get(customer_ref, ()), first, window_ms)
        signals = together(contact.signals for contact in own)
        found.append(RiskDay(customer_ref, day, first, signals, tuple(after)))
    return found
