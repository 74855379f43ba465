"""Hand-overs and holds of calls that came through Asterisk's queues.

A transfer ends the agent's part of a leg when it happens. The queue itself may not notice: behind a
Local channel it goes on counting the agent's talk until the last party hangs up, an hour for a
minute. The transfer's Linkedid says which leg it is about, and of two ends the earlier counts.

A consultation by way of a queue is a call of its own until the transfer puts the customer in the
agent's place; its leg keeps the name that it has by then, and is handed to as ``queue:``.
"""

from __future__ import annotations

from typing import Final

from pipeline.codec.ami_calls import AmiCalls, Told
from pipeline.codec.ami_endings import TRANSFER
from pipeline.codec.ami_leg import AmiLeg
from pipeline.codec.headers import Headers, needed
from pipeline.codec.leg_events import Detail
from pipeline.domain.events import EventType, TransferKind

SHORT: Final = 6
"""Digits of an extension at most; a longer number is somebody's telephone."""


class AmiTransfers:
    """Transfers and holds; rules as those of ``AmiCalls``."""

    def __init__(self, calls: AmiCalls) -> None:
        """Tell of the legs of ``calls``."""
        self._calls = calls

    def blind(self, headers: Headers, at_ms: int) -> Told:
        """BlindTransfer: the agent sent the caller to an extension."""
        if headers.get("result", "Success").lower() != "success":
            return "transfer_failed"
        transferer = needed(headers, "transfereruniqueid")
        linkedids = (headers.get("transfereelinkedid"), headers.get("transfererlinkedid"))
        leg = self._handed_over((transferer,), headers.get("transfereeuniqueid"), linkedids)
        if leg is None:
            return "no_leg"
        target = self._extension(headers.get("extension", ""))
        return self._transferred(leg, at_ms, TransferKind.BLIND, target)

    def attended(self, headers: Headers, at_ms: int) -> Told:
        """AttendedTransfer: the agent spoke to somebody, then put the caller through."""
        if headers.get("result", "Success").lower() != "success":
            return "transfer_failed"
        if headers.get("desttype", "").lower() == "threeway":
            return "conference"
        first = needed(headers, "origtransfereruniqueid")
        second = headers.get("secondtransfereruniqueid", "")
        linkedids = (headers.get("transfereelinkedid"), headers.get("origtransfererlinkedid"))
        transferee = headers.get("transfereeuniqueid")
        leg = self._handed_over((first, second), transferee, linkedids)
        consulted = self._consulted((second, first), transferee, at_ms)
        if leg is None:
            return "no_leg"
        target = self._consulted_target(headers) if consulted is None else _queue(consulted)
        return self._transferred(leg, at_ms, TransferKind.ATTENDED, target)

    def _handed_over(
        self,
        transferers: tuple[str, ...],
        transferee: str | None,
        linkedids: tuple[str | None, ...],
    ) -> AmiLeg | None:
        """Return the leg whose agent did it: by the agent's channel, the caller's, or the call."""
        book = self._calls.book
        for transferer in transferers:
            leg = book.of_agent_channel(transferer)
            if leg is not None and leg.answered_ms is not None:
                return leg
        legs = book.of_caller(transferee or "")
        legs += [leg for linkedid in linkedids for leg in book.of_contact(linkedid or "")]
        answered = [leg for leg in legs if leg.answered_ms is not None]
        if any(leg.caller in transferers for leg in answered):
            return None  # the caller handed the agent over: no doing of the agent's
        return max(answered, key=lambda leg: (leg.is_talking, leg.answered_ms), default=None)

    def _consulted(
        self, transferers: tuple[str, ...], transferee: str | None, at_ms: int
    ) -> AmiLeg | None:
        """Return the leg of a consultation by way of a queue; the caller takes its place there."""
        book = self._calls.book
        legs = [leg for uniqueid in transferers for leg in book.of_caller(uniqueid)]
        consulted = next((leg for leg in reversed(legs) if leg.ended_ms is None), None)
        if consulted is not None:
            self._calls.endings.taken_over(consulted, at_ms)
            if transferee:
                book.change_caller(consulted, transferee)
        return consulted

    def _transferred(self, leg: AmiLeg, at_ms: int, kind: TransferKind, target: str) -> Told:
        detail = Detail(transfer_kind=kind, transfer_target=target)
        told = [self._calls.events.leg(leg, EventType.TRANSFERRED, at_ms, detail)]
        ended = self._calls.endings.ended(leg, at_ms, TRANSFER) if leg.is_talking else []
        return [*told, *ended]

    def _extension(self, extension: str) -> str:
        """Return a target that has no telephone number in it."""
        queues = self._calls.names.queues
        if extension in queues:
            return f"queue:{queues[extension]}"
        digits = sum(letter.isdigit() for letter in extension)
        if digits > SHORT:
            return f"external:{self._calls.events.customer(extension) or 'unknown'}"
        return extension or "unknown"

    def _consulted_target(self, headers: Headers) -> str:
        for name in ("transfertargetcalleridnum", "secondtransfererexten", "transfertargetexten"):
            number = headers.get(name, "")
            if any(letter.isdigit() for letter in number):
                return self._extension(number)
        return "unknown"

    def held(self, headers: Headers, at_ms: int) -> Told:
        """Hold: the agent's phone put the caller on hold."""
        leg = self._of_phone(headers)
        if leg is None:
            return "no_leg"
        if leg.held_since_ms is not None:
            return "no_change"
        return self._calls.endings.held(leg, at_ms)

    def unheld(self, headers: Headers, at_ms: int) -> Told:
        """Unhold: the caller is back from hold."""
        leg = self._of_phone(headers)
        if leg is None:
            return "no_leg"
        return self._calls.endings.unheld(leg, at_ms) or "no_change"

    def _of_phone(self, headers: Headers) -> AmiLeg | None:
        """Return the leg that an agent's phone talks on; a caller's own hold is none of ours."""
        uniqueid = needed(headers, "uniqueid")
        leg = self._calls.book.of_agent_channel(uniqueid)
        if leg is None:
            legs = self._calls.book.of_contact(headers.get("linkedid", ""))
            talking = [leg for leg in legs if leg.is_talking]
            leg = talking[0] if len(talking) == 1 and talking[0].caller != uniqueid else None
        return leg if leg is not None and leg.is_talking else None


def _queue(leg: AmiLeg) -> str:
    return f"queue:{leg.queue}"
