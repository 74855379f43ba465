"""The live numbers of one partition: a deterministic fold over its log.

State at offset N is a pure function of the records before N (and of the configuration): not of
how the log was cut into chunks, how often the fold was restarted from its own ``dump``, or of
any wall clock. Every record ends as exactly one of accepted, duplicate, late, rejected or
quarantined, and the five counts add up to the offsets folded.

Knows no broker and no codec. ``fold_state.py`` turns the state into plain values and back.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pipeline.domain import kpi
from pipeline.domain.alert_evaluation import SILENCE_STEP_MS, evaluate
from pipeline.domain.alert_rule import Rule
from pipeline.domain.alert_scope import ALONE, Place
from pipeline.domain.alert_subject import Subject, by_scope
from pipeline.domain.closed_legs import ClosedLegs, LegKey, fingerprint
from pipeline.domain.cold_legs import ColdLegs, Packing
from pipeline.domain.day_sums import prune
from pipeline.domain.events import CallEvent, EventType, Rejected
from pipeline.domain.forecast_book import QueueForecast, QueueKey
from pipeline.domain.leg import LegFacts, apply_as
from pipeline.domain.live_leg import Leg
from pipeline.domain.outbox import Counters, LateEvent, Outbox
from pipeline.domain.outcome import (
    HANDLING_PART,
    PARTS,
    SERVICE_LEVEL_PART,
    SIGNALS_PART,
    Contribution,
    handling_part,
    is_bare,
    is_finished,
    is_waiting,
    parts_changed,
    service_level_part,
    signals_part,
    stands_alone,
)
from pipeline.domain.queue_state import QueueState, remember
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.domain.watermark import CLOCK_AHEAD_MS, GRACE_MS, Watermark

MAX_LEG_AGE_MS: Final = 12 * 3_600_000
"""A leg that never finishes is let go this long after its first event."""

SWEEP_MS: Final = 15 * 60_000
"""How often (event time) legs that nothing can change any more are dropped ..."""

FORGET_MS: Final = 4 * SWEEP_MS
"""... and panes, which takes a look at each of them."""

LONGEST_WINDOW_MS: Final = max(kpi.WINDOWS_S) * 1000

Record = tuple[int, int, CallEvent | Rejected]
"""(offset, broker append time in ms, what was decoded)."""

_QUEUED: Final = EventType.QUEUED
_OFFERED: Final = EventType.OFFERED


class GapInLogError(ValueError):
    """The first record offered lies beyond the offset the state needs next."""

    def __init__(self, expected: int, found: int) -> None:
        """Keep both offsets."""
        self.expected = expected
        self.found = found
        super().__init__(f"expected offset {expected}, found {found}")


class PartitionFold:
    """State of one partition of the call-event log and the rules that move it."""

    __slots__ = (
        "_dirty",
        "_forecasts",
        "_grouping",
        "_history",
        "_listens",
        "_numbers",
        "_rules",
        "_timers",
        "closed",
        "cold",
        "counters",
        "first_offset",
        "legs",
        "next_boundary",
        "next_forget",
        "next_offset",
        "next_sweep",
        "outbox",
        "queues",
        "subjects",
        "watermark",
    )

    def __init__(
        self,
        history: Callable[[str, str, str], TargetHistory],
        rules: Iterable[Rule] = (),
        *,
        first_offset: int = 0,
        packing: Packing | None = None,
        forecasts: Mapping[QueueKey, QueueForecast] | None = None,
    ) -> None:
        """Start empty before ``first_offset``; ``history`` gives a queue's dated targets.

        Without ``packing`` legs take more memory and are worth the same. ``forecasts`` are what
        rules expect by, before what a weekday usually brings.
        """
        self._forecasts = forecasts or {}
        self._history = history
        known = tuple(rules)
        self._rules = by_scope(known)
        self._grouping = known[0].grouping if known else ALONE
        self._listens = any(of_scope.silences for of_scope in self._rules.values())
        self.first_offset = first_offset
        self.next_offset = first_offset
        self.watermark = Watermark()
        self.next_boundary = 0
        self.next_sweep = 0
        self.next_forget = 0
        self.legs: dict[LegKey, Leg] = {}
        self.queues: dict[QueueKey, QueueState] = {}
        self.subjects: dict[Place, Subject] = {}
        self.cold = None if packing is None else ColdLegs(packing)
        self.closed = ClosedLegs()
        self.counters = Counters()
        self.outbox = Outbox()
        self._timers: list[tuple[int, int, Leg]] = []
        self._numbers = itertools.count()
        self._dirty: list[Leg] = []

    def fold(self, records: Iterable[Record]) -> None:  # noqa: C901, PLR0912, PLR0915 - hot and flat
        """Fold records in offset order; those already folded are skipped.

        Raises:
            GapInLogError: a record lies beyond the next offset; nothing from it on was folded.
        """
        # The hot path of the live side: names are local and the common case is flat.
        legs, counters, watermark, dirty = self.legs, self.counters, self.watermark, self._dirty
        sources, timers, cold = watermark.sources, self._timers, self.cold
        for offset, appended_ms, event in records:
            if offset != self.next_offset:
                if offset < self.next_offset:
                    continue
                self._settle(watermark.ms)
                raise GapInLogError(self.next_offset, offset)
            self.next_offset = offset + 1
            if type(event) is Rejected:  # a final class, and isinstance() costs a call
                counters.rejected += 1
                self.outbox.rejected.append((offset, event))
                continue
            at = event.occurred_at_ms
            if at > appended_ms + CLOCK_AHEAD_MS:
                counters.quarantined += 1
                self.outbox.quarantined.append((offset, event))
                continue
            horizon = watermark.ms - GRACE_MS
            if at < horizon:
                counters.late += 1
                self.outbox.late.append(LateEvent(offset, event, "behind_watermark"))
                continue
            seen = sources.get(event.source)
            if seen is not None and at <= seen[0]:
                seen[1] = appended_ms  # as candidate() does, without the call
            else:
                now = watermark.candidate(event.source, at, appended_ms)
                if now > watermark.ms:
                    if now >= self.next_boundary:
                        self._close_boundaries(now)
                    watermark.ms = now
                    horizon = now - GRACE_MS
                    if timers and timers[0][0] <= now:
                        self._fire(now)
            key = (event.contact_id, event.leg, event.queue, event.client, event.site)
            leg = legs.get(key)
            if leg is None:
                mark = fingerprint(key)
                if cold is not None and cold.spans:
                    leg = self._warm_up(key, mark)
            if leg is not None and leg.facts.last_ms < horizon:
                mark = leg.mark
                leg = self._let_go_if_expired(key, leg)
            reopened = mark in self.closed if leg is None else leg.reopened
            if reopened and not stands_alone(event):
                counters.late += 1
                self.outbox.late.append(LateEvent(offset, event, "leg_closed"))
                continue
            if leg is None:
                queue = self.queue(event.client, event.site, event.queue)
                leg = legs[key] = Leg(LegFacts(), queue, watermark.ms, mark, reopened=reopened)
            elif leg.stale:
                # What it counted for in between was, or may be, published by a worker that cuts
                # the log elsewhere; the panes concerned have to be told, though it be undone.
                self._count(leg, watermark.ms)
            facts = leg.facts
            kind = event.type
            if apply_as(facts, event, kind, at):
                counters.accepted += 1
                stale = parts_changed(kind, facts)
                if kind is _QUEUED:
                    self._start_timer(leg)
                    if not leg.counted[0] and is_bare(facts):
                        continue
                if stale:
                    leg.stale |= stale
                    dirty.append(leg)
            else:
                counters.duplicate += 1
        self._settle(watermark.ms)

    def queue(self, client: str, site: str, queue: str) -> QueueState:
        """Return the state of a queue, empty at first."""
        key = (client, site, queue)
        found = self.queues.get(key)
        if found is None:
            found = QueueState(client, site, queue, self._history(client, site, queue))
            found.forecast = self._forecasts.get(key)
            self.queues[key] = found
            self._watch(found)
        return found

    def _watch(self, queue: QueueState) -> None:
        """Let a queue be judged, alone and with those that it belongs to."""
        for scope, rules in self._rules.items():
            place = self._grouping.place(scope, queue.client, queue.site, queue.queue)
            if place is not None:
                subject = self.subjects.get(place)
                if subject is None:
                    subject = self.subjects[place] = Subject(place, rules)
                subject.queues.append(queue)

    def resume(self, leg: Leg) -> None:
        """Take up a leg of a restored state: what it counts for, and its timer if it waits."""
        target = self._target(leg.queue, leg.facts)
        leg.counted = [part(leg.facts, target, self.watermark.ms) for part in PARTS]
        if is_waiting(leg.facts):
            self._start_timer(leg)

    def _start_timer(self, leg: Leg) -> None:
        due = self._due_ms(leg)
        if due > self.watermark.ms:
            heapq.heappush(self._timers, (due, next(self._numbers), leg))
        else:
            self._mark(leg)

    def _mark(self, leg: Leg) -> None:
        leg.stale |= SERVICE_LEVEL_PART
        self._dirty.append(leg)

    @staticmethod
    def _due_ms(leg: Leg) -> int:
        """Return when a queued leg that goes on waiting is past its threshold."""
        queued, queue = leg.facts.queued_at or 0, leg.queue
        target = queue.only_target or queue.history.at(queued)
        return queued + target.threshold_ms + target.inclusive

    # --- event time moves on -----------------------------------------------------------------

    def _close_boundaries(self, now: int) -> None:
        """Settle, evaluate the rules and sweep at every pane boundary up to ``now``."""
        if self.next_boundary == 0:
            self.next_boundary = kpi.pane_start(now) + kpi.PANE_MS
            self.next_sweep = self.next_boundary + SWEEP_MS
            return
        while self.next_boundary <= now:
            boundary = self.next_boundary
            self.watermark.ms = boundary
            self._settle(boundary)
            quiet = True
            listens = self._listens and boundary % SILENCE_STEP_MS == 0
            for subject in self.subjects.values():
                rules, newest = subject.rules, subject.newest_pane
                if newest >= boundary - rules.longest_ms or subject.restless:
                    quiet = False
                    self.outbox.alerts += evaluate(rules.all, subject, boundary)
                elif listens and newest:
                    self.outbox.alerts += evaluate(rules.silences, subject, boundary)
            for queue in self.queues.values():
                queue.changed = 0
            if boundary >= self.next_sweep:
                self._sweep(boundary)
                self.next_sweep = boundary + SWEEP_MS
            if self.cold is not None and boundary % self.cold.packing.every_ms == 0:
                self._cool_down(self.cold, boundary)
            self.next_boundary = boundary + kpi.PANE_MS
            if quiet:
                self._skip_quiet(now)

    def _skip_quiet(self, now: int) -> None:
        """Jump over boundaries at which nothing can happen: empty windows, no timer due.

        Timers that no longer mean anything do not count: a restored state does not have them,
        and both have to stop at the same boundaries.
        """
        timers = self._timers
        while timers:
            due, _, leg = timers[0]
            if is_waiting(leg.facts) and due == self._due_ms(leg):
                break
            heapq.heappop(timers)
        until = now if not timers else min(now, timers[0][0])
        if self._listens:  # somebody may be listening for what does not come
            until = min(until, -(-self.next_boundary // SILENCE_STEP_MS) * SILENCE_STEP_MS)
        self.next_boundary = max(self.next_boundary, kpi.pane_start(until))

    def _settle(self, now: int) -> None:
        """Bring the panes up to date with the legs, as of event time ``now``."""
        self._fire(now)
        for leg in self._dirty:
            if leg.stale:
                self._count(leg, now)
        self._dirty.clear()

    def _fire(self, now: int) -> None:
        """Mark the legs whose threshold passes by ``now`` while they wait."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            leg = heapq.heappop(timers)[2]
            if is_waiting(leg.facts):
                self._mark(leg)

    def _count(self, leg: Leg, now: int) -> None:
        """Bring the panes up to date with one leg, as of event time ``now``."""
        facts, queue, stale = leg.facts, leg.queue, leg.stale
        leg.stale = 0
        target = queue.only_target or self._target(queue, facts)
        # One by one, not in a loop over PARTS: a call by name is what the compiler makes fast.
        if stale & SERVICE_LEVEL_PART:
            self._recount(leg, 0, service_level_part(facts, target, now))
        if stale & HANDLING_PART:
            self._recount(leg, 1, handling_part(facts, target, now))
        if stale & SIGNALS_PART:
            self._recount(leg, 2, signals_part(facts, target, now))

    def _recount(self, leg: Leg, part: int, new: tuple[Contribution, ...]) -> None:
        """Take out of the panes what a part of a leg counted for, and put in what it does now."""
        old = leg.counted[part]
        if new == old:
            return
        queue, panes, changed = leg.queue, leg.queue.panes, self.outbox.panes
        for i, pane, deltas in old:
            counts = panes[i][pane]
            for j, n in deltas:
                counts[j] -= n
            changed[queue, i, pane] = counts
            queue.touch(i, pane)
        for i, pane, deltas in new:
            counts = panes[i].get(pane) or queue.open_pane(i, pane)
            for j, n in deltas:
                counts[j] += n
            changed[queue, i, pane] = counts
            queue.touch(i, pane)
        leg.counted[part] = new

    @staticmethod
    def _target(queue: QueueState, facts: LegFacts) -> ServiceTarget:
        at = facts.queued_at
        return queue.history.at(facts.first_ms if at is None else at)

    # --- letting go ---------------------------------------------------------------------------

    def _cool_down(self, cold: ColdLegs, now: int) -> None:
        """Pack quiet legs if there are too many; at a boundary all that they say is counted."""
        if len(self.legs) <= cold.packing.hot_legs:
            return
        until = now - cold.packing.quiet_ms
        quiet = []
        for key, leg in self.legs.items():
            if leg.born_ms > until:
                break  # the others are younger, but for a few that have been warmed up
            if leg.facts.last_ms <= until and is_finished(leg.facts):
                quiet.append((key, leg))
        for key, leg in quiet:
            cold.put(leg)
            del self.legs[key]

    def _warm_up(self, key: LegKey, mark: bytes) -> Leg | None:
        """Take a leg out of the cold, if it is there."""
        _, _, queue, client, site = key
        leg = None if self.cold is None else self.cold.take(mark, self.queue(client, site, queue))
        if leg is not None:
            self.legs[key] = leg
            self.resume(leg)
        return leg

    def _let_go_if_expired(self, key: LegKey, leg: Leg) -> Leg | None:
        """Drop the leg if nothing admitted from now on can be an event it has already seen.

        Everything it has seen is older than the grace, so a repetition would be late; and it
        has finished, or is too old to wait for. What still comes for it is late, too.
        """
        facts = leg.facts
        if not is_finished(facts) and facts.first_ms >= self.watermark.ms - MAX_LEG_AGE_MS:
            return leg
        if leg.stale:
            self._count(leg, self.watermark.ms)
        del self.legs[key]
        self.closed.add(leg.mark)
        return None

    def _sweep(self, now: int) -> None:
        """Drop expired legs; now and then panes older than every live leg and open window."""
        self.closed.rotate(now)
        horizon = now - GRACE_MS
        expired = []
        for key, leg in self.legs.items():
            if leg.born_ms > horizon:
                break  # the others are younger, but for a few that have been warmed up
            if leg.facts.last_ms < horizon:
                expired.append((key, leg))
        for key, leg in expired:
            self._let_go_if_expired(key, leg)
        if self.cold is not None:
            for mark in self.cold.expire(horizon):
                self.closed.add(mark)
        if now >= self.next_forget:
            self.next_forget = now + FORGET_MS
            self._forget_panes(now, horizon)

    def _forget_panes(self, now: int, horizon: int) -> None:
        oldest = min((leg.born_ms for leg in self.legs.values()), default=now)
        if self.cold is not None:
            oldest = self.cold.born_ms(oldest)
        floor = kpi.pane_start(min(oldest - GRACE_MS, horizon - LONGEST_WINDOW_MS))
        for queue in self.queues.values():
            remember(queue, floor)
            prune(queue.days)
            for panes in queue.panes:
                for start in [s for s in panes if s < floor]:
                    del panes[start]

    @property
    def live_legs(self) -> int:
        """Return how many legs are in memory, packed or not."""
        return len(self.legs) + (0 if self.cold is None else len(self.cold))

    def take_outbox(self) -> Outbox:
        """Return and clear what has come up since the last call."""
        taken, self.outbox = self.outbox, Outbox()
        return taken
