"""The risk of contacts as they happen: events and complaint cases in, changed scores out.

What a contact's score is depends on the set of its events, its customer's other contacts and
cases, never on the order they came in; so whoever reads the same records, however cut, ends with
the same scores, and those of the month's models (``tests/parity/test_wind_vane.py``). A wait is
counted when it ends: until then the models count it so far, which is a matter of when one looks.

What is let go: a contact ``KEEP_MS`` of event time after its last event, when and whose it was
after the longest window of repeat calls besides. An event of a contact that is not known and so
old is counted as late; the month has it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.domain.complaint import Complaint
from pipeline.domain.events import CallEvent
from pipeline.domain.risk import REPEATS_COUNTED, RiskHistory, Signals, is_listed, reasons, score
from pipeline.domain.risk_contact import KnownContact, Place
from pipeline.domain.risk_signals import hits, open_cases
from pipeline.domain.target import TargetHistory

HOUR_MS: Final = 3_600_000
KEEP_MS: Final = 48 * HOUR_MS

Key = tuple[str, str]
"""Client, and contact or customer reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRisk:
    """A contact's score as of the records read; ``risk_milli`` is thousandths of log-odds."""

    client: str
    site: str
    queue: str
    contact_id: str
    customer_ref: str | None
    started_at_ms: int
    business_on: date
    signals: Signals
    risk_milli: int
    is_listed: bool
    reasons: str


class _Sought(NamedTuple):
    """A contact that a known customer sought: of whom, and when; sorts by time."""

    customer: Key
    first_ms: int


