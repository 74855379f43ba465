"""The signals of a contact, out of what is known of its legs, its customer and its cases.

SQL mirrors this file in ``dbt_like_sql/models/intermediate/int_contact_signals.sql`` (and
``int_contact_words``, ``int_customer_repeats``, ``int_customer_cases`` beside it).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from pipeline.domain.complaint import Complaint
from pipeline.domain.events import CallEvent, EventType
from pipeline.domain.leg import LegFacts
from pipeline.domain.outcome import OutcomeKind, classify, handling
from pipeline.domain.repeat import Contact
from pipeline.domain.risk import REPEATS_COUNTED, RiskTerms, Signals
from pipeline.domain.target import ServiceTarget

KEYWORD: Final = "keyword:"
"""What the ``reason`` of a ``complaint_flagged`` begins with that a transcript gave cause for; the
word follows."""
AGENT: Final = "agent"
"""``reason`` of ``ended`` where the agent hung up."""
_WRAPUPS: Final = frozenset({EventType.WRAPUP_STARTED, EventType.WRAPUP_ENDED})


class Words(NamedTuple):
    """The wrap-up codes that were set in a contact, and the words that its transcript has."""

    wrapup_codes: frozenset[str]
    keywords: frozenset[str]


def words(events: Iterable[CallEvent]) -> Words:
    """Return the codes and words of one contact's events, each once, in the source's spelling."""
    codes, said = set(), set()
    for event in events:
        if not event.reason:
            continue
        if event.type in _WRAPUPS:
            codes.add(event.reason)
        elif event.type is EventType.COMPLAINT_FLAGGED and event.reason.startswith(KEYWORD):
            said.add(event.reason.removeprefix(KEYWORD))
    return Words(frozenset(codes), frozenset(said - {""}))


def of_legs(legs: Iterable[tuple[LegFacts, ServiceTarget]], watermark_ms: int) -> Signals:
    """Return what the legs of one contact say by themselves, as of a watermark."""
    flags = abandons = wait = hold = transfers = hang_ups = 0
    for facts, target in legs:
        flags += len(facts.complaints or ())
        outcome = classify(facts, target, watermark_ms)
        if outcome is None:
            continue
        wait += outcome.wait_ms
        transfers += facts.transferred is not None
        done = handling(facts)
        hold += done.hold_ms if done else 0
        if outcome.kind is OutcomeKind.ABANDONED:
            abandons += outcome.wait_ms > target.short_abandon_ms
        elif outcome.kind is OutcomeKind.ANSWERED and facts.ended is not None:
            hang_ups += facts.ended[1] == AGENT
    return Signals(
        complaint_flags=flags,
        abandons=abandons,
        wait_ms=wait,
        hold_ms=hold,
        transfers=transfers,
        agent_hang_ups=hang_ups,
    )


def hits(found: Words, terms: RiskTerms) -> tuple[int, int]:
    """Return how many wrap-up codes and words of a contact the terms name."""
    return len(found.wrapup_codes & terms.wrapup_codes), len(found.keywords & terms.keywords)


def earlier_contacts(
    contacts: Iterable[Contact], window_ms: Callable[[str], int]
) -> Iterator[tuple[str, int]]:
    """Yield each contact of one client and how many of its customer came within its window before.

    Args:
        contacts: each inbound contact of a known customer once; what the centre dialed left out.
        window_ms: contact id to window, milliseconds; a distance of just that is within.
    """
    for _, group in groupby(sorted(contacts), key=lambda contact: contact.customer_ref):
        known = list(group)
        starts = [contact.first_ms for contact in known]
        for place, this in enumerate(known):
            first = bisect_left(starts, this.first_ms - window_ms(this.contact_id), 0, place)
            yield this.contact_id, min(place - first, REPEATS_COUNTED)


def open_cases(cases: Sequence[Complaint], at_ms: int) -> int:
    """Return how many of a customer's cases were received and not closed at an instant."""
    return sum(
        case.received_at_ms <= at_ms and (case.closed_at_ms is None or case.closed_at_ms > at_ms)
        for case in cases
    )


def outcomes_within(cases: Sequence[Complaint], at_ms: int, window_ms: int) -> list[Complaint]:
    """Return a customer's cases that a contact at an instant may have led to: after it, in time."""
    return [case for case in cases if 0 < case.received_at_ms - at_ms <= window_ms]
