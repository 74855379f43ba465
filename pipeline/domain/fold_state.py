"""The state of a fold as plain values (for a snapshot), and back.

Contributions are not stored: they are a pure function of the facts and the watermark, so they
are computed again. ``STATE_VERSION`` changes whenever the meaning or the shape does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple, fields
from typing import Any, Final

from pipeline.domain.alert import AlertState, DropRule
from pipeline.domain.closed_legs import MARK_BYTES, ClosedLegs, fingerprint
from pipeline.domain.fold import Leg, PartitionFold
from pipeline.domain.leg import LegFacts
from pipeline.domain.outbox import Counters
from pipeline.domain.target import TargetHistory
from pipeline.domain.watermark import Watermark

STATE_VERSION: Final = 3

Plain = dict[str, Any]
_FACTS = tuple(f.name for f in fields(LegFacts))


def _pairs(plain: list[list[Any]]) -> set[Any]:
    return {(at, agent) for at, agent in plain}


_SHAPES: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("answered", "flowed_out", "transferred", "ended"), tuple),
    **dict.fromkeys(("refused", "connected"), tuple),
    **dict.fromkeys(("offers", "no_answers"), _pairs),
    **dict.fromkeys(("complaints", "before_queue"), set),
    "holds": lambda plain: {seq: (start, end) for seq, start, end in plain},
}
"""What makes of a fact's plain value what it was; the others are plain already."""


def dump(fold: PartitionFold) -> Plain:
    """Return the state as dicts, lists, strings and integers; the outbox must have been taken."""
    numbers = {queue: i for i, queue in enumerate(fold.queues.values())}
    return {
        "state_version": STATE_VERSION,
        "first_offset": fold.first_offset,
        "next_offset": fold.next_offset,
        "watermark_ms": fold.watermark.ms,
        "sources": fold.watermark.sources,
        "next_boundary": fold.next_boundary,
        "next_sweep": fold.next_sweep,
        "next_forget": fold.next_forget,
        "counters": list(astuple(fold.counters)),
        "queues": [
            {
                "key": [q.client, q.site, q.queue],
                "panes": [[[start, *counts] for start, counts in p.items()] for p in q.panes],
                "alerts": {name: [s.firing, s.transitions] for name, s in q.alerts.items()},
            }
            for q in fold.queues.values()
        ],
        "legs": [
            [
                key[0],
                key[1],
                numbers[leg.queue],
                leg.born_ms,
                leg.reopened,
                _dump_facts(leg.facts),
            ]
            for key, leg in fold.legs.items()
        ],
        "closed": [
            _dump_marks(fold.closed.newer),
            _dump_marks(fold.closed.older),
            fold.closed.rotate_at_ms,
        ],
    }


def load(
    plain: Plain,
    history: Callable[[str, str, str], TargetHistory],
    rules: Iterable[DropRule] = (),
) -> PartitionFold:
    """Return the fold that ``dump`` was taken of; raise ValueError for another state version."""
    if plain["state_version"] != STATE_VERSION:
        msg = f"expected state version {STATE_VERSION}, got {plain['state_version']}"
        raise ValueError(msg)
    fold = PartitionFold(history, rules, first_offset=plain["first_offset"])
    fold.next_offset = plain["next_offset"]
    sources = {source: list(seen) for source, seen in plain["sources"].items()}
    fold.watermark = Watermark(plain["watermark_ms"], sources)
    fold.next_boundary = plain["next_boundary"]
    fold.next_sweep = plain["next_sweep"]
    fold.next_forget = plain["next_forget"]
    fold.counters = Counters(*plain["counters"])
    queues = [_load_queue(fold, q) for q in plain["queues"]]
    newer, older, rotate_at_ms = plain["closed"]
    fold.closed = ClosedLegs(_load_marks(newer), _load_marks(older), rotate_at_ms)
    for contact_id, number, queue_index, born_ms, reopened, facts in plain["legs"]:
        queue = queues[queue_index]
        key = (contact_id, number, queue.queue, queue.client, queue.site)
        leg = Leg(_load_facts(facts), queue, born_ms, fingerprint(key), reopened=reopened)
        fold.legs[key] = leg
        fold.resume(leg)
    return fold


def _load_queue(fold: PartitionFold, plain: Plain) -> Any:  # noqa: ANN401 - a QueueState
    queue = fold.queue(*plain["key"])
    for index, panes in enumerate(plain["panes"]):
        for start, *counts in panes:
            queue.open_pane(index, start)[:] = counts
    for name, (firing, transitions) in plain["alerts"].items():
        queue.alerts[name] = AlertState(firing, transitions)
    return queue


def _dump_facts(facts: LegFacts) -> list[Any]:
    values = [getattr(facts, name) for name in _FACTS]
    for i, value in enumerate(values):
        if isinstance(value, set):
            values[i] = sorted(value)
        elif isinstance(value, dict):
            values[i] = [[seq, *hold] for seq, hold in sorted(value.items())]
    return values


def _load_facts(values: list[Any]) -> LegFacts:
    return LegFacts(
        *(
            value if value is None or name not in _SHAPES else _SHAPES[name](value)
            for name, value in zip(_FACTS, values, strict=True)
        )
    )


def _dump_marks(marks: set[bytes]) -> bytes:
    return b"".join(sorted(marks))


def _load_marks(raw: bytes) -> set[bytes]:
    return {raw[i : i + MARK_BYTES] for i in range(0, len(raw), MARK_BYTES)}
