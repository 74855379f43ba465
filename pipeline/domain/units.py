"""What a definition counts: each leg, or each contact, once, as of a watermark.

The reference for definitions of every kind, whole contacts included; SQL mirrors it in
``dbt_like_sql/models/intermediate/int_kpi_units.sql``. For definitions that the live panes can
carry (``KpiDefinition.is_live``) the sums over units equal the sums over panes.

* A leg's own term, in force when it queued, decides how it counts. Where that says *contact*, the
  contact counts once, in the queue of its first queued leg, and its other legs for nothing there.
* A contact is answered if any leg is, at its first answer; else called back; else it waits while
  any leg waits; else abandoned, at the last abandon (whoever came back in between had not given
  up); else flowed out, at the last flow-out.
* A wait runs from the clock's start. A unit is a miss, at the latest, when the threshold passes,
  but never before the leg has queued.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from pipeline.domain.definition import Attribution, Calls, ClockStart, View
from pipeline.domain.leg import LegFacts
from pipeline.domain.outcome import Handling, Outcome, OutcomeKind, classify, handling, is_finished
from pipeline.domain.refusal import Refusal, refusal_of
from pipeline.domain.target import ServiceTarget, TargetHistory

Queue = tuple[str, str, str]
"""(client, site, queue)."""


class KnownLeg(NamedTuple):
    """A leg, what is known of it, and the event time that its log has reached."""

    client: str
    site: str
    queue: str
    contact_id: str
    leg: int
    facts: LegFacts
    watermark_ms: int


class Unit(NamedTuple):
    """One leg or contact that counts: where, when by the attribution, by which term, for what.

    ``kind`` is how its wait ended and ``wait_ms`` how long it was (so far, while it waits); a
    refused leg has no kind.
    """

    queue: Queue
    at_ms: int
    target: ServiceTarget
    counts: Mapping[str, int]
    kind: OutcomeKind | None = None
    wait_ms: int = 0


UNIT_FIELDS: Final = (
    *("offered", "answered", "answered_within", "abandoned", "abandoned_within"),
    *("abandoned_short", "flowed_out", "flowed_out_within", "callbacks", "callbacks_within"),
    *("waiting_over", "wait_answered_ms", "out_of_hours"),
    *(f"refused_{kind}" for kind in Refusal),
    *("handled", "talk_ms", "hold_ms", "acw_ms", "held"),
)
_PLURAL: Final = {
    OutcomeKind.ANSWERED: "answered",
    OutcomeKind.ABANDONED: "abandoned",
    OutcomeKind.FLOWED_OUT: "flowed_out",
    OutcomeKind.CALLBACK: "callbacks",
    OutcomeKind.WAITING: "waiting_over",
}


class _Judged(NamedTuple):
    leg: KnownLeg
    target: ServiceTarget
    outcome: Outcome | None


def units(
    legs: Iterable[KnownLeg], history: Callable[[str, str, str], TargetHistory]
) -> Iterator[Unit]:
    """Yield what counts of the legs, contact by contact; ``history`` gives a queue's terms."""
    contacts: dict[tuple[str, str], list[_Judged]] = {}
    for leg in legs:
        facts = leg.facts
        at = facts.first_ms if facts.queued_at is None else facts.queued_at
        target = history(leg.client, leg.site, leg.queue).at(at)
        judged = _Judged(leg, target, classify(facts, target, leg.watermark_ms))
        contacts.setdefault((leg.client, leg.contact_id), []).append(judged)
    for contact in contacts.values():
        yield from _queued(contact)
        yield from _refused(contact)


def _queued(contact: list[_Judged]) -> Iterator[Unit]:
    queued = sorted((j for j in contact if j.outcome is not None), key=_entry)
    for judged in queued:
        is_contact = judged.target.rules.view is View.CONTACT
        if is_contact and judged is not queued[0]:
            continue
        counted = queued if is_contact else [judged]
        open_legs = contact if is_contact else [judged]
        rules = judged.target.rules
        if rules.calls is Calls.FINISHED and not all(is_finished(j.leg.facts) for j in open_legs):
            continue
        unit = _unit(judged, counted, _clock_start(judged, contact, queued))
        if unit is not None:
            yield unit


def _entry(judged: _Judged) -> tuple[int, int, str, str]:
    leg = judged.leg
    return leg.facts.queued_at or 0, leg.leg, leg.site, leg.queue


