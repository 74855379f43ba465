"""One entry of a call into an Asterisk queue, and what names it, whatever part of it was seen.

A leg's number is the second of the call in which it joined the queue: Asterisk tells the second in
which a call began in its Linkedid (``1529939196.518``), and every later event of a queue tells how
long the caller has waited (HoldTime, Wait, TalkTime, whole seconds). So a reader that starts in the
middle of a call gives the leg the number that it has already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from pipeline.codec.leg_events import MAX_LEG, hashed_number

_BEGAN: Final = re.compile(r"(?:^|.*-)([0-9]{9,11})\.[0-9]{1,12}")

LegKey = tuple[str, str, int]


@dataclass(slots=True, eq=False)
class AmiLeg:
    """A leg and what was heard of it; instants are epoch milliseconds, None is not yet.

    ``rings`` are the agents at whom it rings, ``offered`` those at whom it ever did.
    ``agent_channel`` is the Uniqueid of the agent's channel. ``gave_up_ms``, ``left_ms``,
    ``hung_up_ms`` and ``handing_ms`` are when the caller gave up, left the queue, was gone, and
    when the agent was through by a transfer, while it is open what that means
    (``ami_endings.py``).
    """

    contact: str
    queue: str
    number: int
    caller: str
    native_queue: str
    due_ms: int
    rings: set[str] = field(default_factory=set)
    offered: set[str] = field(default_factory=set)
    agent: str | None = None
    agent_channel: str | None = None
    answered_ms: int | None = None
    gave_up_ms: int | None = None
    left_ms: int | None = None
    hung_up_ms: int | None = None
    handing_ms: int | None = None
    wants_to_hang_up: bool = False
    is_taken_over: bool = False
    ended_ms: int | None = None
    held_since_ms: int | None = None
    is_over: bool = False

    @property
    def key(self) -> LegKey:
        """What names the leg among all."""
        return self.contact, self.queue, self.number

    @property
    def is_waiting(self) -> bool:
        """Say whether the leg has no outcome yet."""
        return self.answered_ms is None and not self.is_over

    @property
    def is_talking(self) -> bool:
        """Say whether an agent took the leg and it goes on."""
        return self.answered_ms is not None and self.ended_ms is None


def leg_number(linkedid: str, queue: str, joined_ms: int) -> int:
    """Return the number of a leg: the second of the call in which it joined, from 1.

    A Linkedid without a time in it, or later than the join (another clock), gives a number that is
    as stable but means nothing.
    """
    found = _BEGAN.fullmatch(linkedid)
    if found is not None:
        second = joined_ms // 1000 - int(found[1])
        if 0 <= second < MAX_LEG:
            return second + 1
    return hashed_number(f"{linkedid}/{queue}/{joined_ms // 1000}")
