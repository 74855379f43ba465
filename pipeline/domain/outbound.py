"""What an outbound leg counts for: dialed, reached, put through, or left with nobody to talk to.

Everything is attributed to the instant of dialing, so that no share of a window can exceed 100 %
(Alibaba's connect rate, by event time, can). Decided by events alone, never by time passing: a
reached party counts as abandoned once an answer came too late, or the leg ended without one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.domain.leg import LegFacts

ANSWER_WITHIN_MS: Final = 2_000
"""An agent has to be there within 2 s of the called person's picking up: FTC 16 CFR 310.4(b)(4),
and Ofcom's persistent misuse statements; later, or never, is a dialer abandon."""

MACHINE: Final = "machine"


class Dial(NamedTuple):
    """One attempt; ``is_live``: a person picked up (or the dialer cannot tell)."""

    dialed_at: int
    is_connected: bool
    is_live: bool
    is_answered: bool
    is_abandoned: bool


def dial(facts: LegFacts) -> Dial | None:
    """Return what became of an outbound attempt; None if the leg was not dialed."""
    if facts.dialed_at is None:
        return None
    if facts.connected is None:
        return Dial(facts.dialed_at, False, False, False, False)
    connected_at, by = facts.connected
    is_live = by != MACHINE
    answered = facts.answered
    is_in_time = answered is not None and answered[0] - connected_at <= ANSWER_WITHIN_MS
    is_over = answered is not None or facts.ended is not None or facts.abandoned_at is not None
    return Dial(
        dialed_at=facts.dialed_at,
        is_connected=True,
        is_live=is_live,
        is_answered=answered is not None,
        is_abandoned=is_live and is_over and not is_in_time,
    )
