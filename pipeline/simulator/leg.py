"""What a simulated floor leaves behind: legs and agents' changes of state.

Plain records for the writers and the truth to read; times are epoch milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.domain.events import AgentState, TransferKind

Record = tuple[int, str]
"""What a writer makes of it: when it occurred, and a line without its end."""


class Offer(NamedTuple):
    """A leg was offered to an agent, whose telephone rang for ``ring_ms``."""

    at: int
    agent: str
    ring_ms: int
    rang_out: bool = False


@dataclass(slots=True, eq=False)
class SimulatedLeg:
    """What happened to one entry into one queue; ``None`` where it did not happen.

    ``contact`` and ``customer`` are numbers within the day and the client. ``before_queue_at``
    alone is set for a caller who hung up in the IVR. ``holds`` are (start, end). ``leave_at`` is
    when the caller's wait ends if nobody answers, ``leave_as`` how. ``refused_at`` and
    ``refused_reason`` alone are set where the queue did not take the call. ``transfer_target`` says
    what it is in front: ``queue:`` or ``external:``. A leg with ``dialed_at`` is outbound and has
    no wait; ``picked_up_by`` is a ``human`` or a ``machine``.
    """

    contact: int
    number: int
    queue: str
    customer: int
    queued_at: int = 0
    position: int = 1
    offers: list[Offer] = field(default_factory=list)
    answered_at: int | None = None
    holds: list[tuple[int, int]] | None = None
    ended_at: int | None = None
    ended_by: str = ""
    wrapup_ended_at: int | None = None
    transfer_kind: TransferKind | None = None
    transfer_target: str = ""
    abandoned_at: int | None = None
    flowed_out_at: int | None = None
    flowed_out_reason: str = ""
    callback_at: int | None = None
    complaint_at: int | None = None
    before_queue_at: int | None = None
    refused_at: int | None = None
    refused_reason: str = ""
    dialed_at: int | None = None
    connected_at: int | None = None
    picked_up_by: str = ""
    is_waiting: bool = False
    leave_at: int = 0
    leave_as: str = ""


class StateChange(NamedTuple):
    """An agent of a queue entered a state."""

    at: int
    agent: str
    queue: str
    state: AgentState
    reason: str


@dataclass(frozen=True, slots=True)
class FloorDay:
    """Everything that happened on one floor on one day, in no particular order.

    ``dialed`` are the outbound legs, ``dialers`` the states of the agents who had them.
    """

    legs: list[SimulatedLeg]
    states: list[StateChange]
    dialed: list[SimulatedLeg] = field(default_factory=list)
    dialers: list[StateChange] = field(default_factory=list)
