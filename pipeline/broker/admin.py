"""A connection to administer a cluster by, or a clear word on why there is none."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from pipeline.errors import BrokerUnavailable, ConfigError

_ADDRESS: Final = re.compile(r"(?P<host>[^\s:]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_CONNECT_TIMEOUT_S: Final = 3
_BOOTSTRAP_TIMEOUT_MS: Final = 8_000
_REQUEST_TIMEOUT_MS: Final = 15_000


@contextmanager
def admin(bootstrap: str) -> Iterator[KafkaAdminClient]:
    """Yield an admin client.

    Raises:
        BrokerUnavailable: no broker answers, or it goes away inside the block.
        ConfigError: the address is not one.
    """
    _check_address(bootstrap)
    client: Any = None
    try:
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=_BOOTSTRAP_TIMEOUT_MS,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
        )
        yield client
    except KafkaError as error:
        if not error.retriable:
            raise
        raise _unavailable(bootstrap, error) from error
    finally:
        if client is not None:
            client.close()


def _check_address(bootstrap: str) -> None:
    """Refuse at once what the client gives up on after many seconds, leaving sockets open."""
    refusal: Exception | None = None
    for address in bootstrap.split(","):
        found = _ADDRESS.fullmatch(address)
        if found is None:
            problem = f"expected host:port, got {address!r}"
            raise ConfigError("environment variable VANE_BOOTSTRAP", problem)
        place = found["host"].strip("[]"), int(found["port"])
        try:
            socket.create_connection(place, _CONNECT_TIMEOUT_S).close()
        except (OSError, OverflowError) as error:  # the latter: no such port number
            refusal = error
        else:
            return
    raise _unavailable(bootstrap, refusal) from refusal


def _unavailable(bootstrap: str, why: object) -> BrokerUnavailable:
    msg = f"no Kafka broker answers at {bootstrap} ({why}); start one: vane kafka start"
    return BrokerUnavailable(msg)
