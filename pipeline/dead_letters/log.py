"""Reads topics from one offset to another by kafka-python, as far as they went at the start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from pipeline.broker.admin import admin
from pipeline.broker.knock import failure, knock, unavailable
from pipeline.broker.security import Security
from pipeline.errors import BrokerUnavailable, InputError

Spans = Mapping[int, range]
"""Offsets by partition."""
Report = Callable[[int, int], None]
"""Told how many offsets have been passed, and how many there are in all."""

_POLL_MS: Final = 500
_STALLED_S: Final = 60.0
_MOST_BYTES: Final = 24 << 20
"""More than the largest record of any dead-letter topic."""


@contextmanager
def consumer(bootstrap: str, security: Security) -> Iterator[Any]:
    """Yield a consumer without a group, which commits nothing.

    Raises:
        BrokerUnavailable: no broker answers, or it goes away inside the block.
        AccessDenied: it does not let us in, or not read or write there.
    """
    with told(bootstrap):
        asyncio.run(knock(bootstrap, security))
        found = KafkaConsumer(
            bootstrap_servers=bootstrap,
            client_id="vane-dlq",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_MOST_BYTES,
            **security.client_arguments(),
        )
        try:
            yield found
        finally:
            found.close()


@contextmanager
def told(bootstrap: str) -> Iterator[None]:
    """Turn a client's errors into ours."""
    try:
        yield
    except KafkaError as error:
        raise (failure(bootstrap, error) or unavailable(bootstrap, error)) from error


def topic_id(bootstrap: str, topic: str, security: Security) -> str:
    """Return the id of a topic, which one that is made anew under the same name does not have.

    Raises:
        InputError: there is no such topic.
    """
    with admin(bootstrap, security) as client:
        for found in client.describe_topics():
            if found["name"] == topic:
                return str(found["topic_id"])
    raise _no_such(topic)


def spans(reader: Any, topic: str, since_ms: int | None = None) -> Spans:  # noqa: ANN401
    """Return what the topic holds, as far as it was appended at ``since_ms`` or later.

    Raises:
        InputError: there is no such topic.
    """
    places = [TopicPartition(topic, p) for p in sorted(reader.partitions_for_topic(topic) or ())]
    if not places:
        raise _no_such(topic)
    starts, ends = reader.beginning_offsets(places), reader.end_offsets(places)
    if since_ms is not None:
        found = reader.offsets_for_times(dict.fromkeys(places, since_ms))
        starts = {tp: ends[tp] if found[tp] is None else found[tp].offset for tp in places}
    return {tp.partition: range(starts[tp], ends[tp]) for tp in places}


def read(reader: Any, topic: str, wanted: Spans, report: Report) -> Iterator[Any]:  # noqa: ANN401
    """Yield the records of the topic that lie within the spans, each partition in order."""
    left = {TopicPartition(topic, p): span for p, span in wanted.items() if span}
    total = sum(map(len, left.values()))
    passed = 0
    report(0, total)
    if not left:
        return
    reader.assign(list(left))
    for tp, span in left.items():
        reader.seek(tp, span.start)
    heard_s = time.monotonic()
    while left:
        fetched = reader.poll(timeout_ms=_POLL_MS)
        for tp, records in fetched.items():
            yield from (r for r in records if tp in left and r.offset in left[tp])
        passed_now = total - sum(_left_of(reader.position(tp), span) for tp, span in left.items())
        left = {tp: span for tp, span in left.items() if reader.position(tp) < span.stop}
        if passed_now > passed:
            passed, heard_s = passed_now, time.monotonic()
            report(passed, total)
        reader.pause(*(reader.assignment() - left.keys()))
        if time.monotonic() - heard_s > _STALLED_S:
            msg = f"no records of {topic} for {_STALLED_S:.0f} s though it goes on"
            raise BrokerUnavailable(msg)


def _left_of(position: int, span: range) -> int:
    return max(0, span.stop - max(position, span.start))


def _no_such(topic: str) -> InputError:
    msg = f"expected the topic {topic!r} to exist; create all topics with: vane topics apply"
    return InputError(msg)
