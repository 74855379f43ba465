"""Which leg a manager event is about: by the caller's channel, the agent's, or the call's Linkedid.

Channels change under a call: an attended transfer puts another channel in a caller's place, and a
Local channel stands before an agent's phone. The Linkedid stays, so it is the last resort where
only one leg of the call can be meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.codec.ami_leg import AmiLeg, LegKey
from pipeline.codec.headers import Headers
from pipeline.codec.leg_book import LegBook


class AmiBook:
    """The legs followed, by every id that an event may name them by."""

    def __init__(self) -> None:
        """Begin with no leg."""
        self._book: LegBook[LegKey, AmiLeg] = LegBook()
        self._by_caller: dict[str, list[AmiLeg]] = {}
        self._by_agent_channel: dict[str, AmiLeg] = {}
        self._by_contact: dict[str, list[AmiLeg]] = {}

    def __len__(self) -> int:
        """Return how many legs are followed."""
        return len(self._book)

    def __iter__(self) -> Iterator[AmiLeg]:
        """Go through the legs followed."""
        return (leg for _, leg in self._book)

    def get(self, key: LegKey) -> AmiLeg | None:
        """Return the leg of a key."""
        return self._book.get(key)

    def of_caller(self, uniqueid: str) -> list[AmiLeg]:
        """Return the legs of a caller's channel, the latest last."""
        return list(self._by_caller.get(uniqueid, ()))

    def of_agent_channel(self, uniqueid: str) -> AmiLeg | None:
        """Return the leg that an agent talks on by a channel."""
        return self._by_agent_channel.get(uniqueid)

    def of_contact(self, linkedid: str) -> list[AmiLeg]:
        """Return the legs of a call, the latest last."""
        return list(self._by_contact.get(linkedid, ()))

    def find(self, headers: Headers) -> AmiLeg | None:
        """Return the leg that a queue's event is about, rather one that goes on than one over."""
        return self._of_entry(headers) or self._of_call(headers)

    def find_talk(self, headers: Headers) -> AmiLeg | None:
        """Return the leg whose talk an event ends: its caller may have changed, its agent not."""
        found = self._of_entry(headers)
        talk = self._by_agent_channel.get(agent_channel(headers))
        if found is None and talk is not None and talk.native_queue == headers.get("queue"):
            return talk
        return found or self._of_call(headers)

    def _of_entry(self, headers: Headers) -> AmiLeg | None:
        queue, found = headers.get("queue"), None
        for leg in self._by_caller.get(headers.get("uniqueid", ""), ()):
            if leg.native_queue == queue and (found is None or found.is_over or not leg.is_over):
                found = leg
        return found

    def _of_call(self, headers: Headers) -> AmiLeg | None:
        queue, legs = headers.get("queue"), self._by_contact.get(headers.get("linkedid", ""), ())
        going_on = [leg for leg in legs if leg.native_queue == queue and not leg.is_over]
        return going_on[0] if len(going_on) == 1 else None

    def add(self, leg: AmiLeg) -> list[AmiLeg]:
        """Follow a leg; return those that are followed no longer because of it."""
        gone = []
        replaced = self._book.get(leg.key)
        if replaced is not None:
            self.drop(replaced)
            gone.append(replaced)
        ousted = self._book.add(leg.key, leg)
        if ousted is not None:
            self._forget(ousted)
            gone.append(ousted)
        self._by_caller.setdefault(leg.caller, []).append(leg)
        self._by_contact.setdefault(leg.contact, []).append(leg)
        return gone

    def drop(self, leg: AmiLeg) -> None:
        """Follow a leg no longer."""
        self._book.drop(leg.key)
        self._forget(leg)

    def _forget(self, leg: AmiLeg) -> None:
        _leave(self._by_caller, leg.caller, leg)
        _leave(self._by_contact, leg.contact, leg)
        if leg.agent_channel and self._by_agent_channel.get(leg.agent_channel) is leg:
            del self._by_agent_channel[leg.agent_channel]

    def change_caller(self, leg: AmiLeg, uniqueid: str) -> None:
        """Note that another channel stands in the caller's place."""
        _leave(self._by_caller, leg.caller, leg)
        leg.caller = uniqueid
        self._by_caller.setdefault(uniqueid, []).append(leg)

    def talk_by(self, leg: AmiLeg, channel: str) -> None:
        """Note by which channel an agent talks on a leg."""
        if leg.agent_channel and self._by_agent_channel.get(leg.agent_channel) is leg:
            del self._by_agent_channel[leg.agent_channel]
        leg.agent_channel = channel
        self._by_agent_channel[channel] = leg

    def hasten(self, leg: AmiLeg, due_ms: int) -> None:
        """Set when something is due of a leg."""
        self._book.hasten(leg.key, leg, due_ms)

    def due(self, now_ms: int) -> Iterator[AmiLeg]:
        """Yield the legs of which something is due."""
        return (leg for _, leg in self._book.due(now_ms))


def agent_channel(headers: Headers) -> str:
    """Return the id of the agent's channel in an event, "" where it has none."""
    return headers.get("destuniqueid") or headers.get("bridgedchannel") or ""


def _leave(index: dict[str, list[AmiLeg]], name: str, leg: AmiLeg) -> None:
    legs = index.get(name, [])
    if leg in legs:
        legs.remove(leg)
    if not legs:
        index.pop(name, None)
