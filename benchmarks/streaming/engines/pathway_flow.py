"""The KPI as Pathway's documentation teaches it: ``windowby`` with a sliding window, two sums.

Started by the benchmark; its settings are in the environment. With ``PEER_JOIN`` it joins a leg's
events itself instead of reading the wait that the log spares it to join.
"""

from __future__ import annotations

import os

import pathway as pw

SIZE_MS = int(os.environ["PEER_SIZE_MS"])
HOP_MS = int(os.environ["PEER_HOP_MS"])


class Call(pw.Schema):
    """The fields that the KPI needs."""

    type: str
    occurred_at_ms: int
    queue_key: str
    contact_id: str
    leg: int
    wait_ms: int | None = pw.column_definition(default_value=None)


calls = pw.io.kafka.read(
    {
        "bootstrap.servers": os.environ["PEER_BOOTSTRAP"],
        "group.id": os.environ["PEER_APP"],
        "session.timeout.ms": "10000",
        "auto.offset.reset": "earliest",
    },
    topic=os.environ["PEER_INPUT"],
    schema=Call,
    format="json",
    autocommit_duration_ms=int(os.environ.get("PEER_COMMIT_MS", "100")),
    name="calls",
)
if "PEER_JOIN" in os.environ:
    queued = calls.filter(pw.this.type == "queued")
    ended = calls.filter((pw.this.type == "answered") | (pw.this.type == "abandoned"))
    outcomes = ended.join(
        queued, ended.contact_id == queued.contact_id, ended.leg == queued.leg
    ).select(
        ended.type,
        ended.queue_key,
        ended.occurred_at_ms,
        wait_ms=ended.occurred_at_ms - queued.occurred_at_ms,
    )
else:
    outcomes = calls.filter(pw.this.wait_ms.is_not_none()).with_columns(
        wait_ms=pw.unwrap(pw.this.wait_ms)
    )
counted = outcomes.select(
    queue=pw.this.queue_key,
    at=pw.this.occurred_at_ms,
    within=pw.if_else((pw.this.type == "answered") & (pw.this.wait_ms <= 20_000), 1, 0),
)
windows = counted.windowby(
    pw.this.at,
    window=pw.temporal.sliding(hop=HOP_MS, duration=SIZE_MS, origin=0),
    instance=pw.this.queue,
    # No cutoff: it goes by the newest event of all queues, and would drop those of a partition
    # that is read behind another.
).reduce(
    cell=pw.this._pw_instance + "|" + pw.cast(str, pw.this._pw_window_start),
    n=pw.reducers.count(),
    within=pw.reducers.sum(pw.this.within),
)
keyed = windows.select(
    pw.this.cell,
    value=pw.cast(str, pw.this.n) + "," + pw.cast(str, pw.this.within),
)
pw.io.kafka.write(
    keyed,
    {"bootstrap.servers": os.environ["PEER_BOOTSTRAP"], "linger.ms": "5"},
    topic_name=os.environ["PEER_OUTPUT"],
    format="plaintext",
    key=keyed.cell,
    value=keyed.value,
    name="results",
)

if __name__ == "__main__":
    pw.run(
        monitoring_level=pw.MonitoringLevel.NONE,
        persistence_config=pw.persistence.Config(
            pw.persistence.Backend.filesystem(os.environ["PEER_STATE"]),
            snapshot_interval_ms=1000,
            persistence_mode=pw.PersistenceMode.OPERATOR_PERSISTING
            if os.environ.get("PEER_OPERATOR_STATE")
            else pw.PersistenceMode.PERSISTING,
        ),
    )
