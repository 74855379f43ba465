"""The settings of the local broker: one node, loopback only, nothing replicated."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipeline.errors import InputError

LOOPBACK: Final = "127.0.0.1"

_TEMPLATE: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
# A misspelt topic is an error, not a new topic.
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A worker that starts alone need not wait for others.
group.initial.rebalance.delay.ms=0
# Snapshots of a busy partition, and oversized input records (which end in a dead-letter topic).
message.max.bytes=20971520
replica.fetch.max.bytes=20971520
# Of the default 128 MB the few keys of compacted topics need little.
log.cleaner.dedupe.buffer.size=33554432
"""


def write(path: Path, *, data: Path, port: int, controller_port: int) -> None:
    """Write the settings file.

    Raises:
        InputError: the data folder's path has a comma, at which Kafka would split it.
    """
    if "," in str(data):
        msg = f"VANE_HOME: expected a path without commas (Kafka splits there), got {str(data)!r}"
        raise InputError(msg)
    text = _TEMPLATE.format(
        host=LOOPBACK, port=port, controller=controller_port, data=_escaped(str(data))
    )
    path.write_text(text, encoding="ascii")


def _escaped(value: str) -> str:
    """Return a value as Java's properties files have it: ASCII, with escapes."""
    units = value.encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    plain = range(0x20, 0x7F)
    return "".join(
        chr(code) if code in plain and chr(code) != "\\" else f"\\u{code:04x}" for code in codes
    )