def _clock_start(judged: _Judged, contact: list[_Judged], queued: list[_Judged]) -> int:
    start = judged.target.rules.clock_start
    if start is ClockStart.SYSTEM:
        return min(j.leg.facts.first_ms for j in contact)
    return _entry(judged if start is ClockStart.QUEUE_ENTRY else queued[0])[0]


def _unit(first: _Judged, counted: list[_Judged], start: int) -> Unit | None:
    """Return what ``counted`` (one leg, or all queued legs of a contact) count for as one."""
    target, rules = first.target, first.target.rules
    queued = first.leg.facts.queued_at or 0
    kind, at = _outcome(counted)
    ended = at if at is not None else first.leg.watermark_ms
    wait = max(0, ended - start)
    is_within = kind is not OutcomeKind.WAITING and target.is_within(wait)
    if kind is OutcomeKind.WAITING and not target.has_passed(wait):
        return None
    miss_at = max(start + target.threshold_ms, queued)
    handled = [handling(j.leg.facts) for j in counted]
    instants = {
        Attribution.ARRIVAL: queued,
        Attribution.OUTCOME: at,
        Attribution.COMPLETION: _completed(kind, at, counted, handled),
        Attribution.SERVICE_LEVEL_EVENT: max(ended, queued) if is_within else miss_at,
    }
    placed = instants[rules.attribution]
    if placed is None:
        return None
    counts = dict.fromkeys(UNIT_FIELDS, 0)
    if target.is_open(queued):
        counts["offered"] = counts[_PLURAL[kind]] = 1
        if is_within:
            counts[f"{_PLURAL[kind]}_within"] = 1
        if kind is OutcomeKind.ANSWERED:
            counts["wait_answered_ms"] = wait
        elif kind is OutcomeKind.ABANDONED and wait <= target.short_abandon_ms:
            counts["abandoned_short"] = 1
    else:
        counts["out_of_hours"] = 1
    _add_handling(counts, [h for h in handled if h is not None])
    leg = first.leg
    return Unit((leg.client, leg.site, leg.queue), placed, target, counts, kind, wait)


def _outcome(counted: list[_Judged]) -> tuple[OutcomeKind, int | None]:
    found: dict[OutcomeKind, list[int]] = {}
    for outcome in [o for o in (judged.outcome for judged in counted) if o is not None]:
        at = outcome.outcome_at
        found.setdefault(outcome.kind, []).extend(() if at is None else (at,))
    for kind in (OutcomeKind.ANSWERED, OutcomeKind.CALLBACK):
        if kind in found:
            return kind, min(found[kind])
    if OutcomeKind.WAITING in found:
        return OutcomeKind.WAITING, None
    kind = OutcomeKind.ABANDONED if OutcomeKind.ABANDONED in found else OutcomeKind.FLOWED_OUT
    return kind, max(found[kind])


def _completed(
    kind: OutcomeKind, at: int | None, counted: list[_Judged], handled: list[Handling | None]
) -> int | None:
    """Return when the unit was over: with its last wrap-up if it was answered."""
    if kind is not OutcomeKind.ANSWERED:
        return at
    ends = [
        None if done is None else done.completed_at
        for judged, done in zip(counted, handled, strict=True)
        if judged.outcome is not None and judged.outcome.kind is OutcomeKind.ANSWERED
    ]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def _add_handling(counts: dict[str, int], handled: list[Handling]) -> None:
    if not handled:
        return
    counts["handled"] = 1
    counts["talk_ms"] = sum(h.talk_ms for h in handled)
    counts["hold_ms"] = sum(h.hold_ms for h in handled)
    counts["acw_ms"] = sum(h.acw_ms for h in handled)
    counts["held"] = int(counts["hold_ms"] > 0)


def _refused(contact: list[_Judged]) -> Iterator[Unit]:
    """Yield refused legs; of a contact that counts as one, the first, if it queued nowhere."""
    has_queued = any(j.outcome is not None for j in contact)
    refused = sorted(
        (
            (j.leg.facts.refused[0], j.leg.leg, j.leg.site, j.leg.queue, j)
            for j in contact
            if j.outcome is None and j.leg.facts.refused is not None
        ),
        key=lambda row: row[:4],
    )
    for number, (at, _, site, queue, judged) in enumerate(refused):
        target = judged.target
        if target.rules.view is View.CONTACT and (has_queued or number > 0):
            continue
        reason = refusal_of(judged.leg.facts.refused[1] if judged.leg.facts.refused else "")
        counts = dict.fromkeys(UNIT_FIELDS, 0) | {f"refused_{reason}": 1}
        yield Unit((judged.leg.client, site, queue), at, target, counts)
