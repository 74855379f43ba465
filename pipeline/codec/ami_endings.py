"""How waits and talks in Asterisk's queues end, where the queue's own events do not say.

*Waits.* Asterisk sends QueueCallerAbandon whenever it counts a call as abandoned: when the caller
hangs up, but also when the queue gives the call back on a timeout, because nobody is logged in, or
for want of a codec. What the caller does next tells them apart: QUEUESTATUS is set (VarSet), the
channel hangs up, or it goes on in the dialplan. A leave with neither abandon nor answer is an exit
by key: of all ways out of app_queue it is the only one that sends no more than that.

*Talks.* AgentComplete with reason ``transfer`` ends both legs of an attended transfer through a
queue, that of the agent who hands over, and that of the agent who was consulted and now talks to
the customer. The AttendedTransfer beside it says which is which; the consulted agent's talk ends
when one of the two hangs up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pipeline.codec.ami_book import AmiBook
from pipeline.codec.ami_leg import AmiLeg
from pipeline.codec.ami_members import Members
from pipeline.codec.leg_book import MAX_AGE_MS, SETTLE_MS
from pipeline.codec.leg_events import AnyEvent, Detail, Events, hold
from pipeline.domain.events import EventType

LEFT: Final = "left"
"""Reason of a flow-out of a call that the queue gave back, for a reason that was not told."""
EXIT_WITH_KEY: Final = "exit_with_key"
TRANSFER: Final = "transfer"
PROMPT_MS: Final = 10_000
"""Where QUEUESTATUS is not in the stream: a caller gone so soon after the abandon hung up."""
HANDING_MS: Final = 2_000
"""How far apart the two messages of one transfer may come."""


class AmiEndings:
    """Ends legs; what cannot be told yet waits for what follows, ``SETTLE_MS`` at most.

    ``sees_channels`` and ``sees_dialplan`` say whether the stream has events of channels (class
    ``call``) and of the dialplan (class ``dialplan``): what never comes cannot decide.
    """

    def __init__(
        self, events: Events, members: Members, book: AmiBook, anomalies: Counter[str]
    ) -> None:
        """End legs of ``book``; ``anomalies`` counts oddities."""
        self.sees_channels = False
        self.sees_dialplan = False
        self._now_ms = 0
        self._events = events
        self._members = members
        self._book = book
        self._anomalies = anomalies

    # -- waits

    def gave_up(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Take QueueCallerAbandon: decided now if it is known already that the caller is gone."""
        if leg.gave_up_ms is not None:
            return []
        is_blind = not (self.sees_channels or self.sees_dialplan)
        if is_blind or leg.wants_to_hang_up or leg.hung_up_ms is not None:
            return self._abandoned(leg, at_ms)
        leg.gave_up_ms = at_ms
        self._book.hasten(leg, at_ms + SETTLE_MS)
        return []

    def left(self, leg: AmiLeg, at_ms: int) -> None:
        """Take QueueCallerLeave."""
        if leg.left_ms is None and leg.gave_up_ms is None:
            leg.left_ms = at_ms
            self._book.hasten(leg, at_ms + SETTLE_MS)

    def given_back(self, leg: AmiLeg, reason: str) -> list[AnyEvent]:
        """Take the reason for which the queue gave a call back."""
        at_ms = leg.left_ms if leg.gave_up_ms is None else leg.gave_up_ms
        return [] if at_ms is None else self._flowed_out(leg, at_ms, reason)

    def went_on(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Take a sign that a caller who waited is elsewhere by now."""
        if leg.gave_up_ms is None and leg.left_ms is None:
            self._anomalies["joined_without_leaving"] += 1
            return self._flowed_out(leg, at_ms, LEFT)
        return self.given_back(leg, EXIT_WITH_KEY if leg.gave_up_ms is None else LEFT)

    def caller_hung_up(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Take the end of a caller's channel."""
        if leg.is_over:
            return []
        if leg.is_taken_over:
            return self.ended(leg, at_ms, "caller")
        if leg.is_waiting and leg.gave_up_ms is not None:
            return self._decided(leg, at_ms)
        if leg.is_waiting and leg.left_ms is not None:
            return self._flowed_out(leg, leg.left_ms, EXIT_WITH_KEY)
        if leg.hung_up_ms is None:
            leg.hung_up_ms = at_ms
            self._book.hasten(leg, at_ms + SETTLE_MS)
        return []

    def _decided(self, leg: AmiLeg, gone_ms: int) -> list[AnyEvent]:
        """End the wait of a caller who gave up and is gone now, without a QUEUESTATUS."""
        gave_up_ms = gone_ms if leg.gave_up_ms is None else leg.gave_up_ms
        if self.sees_dialplan or gone_ms <= gave_up_ms + PROMPT_MS:
            return self._abandoned(leg, gave_up_ms)
        return self._flowed_out(leg, gave_up_ms, LEFT)

    def _abandoned(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        self._over(leg)
        return [self._events.leg(leg, EventType.ABANDONED, at_ms), *self.quiet(leg, at_ms)]

    def _flowed_out(self, leg: AmiLeg, at_ms: int, reason: str) -> list[AnyEvent]:
        self._over(leg)
        out = self._events.leg(leg, EventType.FLOWED_OUT, at_ms, Detail(reason=reason))
        return [out, *self.quiet(leg, at_ms)]

    def quiet(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Stop a leg's ringing, wherever it rings."""
        agents = sorted(leg.rings)
        leg.rings.clear()
        return self._members.rang_out(agents, leg, at_ms)

    # -- talks

    def ended(self, leg: AmiLeg, at_ms: int, reason: str | None) -> list[AnyEvent]:
        """End the talk of a leg, and begin the agent's wrap-up."""
        told = self.unheld(leg, at_ms)
        leg.ended_ms = at_ms
        told.append(self._events.leg(leg, EventType.ENDED, at_ms, Detail(reason=reason)))
        if leg.agent is not None:
            told += self._members.talked(leg.agent, leg, at_ms)
        self._over(leg)
        return told

    def handed_over(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Take AgentComplete by transfer: of which end of it, the transfer says."""
        if leg.handing_ms is None and not leg.is_taken_over:
            leg.handing_ms = at_ms
            self._book.hasten(leg, at_ms + HANDING_MS)
        return []

    def taken_over(self, leg: AmiLeg, at_ms: int) -> None:
        """Note that the customer has taken the place of the agent who had called the queue."""
        leg.is_taken_over = leg.is_talking
        leg.handing_ms = leg.hung_up_ms = None
        leg.due_ms = at_ms + MAX_AGE_MS

    def agent_hung_up(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Take the end of an agent's channel; that of a normal call the queue tells itself."""
        is_last_sign = leg.is_taken_over and leg.is_talking
        return self.ended(leg, at_ms, "agent") if is_last_sign else []

    def held(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Begin a hold."""
        leg.held_since_ms = at_ms
        return [self._events.leg(leg, EventType.HOLD_STARTED, at_ms, hold(at_ms))]

    def unheld(self, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """End the hold that a leg is in."""
        since, leg.held_since_ms = leg.held_since_ms, None
        if since is None:
            return []
        return [self._events.leg(leg, EventType.HOLD_ENDED, at_ms, hold(since))]

    # -- what the passing of time decides

    def due(self, now_ms: int) -> Iterator[AnyEvent]:
        """Yield what is decided because nothing more was heard of a leg."""
        self._now_ms = now_ms
        for leg in self._book.due(now_ms):
            yield from self._settle(leg)

    def _settle(self, leg: AmiLeg) -> list[AnyEvent]:
        if leg.is_over:
            self._book.drop(leg)
            return []
        if leg.handing_ms is not None:
            return self.ended(leg, leg.handing_ms, TRANSFER)
        if leg.is_waiting and leg.gave_up_ms is not None:
            return self._decided(leg, leg.gave_up_ms + SETTLE_MS)
        if leg.is_waiting and leg.left_ms is not None:
            return self._flowed_out(leg, leg.left_ms, EXIT_WITH_KEY)
        return self._gone(leg)

    def _gone(self, leg: AmiLeg) -> list[AnyEvent]:
        """End a leg of which the queue tells no end: at the caller's hang-up, or not at all."""
        if leg.hung_up_ms is None:
            self._anomalies["never_ended"] += 1
            self._book.drop(leg)
            self._members.forget(leg)
            return []
        if leg.answered_ms is None:
            self._anomalies["abandon_not_told"] += 1
            return self._abandoned(leg, leg.hung_up_ms)
        self._anomalies["end_not_told"] += 1
        return self.ended(leg, leg.hung_up_ms, None)

    def finish(self, now_ms: int) -> Iterator[AnyEvent]:
        """Yield what the end of the input decides; ``now_ms`` is how far it came."""
        for leg in self._book:
            if leg.is_over:
                continue
            if leg.is_waiting and leg.gave_up_ms is not None:
                yield from self._decided(leg, now_ms)
            elif leg.handing_ms is not None or leg.hung_up_ms is not None:
                yield from self._settle(leg)
            elif leg.is_waiting and leg.left_ms is not None:
                if leg.rings:  # an agent may just have picked up
                    self._anomalies["undecided_at_end"] += 1
                else:
                    yield from self._settle(leg)

    def _over(self, leg: AmiLeg) -> None:
        """Keep a leg that is over a while for stragglers: transfers, repeats."""
        leg.is_over = True
        leg.handing_ms = None
        self._book.hasten(leg, self._now_ms + SETTLE_MS)
