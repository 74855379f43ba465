"""What happened to a leg once and counts where it happened: hand-overs, RONA, refusals, dialing.

Part of ``outcome.contributions``; apart because few legs have any of it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pipeline.domain.kpi import (
    COMPLAINT_SIGNAL_FIELDS,
    HANDLE_TIME_FIELDS,
    KPI_FIELDS,
    SERVICE_LEVEL_FIELDS,
    pane_start,
)
from pipeline.domain.leg import LegFacts
from pipeline.domain.outbound import Dial, dial
from pipeline.domain.refusal import Refusal, refusal_of

Deltas = tuple[tuple[int, int], ...]

_SERVICE_LEVEL, _HANDLE_TIME, _ = range(len(KPI_FIELDS))
_SL = {name: i for i, name in enumerate(SERVICE_LEVEL_FIELDS)}
_CS = {name: i for i, name in enumerate(COMPLAINT_SIGNAL_FIELDS)}
_NO_ANSWER: Final = ((HANDLE_TIME_FIELDS.index("no_answers"), 1),)
_REFUSED: Final = {kind: ((_SL[f"refused_{kind}"], 1),) for kind in Refusal}
_TRANSFER_KINDS: Final = {"blind": "transfers_blind", "attended": "transfers_attended"}
_TARGET_KINDS: Final = {
    "queue:": "transfers_to_queue",
    "agent:": "transfers_to_agent",
    "external:": "transfers_external",
}


def occurrences(facts: LegFacts) -> tuple[tuple[int, int, Deltas], ...]:
    """Return (KPI index, pane start, deltas) of offers let ring, a refusal and a dialing."""
    parts: list[tuple[int, int, Deltas]] = []
    if facts.queued_at is None:
        if facts.refused is not None:
            at, reason = facts.refused
            parts.append((_SERVICE_LEVEL, pane_start(at), _REFUSED[refusal_of(reason)]))
    elif facts.no_answers is not None:
        parts.extend((_HANDLE_TIME, pane_start(at), _NO_ANSWER) for at, _ in facts.no_answers)
    attempt = dial(facts)
    if attempt is not None:
        parts.append((_SERVICE_LEVEL, pane_start(attempt.dialed_at), _dialed(attempt)))
    return tuple(parts)


@lru_cache(maxsize=4096)  # a contact centre has few targets, and this is asked of every transfer
def transfer_deltas(label: str) -> Deltas:
    """Return what a transfer counts for by its label, ``kind:target``.

    What a target is, it says in front: ``queue:``, ``agent:`` or ``external:``; one that does not
    counts by its kind alone.
    """
    kind, _, target = label.partition(":")
    front, colon, _ = target.partition(":")
    names = ["transfers", _TRANSFER_KINDS.get(kind), _TARGET_KINDS.get(front + colon)]
    return tuple((_CS[name], 1) for name in names if name is not None)


def _dialed(attempt: Dial) -> Deltas:
    counted = {
        "dialed": True,
        "connected": attempt.is_connected,
        "connected_live": attempt.is_live,
        "dialed_answered": attempt.is_answered,
        "dialer_abandoned": attempt.is_abandoned,
    }
    return tuple((_SL[name], 1) for name, counts in counted.items() if counts)
