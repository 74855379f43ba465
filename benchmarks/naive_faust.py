"""The same KPI as Faust's guide teaches it: a Record per event, hopping tables, one per count.

Started by ``stream.py`` for comparison. It does less than Vane's engine: no joining of a leg's
events, no duplicates or disorder, no snapshots; it counts answered and offered events only.
"""

from __future__ import annotations

import os
import sys
import time

import faust

TOPIC, LIMIT = sys.argv[1], int(sys.argv[2])

app = faust.App(
    "naive-" + str(time.time_ns()),
    broker="kafka://" + os.environ["VANE_BOOTSTRAP"],
    store="memory://",
    datadir=os.environ["VANE_HOME"] + "/naive",
    web_enabled=False,
    topic_partitions=4,
    table_standby_replicas=0,
    consumer_auto_offset_reset="earliest",
)


class CallEvent(faust.Record, serializer="json"):
    """The fields that the count needs."""

    type: str
    occurred_at_ms: int
    client: str
    queue: str


events = app.topic(TOPIC, value_type=CallEvent)
offered = app.Table("offered", default=int, partitions=4).hopping(300.0, 60.0, expires=3600.0)
answered = app.Table("answered", default=int, partitions=4).hopping(300.0, 60.0, expires=3600.0)
seen = 0
started = (0.0, 0.0)


@app.agent(events)
async def count(stream: faust.StreamT) -> None:
    """Count offered and answered calls per queue in five-minute windows every minute."""
    global seen, started  # noqa: PLW0603 - as the guide does it
    async for event in stream:
        if not seen:
            started = (time.perf_counter(), time.process_time())
        seen += 1
        if event.type == "queued":
            offered[event.queue] += 1
        elif event.type == "answered":
            answered[event.queue] += 1
        else:
            offered[event.queue] += 0
        if seen == LIMIT:
            wall = time.perf_counter() - started[0]
            cpu = time.process_time() - started[1]
            print(f"RESULT {seen} {wall:.3f} {cpu:.3f}", file=sys.__stdout__, flush=True)
            os._exit(0)


if __name__ == "__main__":
    faust.Worker(app, loglevel="error").execute_from_commandline()
