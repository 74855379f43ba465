"""The KPI as Bytewax's documentation teaches it: a sliding window folded on event time.

Run by ``python -m bytewax.run``; its settings are in the environment. With ``PEER_JOIN`` it joins a
leg's events itself, by a stateful map, instead of reading the wait that the log spares it to join.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow, Stream
from bytewax.operators import KeyedStream

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOP_MS = int(os.environ["PEER_HOP_MS"])
BROKERS = [os.environ["PEER_BOOTSTRAP"]]

Call = tuple[int, int]
"""(epoch ms, whether it was answered within the threshold)."""


def calls(message: KafkaSourceMessage) -> tuple[str, Call] | None:
    """Return what an event counts for, under its queue; None for one that ends no wait."""
    event: dict[str, Any] = json.loads(message.value)
    wait = event.get("wait_ms")
    if wait is None:
        return None
    within = event["type"] == "answered" and wait <= 20_000
    return event["queue_key"], (event["occurred_at_ms"], int(within))


def leg(message: KafkaSourceMessage) -> tuple[str, dict[str, Any]] | None:
    """Return an event that begins or ends a wait, under its leg."""
    event: dict[str, Any] = json.loads(message.value)
    if event["type"] not in ("queued", "answered", "abandoned"):
        return None
    return f"{event['contact_id']}/{event['leg']}", event


Waiting = tuple[int | None, dict[str, Any] | None]
"""When the leg queued, and the event that ended its wait: either may come first."""


def join(known: Waiting | None, event: dict[str, Any]) -> tuple[Waiting | None, Any]:
    """Return what is known of a leg, and its call once both ends of the wait are."""
    queued, ended = known or (None, None)
    if event["type"] == "queued":
        queued = event["occurred_at_ms"]
    else:
        ended = event
    if queued is None or ended is None:
        return (queued, ended), None
    at = ended["occurred_at_ms"]
    within = ended["type"] == "answered" and at - queued <= 20_000
    return None, (ended["queue_key"], (at, int(within)))


def joined(events: Stream) -> KeyedStream:
    """Return calls under their queue, from the events of their legs."""
    legs = op.filter_map("legs", events, leg)
    both = op.stateful_map("join", legs, join)
    return op.filter_map("ended", both, lambda keyed: keyed[1])


def event_time(call: Call) -> datetime:
    """Return the instant that windows go by."""
    return datetime.fromtimestamp(call[0] / 1000, UTC)


def add(counts: tuple[int, int], call: Call) -> tuple[int, int]:
    """Count a call."""
    return counts[0] + 1, counts[1] + call[1]


def merge(left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    """Add counts of windows."""
    return left[0] + right[0], left[1] + right[1]


def record(closed: tuple[str, tuple[int, tuple[int, int]]]) -> KafkaSinkMessage:
    """Return a closed window's record; windows are numbered from the epoch."""
    queue, (number, (n, within)) = closed
    key = f"{queue}|{number * HOP_MS}"
    return KafkaSinkMessage(key.encode(), json.dumps({"n": n, "within": within}).encode())


flow = Dataflow("service_level")
source = op.input("calls", flow, KafkaSource(BROKERS, [os.environ["PEER_INPUT"]], batch_size=1000))
windows = win.fold_window(
    "five_minutes",
    joined(source) if "PEER_JOIN" in os.environ else op.filter_map("counted", source, calls),
    win.EventClock(
        ts_getter=event_time,
        wait_for_system_duration=timedelta(milliseconds=int(os.environ["PEER_GRACE_MS"])),
    ),
    win.SlidingWindower(
        length=timedelta(milliseconds=int(os.environ["PEER_SIZE_MS"])),
        offset=timedelta(milliseconds=HOP_MS),
        align_to=EPOCH,
    ),
    builder=lambda: (0, 0),
    folder=add,
    merger=merge,
    ordered=False,
)
op.output(
    "results",
    op.map("record", windows.down, record),
    KafkaSink(BROKERS, os.environ["PEER_OUTPUT"], add_config={"linger.ms": "5"}),
)
