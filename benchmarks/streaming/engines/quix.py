"""The KPI as Quix Streams' documentation teaches it: a hopping window with two sums.

Started by the benchmark; its settings are in the environment. ``PEER_EMIT`` is ``final`` (a window
once it is closed) or ``current`` (each window at each of its events).
"""

from __future__ import annotations

import os
from typing import Any

import quixstreams.dataframe.windows.aggregations as agg
from quixstreams import Application

app = Application(
    broker_address=os.environ["PEER_BOOTSTRAP"],
    consumer_group=os.environ["PEER_APP"],
    auto_offset_reset="earliest",
    processing_guarantee="exactly-once",
    commit_interval=float(os.environ.get("PEER_COMMIT_S", "1")),
    state_dir=os.environ["PEER_STATE"],
    consumer_extra_config={"session.timeout.ms": 10_000},
    # At the default of 60 s a killed worker's open transaction hides all results for a minute.
    producer_extra_config={"linger.ms": 5, "transaction.timeout.ms": 10_000},
    loglevel="WARNING",
)


def event_time(value: dict[str, Any], *_: object) -> int:
    """Windows go by the event's time, not by the broker's."""
    return value["occurred_at_ms"]


def counts(value: dict[str, Any]) -> dict[str, int]:
    """Return what an event adds."""
    within = value["type"] == "answered" and value["wait_ms"] <= 20_000
    return {"n": 1, "within": int(within)}


calls = app.topic(
    os.environ["PEER_INPUT"],
    key_deserializer="str",
    value_deserializer="json",
    timestamp_extractor=event_time,
)
results = app.topic(os.environ["PEER_OUTPUT"], key_serializer="str", value_serializer="json")

windows = (
    app.dataframe(calls)
    .filter(lambda value: "wait_ms" in value)
    .apply(counts)
    .hopping_window(
        int(os.environ["PEER_SIZE_MS"]),
        int(os.environ["PEER_HOP_MS"]),
        grace_ms=int(os.environ["PEER_GRACE_MS"]),
    )
    .agg(n=agg.Sum("n"), within=agg.Sum("within"))
)
sdf = windows.current() if os.environ["PEER_EMIT"] == "current" else windows.final()


def named(value: dict[str, Any], key: str, *_: object) -> dict[str, Any]:
    """Name the window by its queue and start: the key of its result."""
    return {"cell": f"{key}|{value['start']}", "n": value["n"], "within": value["within"]}


sdf.apply(named, metadata=True).to_topic(results, key=lambda value: value["cell"])

if __name__ == "__main__":
    app.run()
