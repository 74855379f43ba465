"""What the broker says of the partitions of topics: topic id, first offset, end offset."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from pipeline.broker.knock import failure, knock, unavailable
from pipeline.broker.security import PLAINTEXT, Security


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One partition; it holds offsets ``start`` up to, not including, ``end``.

    ``topic`` is our name, ``name`` the broker's (with the deployment's prefix).
    """

    topic: str
    name: str
    partition: int
    topic_id: str
    start: int
    end: int


def describe(bootstrap: str, names: Mapping[str, str], security: Security = PLAINTEXT) -> list[Log]:
    """Return the partitions of those topics that exist; ``names`` maps broker name to ours.

    Raises:
        BrokerUnavailable: no broker answered.
        AccessDenied: it does not let us in, or not read.
    """
    asyncio.run(knock(bootstrap, security))
    client = {"bootstrap_servers": bootstrap, "client_id": "vane"}
    client |= security.client_arguments()
    try:
        admin = KafkaAdminClient(**client)
        try:
            found = [t for t in admin.describe_topics() if t["name"] in names]
        finally:
            admin.close()
        consumer = KafkaConsumer(**client)
        try:
            places = {
                TopicPartition(t["name"], p["partition_index"]): str(t["topic_id"])
                for t in found
                for p in t["partitions"]
            }
            starts = consumer.beginning_offsets(list(places))
            ends = consumer.end_offsets(list(places))
        finally:
            consumer.close()
    except KafkaError as error:
        raise (failure(bootstrap, error) or unavailable(bootstrap, error)) from error
    return [
        Log(
            topic=names[tp.topic],
            name=tp.topic,
            partition=tp.partition,
            topic_id=topic_id,
            start=starts[tp],
            end=ends[tp],
        )
        for tp, topic_id in sorted(places.items())
    ]
