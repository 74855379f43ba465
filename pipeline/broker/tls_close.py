"""Closes a TLS connection to Kafka at once.

asyncio waits up to 30 s for the other side to agree to the end of a TLS connection, and aiokafka
waits for asyncio; a broker that is stopping, gone or busy thus held up a recovery or a stop by as
much. What aiokafka closes has nothing more to say: whoever waits for an answer has been told.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection

_close = AIOKafkaConnection.close


def _abort_and_close(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - aiokafka's
    writer = self._writer
    if writer is not None and writer.get_extra_info("ssl_object") is not None:
        writer.transport.abort()
    return _close(self, *args, **kwargs)


def close_at_once() -> None:
    """Have every aiokafka connection of this process that speaks TLS closed at once."""
    AIOKafkaConnection.close = _abort_and_close
