"""A connection to administer a cluster by, or a clear word on why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from pipeline.broker.knock import failure, knock, unavailable
from pipeline.broker.security import PLAINTEXT, Security

_BOOTSTRAP_TIMEOUT_MS: Final = 8_000
_REQUEST_TIMEOUT_MS: Final = 15_000


@contextmanager
def admin(bootstrap: str, security: Security = PLAINTEXT) -> Iterator[KafkaAdminClient]:
    """Yield an admin client.

    Raises:
        BrokerUnavailable: no broker answers, or it goes away inside the block.
        AccessDenied: it does not let us in, or not do what is asked.
        ConfigError: the address is not one.
    """
    # Refused at once is what the client gives up on after many seconds, leaving sockets open.
    asyncio.run(knock(bootstrap, security))
    client: Any = None
    try:
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=_BOOTSTRAP_TIMEOUT_MS,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
            **security.client_arguments(),
        )
        yield client
    except KafkaError as error:
        denied = failure(bootstrap, error)
        if denied is not None:
            raise denied from error
        if not error.retriable:
            raise
        raise unavailable(bootstrap, error) from error
    finally:
        if client is not None:
            client.close()