class RiskFold:
    """Everything that scores depend on, of all clients."""

    def __init__(
        self,
        targets: Callable[[str, str, str], TargetHistory],
        terms: Callable[[str], RiskHistory],
        *,
        longest_window_ms: int,
    ) -> None:
        """Begin with nothing.

        Args:
            targets: dated terms of client, site and queue.
            terms: dated weights of a client.
            longest_window_ms: the longest window of repeat calls of any queue.
        """
        self._customers_ms = KEEP_MS + longest_window_ms
        self._targets = targets
        self._terms = terms
        self._contacts: dict[Key, KnownContact] = {}
        self._contacts_of: defaultdict[Key, set[Key]] = defaultdict(set)
        self._sought: dict[Key, _Sought] = {}
        self._starts: defaultdict[Key, list[tuple[int, str]]] = defaultdict(list)
        self._cases: dict[str, Complaint] = {}
        self._cases_of: defaultdict[Key, set[str]] = defaultdict(set)
        self._cases_about: defaultdict[Key, set[str]] = defaultdict(set)
        self._owner: dict[str, Key] = {}
        self._changed: dict[Key, None] = {}
        self._newest_ms = 0
        self._swept_ms = 0
        self.late = 0

    def take(self, event: CallEvent, *, tells: bool) -> None:
        """Take an event in; ``tells``: whether what it changes is told of."""
        key = (event.client, event.contact_id)
        known = self._contacts.get(key)
        if known is None:
            if event.occurred_at_ms < self._newest_ms - KEEP_MS:
                self.late += 1
                return
            known = self._contacts[key] = KnownContact()
        customer_ref = known.customer_ref
        known.add(event)
        if known.customer_ref != customer_ref:
            if customer_ref is not None:
                self._contacts_of[event.client, customer_ref].discard(key)
            self._contacts_of[event.client, known.customer_ref or ""].add(key)
        self._newest_ms = max(self._newest_ms, event.occurred_at_ms)
        others = self._place(key, known)
        for name in self._cases_about.get(key, ()):
            others += self._give(self._cases[name])
        if tells:
            self._changed[key] = None
            self._changed.update(dict.fromkeys(others))

    def take_case(self, case: Complaint, *, tells: bool) -> None:
        """Take a revision of a case in; the newest stands, in whatever order they come."""
        held = self._cases.get(case.record_id)
        newest = (case.as_of_ms, case.revision_id)
        if held is not None and (held.as_of_ms, held.revision_id) >= newest:
            return
        self._cases[case.record_id] = case
        if case.contact_id is not None:
            self._cases_about[case.client, case.contact_id].add(case.record_id)
        for key in self._give(case):
            if tells:
                self._changed[key] = None

    def changed(self) -> list[LiveRisk]:
        """Return the scores of contacts that changed since this was last asked."""
        found = [self._risk(key) for key in self._changed if key in self._contacts]
        self._changed.clear()
        if self._newest_ms - self._swept_ms >= HOUR_MS:
            self._sweep()
        return found

    def _place(self, key: Key, known: KnownContact) -> list[Key]:
        """Keep when and by whom a contact was sought; return those of the customer that follow."""
        before, at = self._sought.get(key), known.sought_ms
        customer = (key[0], known.customer_ref or "")
        now = None if at is None else _Sought(customer, at)
        if now == before:
            return []
        following: list[Key] = []
        if before is not None:
            starts = self._starts[before.customer]
            place = bisect_left(starts, (before.first_ms, key[1]))
            del starts[place]
            following += self._from(before.customer, place)
            del self._sought[key]
        if now is not None:
            insort(self._starts[customer], (now.first_ms, key[1]))
            place = bisect_left(self._starts[customer], (now.first_ms, key[1]))
            following += self._from(customer, place)
            self._sought[key] = now
        return following

    def _from(self, customer: Key, place: int) -> list[Key]:
        return [(customer[0], name) for _, name in self._starts[customer][place:]]

    def _give(self, case: Complaint) -> list[Key]:
        """Give a case to its customer, its own or its contact's; return the contacts it changes."""
        customer: Key | None = None
        if case.customer_ref is not None:
            customer = (case.client, case.customer_ref)
        elif case.contact_id is not None:
            known = self._contacts.get((case.client, case.contact_id))
            if known is not None and known.customer_ref is not None:
                customer = (case.client, known.customer_ref)
        before = self._owner.get(case.record_id)
        following = [] if before is None else list(self._contacts_of.get(before, ()))
        if customer is None:
            return following
        if before is not None:
            self._cases_of[before].discard(case.record_id)
        self._owner[case.record_id] = customer
        self._cases_of[customer].add(case.record_id)
        return following + list(self._contacts_of.get(customer, ()))

    def _open_cases(self, customer: Key, at_ms: int) -> int:
        held = (self._cases[name] for name in self._cases_of.get(customer, ()))
        return open_cases([case for case in held if not case.is_withdrawn], at_ms)

    def _risk(self, key: Key) -> LiveRisk:
        client, name = key
        known = self._contacts[key]
        at, (site, queue) = known.first_leg()

        def targets(place: Place) -> TargetHistory:
            return self._targets(client, *place)

        target = targets((site, queue)).at(at)
        day = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(target.zone)).date()
        terms = self._terms(client).on(day)
        codes, said = hits(known.words, terms)
        signals = replace(
            known.signals_of_legs(targets, 0),
            wrapup_codes=codes,
            keywords=said,
            earlier_contacts=self._earlier(key, target.rules.repeat_window_h * HOUR_MS),
            open_cases=0
            if known.customer_ref is None
            else self._open_cases((client, known.customer_ref), at),
        )
        found = score(signals, terms)
        return LiveRisk(
            client=client,
            site=site,
            queue=queue,
            contact_id=name,
            customer_ref=known.customer_ref,
            started_at_ms=at,
            business_on=day,
            signals=signals,
            risk_milli=found.milli,
            is_listed=is_listed(found.milli, terms),
            reasons=reasons(found.parts),
        )

    def _earlier(self, key: Key, window_ms: int) -> int:
        sought = self._sought.get(key)
        if sought is None:
            return 0
        starts = self._starts[sought.customer]
        place = bisect_left(starts, (sought.first_ms, key[1]))
        first = bisect_left(starts, (sought.first_ms - window_ms, ""))
        return min(place - first, REPEATS_COUNTED)

    def _sweep(self) -> None:
        """Let go what nothing can change any more."""
        self._swept_ms = self._newest_ms
        for key in list(self._gone()):
            if (customer_ref := self._contacts.pop(key).customer_ref) is not None:
                own = self._contacts_of[key[0], customer_ref]
                own.discard(key)
                if not own:
                    del self._contacts_of[key[0], customer_ref]
        oldest = self._newest_ms - self._customers_ms
        for customer, starts in list(self._starts.items()):
            kept = bisect_left(starts, (oldest, ""))
            for _, name in starts[:kept]:
                self._sought.pop((customer[0], name), None)
            del starts[:kept]
            if not starts:
                del self._starts[customer]

    def _gone(self) -> Iterator[Key]:
        oldest = self._newest_ms - KEEP_MS
        return (key for key, known in self._contacts.items() if known.last_ms < oldest)
