"""The KPI as Faust's user guide teaches it: a Record per event, one hopping table.

Windows go by event time (``relative_to``). The table's own changelog is read as the results, which
spares Faust writing them a second time. Started by the benchmark; its settings are in the
environment.
"""

from __future__ import annotations

import os
from datetime import timedelta

import faust

SIZE_S = int(os.environ["PEER_SIZE_MS"]) / 1000
HOP_S = int(os.environ["PEER_HOP_MS"]) / 1000

app = faust.App(
    os.environ["PEER_APP"],
    broker="kafka://" + os.environ["PEER_BOOTSTRAP"],
    store="memory://",
    datadir=os.environ["PEER_STATE"],
    processing_guarantee=os.environ.get("PEER_GUARANTEE", "at_least_once"),
    web_enabled=False,
    topic_partitions=4,
    table_standby_replicas=0,
    consumer_auto_offset_reset="earliest",
    producer_linger=0.05,  # at the default of 0 s each changelog record is a request of its own
    broker_session_timeout=10.0,
    broker_heartbeat_interval=3.0,
)


class CallEvent(faust.Record, serializer="json"):
    """The fields that the KPI needs."""

    type: str
    occurred_at_ms: int
    queue_key: str
    wait_ms: int | None = None


class Counts(faust.Record):
    """What a window adds up."""

    n: int = 0
    within: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add two counts."""
        return Counts(n=self.n + other.n, within=self.within + other.within)


events = app.topic(os.environ["PEER_INPUT"], value_type=CallEvent)
service_level = (
    app.Table("service-level", default=Counts, value_type=Counts, partitions=4)
    .hopping(SIZE_S, HOP_S, expires=timedelta(days=3))
    .relative_to(lambda event: event.value.occurred_at_ms / 1000)
)


@app.agent(events)
async def count(stream: faust.StreamT) -> None:
    """Count answered and abandoned calls, and those answered in time, per queue and window."""
    async for event in stream:
        if event.wait_ms is not None:
            within = event.type == "answered" and event.wait_ms <= 20_000
            service_level[event.queue_key] += Counts(n=1, within=int(within))


if __name__ == "__main__":
    app.main()
