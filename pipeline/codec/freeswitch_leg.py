"""One entry of a call into a FreeSWITCH call-centre queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pipeline.codec.leg_events import hashed_number

LegKey = tuple[str, str]
"""(CC-Member-Session-UUID, CC-Member-UUID)."""


class Pickup(NamedTuple):
    """An agent picked up; whether the caller came through is yet to be told."""

    agent: str
    at_ms: int


@dataclass(slots=True, eq=False)
class FreeswitchLeg:
    """A leg and what was heard of it; instants are epoch milliseconds, None is not yet.

    The contact is the caller's channel (session), which stays the same from queue to queue; the
    number stands for the member, which is one entry into one queue. ``offered`` holds the agents
    at whom it rings, ``pickup`` who picked up while the caller is yet to come through.
    """

    contact: str
    queue: str
    member: str
    due_ms: int
    number: int = 0
    is_queued: bool = False
    offered: set[str] = field(default_factory=set)
    pickup: Pickup | None = None
    agent: str | None = None
    agent_channel: str | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    held_since_ms: int | None = None
    is_over: bool = False

    def __post_init__(self) -> None:
        """Number the leg: by its member alone, so that it does not matter what was seen before."""
        self.number = hashed_number(self.member)

    @property
    def key(self) -> LegKey:
        """What names the leg among all."""
        return self.contact, self.member


CANCELED: Final = frozenset({"ORIGINATOR_CANCEL", "LOSE_RACE"})
"""CC-Hangup-Cause of a ringing that somebody else ended: another agent was faster, the caller
hung up, or the agent left the status Available."""
