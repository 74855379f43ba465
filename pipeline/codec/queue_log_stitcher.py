"""Puts the records of a ``queue_log`` together: calls with their legs, agents with their logins.

The state is the calls that are open or were seen lately (``queue_log_kept``) and the agents
(``queue_log_roster``). Records of one call are put together in whatever order they come; a record
that repeats another changes nothing.

Two shells stand around it: the adapter, which tells each change as events, and ``vane kpi``,
which counts a call when it is let go. What of it is worth counting both take from here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipeline.codec.queue_log_agents import Presence
from pipeline.codec.queue_log_fields import (
    NO_CALL,
    NOBODY,
    Lengths,
    UnusableError,
    problem_of,
    transfer_lengths,
)
from pipeline.codec.queue_log_kept import Call, KeptCalls
from pipeline.codec.queue_log_leg import (
    LEFT_EMPTY,
    SYSCOMPAT,
    TIMEOUT,
    WITHDRAWN,
    LoggedLeg,
    Offer,
    Transfer,
    is_meant,
)
from pipeline.codec.queue_log_roster import Fields, Roster, Spent
from pipeline.domain.events import EventType, TransferKind

UNKNOWN_AGENT: Final = "unknown"
"""Stands for the agent of an answered call whose records name none."""

REFUSALS: Final = {
    "FULL": "full",
    "CLOSED": "closed",
    "JOINEMPTY": "join_empty",
    "DIVERT_CA_RATIO": "saturated",
    "DIVERT_HOLDTIME": "saturated",
}
"""Verbs of calls that a queue did not take, as ``refusal.py`` knows the reasons."""

Handler = Callable[[int, Fields], "LoggedLeg | Presence | None"]


class Stitcher:
    """Takes records one by one; ``kept`` are its calls, ``agents`` the agents by name.

    Args:
        note: told the code of an oddity of a record that is used all the same.
        over: given the legs of a call that is let go.
        spent: told (agent, what, from, to) of a login, pause or wrap-up; a start of
            ``UNKNOWN_SINCE`` lies before the log.
        keeps_offers: whether to remember offers that an agent let ring.
        recall: asked for a call that the stitcher does not know, if somebody else does.
    """

    def __init__(
        self,
        *,
        note: Callable[[str], None],
        over: Callable[[Call], None],
        spent: Spent,
        keeps_offers: bool = True,
        recall: Callable[[str], Call | None] = lambda _name: None,
    ) -> None:
        """Start without calls and agents."""
        self._note = note
        self._lengths = Lengths()
        self._roster = Roster(self._lengths, note=note, spent=spent)
        self.agents = self._roster.agents
        self.kept = KeptCalls(over=over, recall=recall)
        self.queues: set[str] = set()
        self.handlers: dict[str, Handler] = {
            "ENTERQUEUE": self._enter,
            "CONNECT": self._connect,
            "COMPLETEAGENT": self._complete_agent,
            "COMPLETECALLER": self._complete_caller,
            "ABANDON": self._abandon,
            "EXITWITHTIMEOUT": self._time_out,
            "EXITEMPTY": self._exit_empty,
            "LEAVEEMPTY": self._leave_empty,
            "EXITWITHKEY": self._exit_with_key,
            "WITHDRAW": self._withdraw,
            "SYSCOMPAT": self._syscompat,
            "AGENTDUMP": self._agent_dump,
            "RINGNOANSWER": self._ring_no_answer if keeps_offers else self._pass_over_ring,
            "TRANSFER": self._blind_transfer,
            "BLINDTRANSFER": self._blind_transfer,
            "ATTENDEDTRANSFER": self._attended_transfer,
            "WRAPUPSTART": self._wrap_up,
            **self._roster.handlers,
            **dict.fromkeys(REFUSALS, self._refuse),
        }

    def take(self, at: int, fields: Fields) -> LoggedLeg | Presence | None:
        """Take a record; return the leg or agent that it spoke of.

        Raises:
            UnusableError: it cannot be read, or is of nobody; nothing has changed.
        """
        try:
            return self.handlers[fields[4]](at, fields)
        except UnusableError:
            raise
        except (IndexError, ValueError) as error:
            problem = problem_of(fields)
            if problem is None:
                raise
            raise problem from error

    def length(self, text: str) -> int | None:
        """Return the milliseconds of a length in seconds, by its text."""
        return self._lengths[text]

    # --- calls ---------------------------------------------------------------------------------

    def _new_leg(self, call: Call, fields: Fields, entered: int | None) -> LoggedLeg:
        queue = fields[2]
        if queue in NOBODY:
            msg = f"expected the queue of the call, got {queue!r}"
            raise UnusableError("no_queue", msg)
        self.queues.add(queue)
        leg = LoggedLeg(fields[1], len(call) + 1, queue, entered)
        call.append(leg)
        return leg

    def _leg(self, fields: Fields) -> LoggedLeg:
        """Return the leg a record speaks of; a new one, without an entry, if there is none."""
        call = self.kept.call(fields[1])
        queue = fields[2]
        for leg in reversed(call):
            if leg.queue == queue:
                return leg
        self._note("no_queue_entry")
        return self._new_leg(call, fields, None)

    def _enter(self, at: int, fields: Fields) -> LoggedLeg:
        call = self.kept.young.get(fields[1]) or self.kept.call(fields[1])
        leg = self._entered_before(call, at, fields[2]) if call else None
        if leg is None:
            leg = self._new_leg(call, fields, at)
            if len(fields) > 6:  # noqa: PLR2004 - the caller's number is the second argument
                leg.caller = fields[6]
        return leg

    def _entered_before(self, call: Call, at: int, queue: str) -> LoggedLeg | None:
        """Return the leg that an entry repeats or completes; end the one that it leaves."""
        for leg in call:
            if leg.queue == queue and leg.entered == at:
                self._note("repeated")
                return leg
        last = call[-1]
        rare = last.rare
        if last.queue == queue and last.entered is None and (rare is None or rare.refused is None):
            last.entered = at
            return last
        if not last.is_over:
            self._note("entered_again_while_open")
            last.more().left_at = at
            if last.connected is not None and self.agents[last.agent].talking is last:
                self.agents[last.agent].talking = None
        return None

    def _connect(self, at: int, fields: Fields) -> LoggedLeg:
        hold = self._lengths[fields[5]]
        ring = self._lengths[fields[7]] if len(fields) > 7 else None  # noqa: PLR2004 - third
        agent = fields[3]
        presence = self._roster.agent(agent, at)
        call = self.kept.young.get(fields[1])
        leg = call[-1] if call else None
        if leg is None or leg.queue != fields[2]:
            leg = self._leg(fields)
        if leg.connected is None:
            if leg.completed is not None and at > leg.completed:
                leg = self._again(fields)
        elif leg.connected == at and leg.agent == agent:
            self._note("repeated")
            return leg
        elif leg.completed is not None and at > leg.completed:
            leg = self._again(fields)
        else:
            self._note("connected_twice")
            return leg
        leg.connected, leg.agent, leg.ring_ms = at, agent, ring or 0
        if leg.completed is None or leg.hold_ms is None:
            leg.hold_ms = hold
        if hold is None:
            self._note("wait_missing")
        if leg.completed is None:
            self._talks(presence, leg)
        return leg

    def _again(self, fields: Fields) -> LoggedLeg:
        """Return a new leg for a call that is answered again in a queue it was answered in."""
        self._note("no_queue_entry")
        return self._new_leg(self.kept.call(fields[1]), fields, None)

    def _talks(self, presence: Presence, leg: LoggedLeg) -> None:
        before = presence.talking
        if isinstance(before, LoggedLeg) and before.completed is None:
            # Local channels: the transfer is not logged, and the first talk runs on (FreePBX #124).
            self._note("agent_on_two_calls")
        presence.talking = leg

    def _complete_agent(self, at: int, fields: Fields) -> LoggedLeg:
        return self._complete(at, fields, fields[5], fields[6], "agent")

    def _complete_caller(self, at: int, fields: Fields) -> LoggedLeg:
        return self._complete(at, fields, fields[5], fields[6], "caller")

    def _complete(
        self, at: int, fields: Fields, hold_text: str, talk_text: str, by: str
    ) -> LoggedLeg:
        hold, talk = self._lengths[hold_text], self._lengths[talk_text]
        call = self.kept.young.get(fields[1])
        leg = call[-1] if call else None
        if leg is None or leg.queue != fields[2]:
            leg = self._leg(fields)
        self._finish_talk(at, leg, hold, talk, by, fields[3])
        return leg

    def _finish_talk(
        self, at: int, leg: LoggedLeg, hold: int | None, talk: int | None, by: str, agent: str
    ) -> None:
        if leg.completed is not None:
            self._note("repeated" if leg.completed == at else "completed_twice")
            return
        leg.completed, leg.talk_ms, leg.by = at, talk, by
        if leg.connected is None:
            leg.agent = UNKNOWN_AGENT if agent in NOBODY else agent
            leg.ring_ms, leg.hold_ms = 0, hold
            self._note("completed_without_connect")
        elif leg.hold_ms is None:
            leg.hold_ms = hold
        presence = self.agents.get(leg.agent) or self._roster.agent(leg.agent, at)
        if presence.talking is leg:
            presence.talking = None

    def _abandon(self, at: int, fields: Fields) -> LoggedLeg:
        leg = self._out(at, fields, EventType.ABANDONED, None, self._lengths[fields[7]])
        if fields[3] not in NOBODY:
            # The caller hung up while the announcement to the agent was playing.
            self._note("abandoned_at_an_agent")
        return leg

    def _time_out(self, at: int, fields: Fields) -> LoggedLeg:
        return self._out(at, fields, EventType.FLOWED_OUT, TIMEOUT, self._lengths[fields[7]])

    def _exit_empty(self, at: int, fields: Fields) -> LoggedLeg:
        return self._out(at, fields, EventType.FLOWED_OUT, LEFT_EMPTY, self._lengths[fields[7]])

    def _leave_empty(self, at: int, fields: Fields) -> LoggedLeg:
        """Take Wazo's LEAVEEMPTY: the dialplan's word for what EXITEMPTY has told before it."""
        call = self.kept.call(fields[1])
        for leg in reversed(call):
            if leg.queue == fields[2] and leg.out_at is not None:
                return leg
        return self._out(at, fields, EventType.FLOWED_OUT, LEFT_EMPTY, None)

    def _exit_with_key(self, at: int, fields: Fields) -> LoggedLeg:
        waited = self._lengths[fields[8]]
        return self._out(at, fields, EventType.CALLBACK_REQUESTED, None, waited)

    def _withdraw(self, at: int, fields: Fields) -> LoggedLeg:
        return self._out(at, fields, EventType.FLOWED_OUT, WITHDRAWN, self._lengths[fields[7]])

    def _syscompat(self, at: int, fields: Fields) -> LoggedLeg:
        return self._out(at, fields, EventType.FLOWED_OUT, SYSCOMPAT, None)

    def _out(
        self, at: int, fields: Fields, kind: EventType, reason: str | None, waited: int | None
    ) -> LoggedLeg:
        leg = self._leg(fields)
        if leg.out_at is not None:
            self._note("repeated" if leg.out_at == at and leg.out_as is kind else "left_twice")
            return leg
        leg.out_at, leg.out_as, leg.out_reason, leg.waited_ms = at, kind, reason, waited
        return leg

    def _agent_dump(self, at: int, fields: Fields) -> LoggedLeg:
        return self._let_ring(fields, Offer(at, fields[3], 0, "agent_dump"))

    def _ring_no_answer(self, at: int, fields: Fields) -> LoggedLeg:
        ring = self._lengths[fields[5]] or 0
        return self._let_ring(fields, Offer(at, fields[3], ring // 1000, None))  # has milliseconds

    def _let_ring(self, fields: Fields, offer: Offer) -> LoggedLeg:
        self._roster.agent(offer.agent, offer.at)
        leg = self._leg(fields)
        offers = leg.more().offers
        if offer in offers:
            self._note("repeated")
        else:
            offers.append(offer)
        return leg

    def _pass_over_ring(self, at: int, fields: Fields) -> None:
        self._lengths[fields[5]]
        self._roster.agent(fields[3], at)

    def _blind_transfer(self, at: int, fields: Fields) -> LoggedLeg:
        hold, talk = self._lengths[fields[7]], self._lengths[fields[8]]
        leg = self._leg(fields)
        self._hand_over(at, leg, TransferKind.BLIND, fields[5], hold, talk, fields[3])
        return leg

    def _attended_transfer(self, at: int, fields: Fields) -> LoggedLeg:
        hold_text, talk_text = transfer_lengths(fields)
        hold, talk = self._lengths[hold_text], self._lengths[talk_text]
        call = self.kept.call(fields[1])
        leg = next(
            (g for g in reversed(call) if g.queue == fields[2] and g.connected is not None), None
        )
        target = fields[6].partition("@")[0]
        if leg is None:
            # Logged under the id of the agent's own call to the other side (asterisk #759).
            presence = self.agents.get(fields[3])
            talking = presence.talking if presence else None
            if isinstance(talking, LoggedLeg) and is_meant(talking, fields[2], at, hold, talk):
                leg = talking
                consult = call[-1] if call else None
                if consult is not None and consult.entered is not None:
                    target = consult.queue
                    if consult.out_at is None and consult.completed is None:
                        self.kept.call(leg.call).append(consult)
                        self._note("call_id_swapped")
            else:
                leg = self._leg(fields)
        self._hand_over(at, leg, TransferKind.ATTENDED, target, hold, talk, fields[3])
        return leg

    def _hand_over(
        self,
        at: int,
        leg: LoggedLeg,
        kind: TransferKind,
        target: str,
        hold: int | None,
        talk: int | None,
        agent: str,
    ) -> None:
        self._finish_talk(at, leg, hold, talk, "transfer", agent)
        rare = leg.more()
        if rare.transfer is None:
            rare.transfer = Transfer(at, kind, target, target in self.queues)

    def _refuse(self, at: int, fields: Fields) -> LoggedLeg:
        call = self.kept.call(fields[1])
        reason = REFUSALS[fields[4]]
        for leg in call:
            if leg.queue == fields[2] and leg.rare and leg.rare.refused == (at, reason):
                self._note("repeated")
                return leg
        leg = self._new_leg(call, fields, None)
        leg.more().refused = (at, reason)
        return leg

    def _wrap_up(self, at: int, fields: Fields) -> Presence:
        length = self._lengths[fields[5]]
        presence = self._roster.agent(fields[3], at)
        if length:
            self._roster.wrapped_up(fields[3], at, length)
        call = None if fields[1] in NO_CALL else self.kept.young.get(fields[1])
        if call and length is not None:
            leg = call[-1]
            wrapup = (at, length)
            if wrapup not in leg.more().wrapups:
                leg.more().wrapups.append(wrapup)
        return presence
