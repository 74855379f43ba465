"""Faust as its guide teaches it, with what ``CASE`` names. Run as a module by a test.

Each event is a number. What was processed is appended to ``PROCESSED``, a number per line.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import faust

CASE, TOPIC = os.environ["CASE"], os.environ["TOPIC"]
PROCESSED = Path(os.environ["PROCESSED"])
RAISES_AT = 300
EXITS_AT = 700

app = faust.App(
    f"{TOPIC}-{CASE}",
    broker=f"kafka://{os.environ['BOOTSTRAP']}",
    datadir=os.environ["DATADIR"],
    web_enabled=False,
    topic_partitions=1,
    topic_replication_factor=1,
    topic_disable_leader=True,
    table_standby_replicas=0,
    consumer_auto_offset_reset="earliest",
    broker_commit_interval=60.0 if CASE == "table" else 0.5,
    broker_session_timeout=6.0,
    broker_heartbeat_interval=2.0,
)
topic = app.topic(TOPIC, value_type=int, value_serializer="json")


def processed(*numbers: int) -> None:
    with PROCESSED.open("a") as out:
        out.writelines(f"{number}\n" for number in numbers)


def take() -> None:
    raised: list[bool] = []

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def agent(stream: Any) -> None:
        async for batch in stream.take(50, within=0.5):
            if RAISES_AT in batch and not raised:
                raised.append(True)
                raise ValueError(RAISES_AT)
            processed(*batch)


def one_by_one() -> None:
    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def agent(stream: Any) -> None:
        async for number in stream:
            if number == RAISES_AT:
                raise ValueError(number)
            processed(number)


def table() -> None:
    counts = app.Table("counts", default=int)
    seen = []

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def agent(stream: Any) -> None:
        async for _ in stream:
            counts["all"] += 1
            seen.append(True)
            processed(counts["all"])
            if len(seen) == EXITS_AT and "AGAIN" not in os.environ:
                await app.producer.flush()
                os._exit(1)


def hopping() -> None:
    counts = app.Table("counts", default=int).hopping(size=60, step=12, expires=timedelta(hours=1))

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def agent(stream: Any) -> None:
        async for number in stream:
            counts["all"] += 1
            processed(number)


CASES: dict[str, Callable[[], None]] = {
    "take": take,
    "one by one": one_by_one,
    "poison": one_by_one,
    "table": table,
    "hopping": hopping,
}

if __name__ == "__main__":
    CASES[CASE.replace("-", " ")]()
    app.main()
