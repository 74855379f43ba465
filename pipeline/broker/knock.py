"""Asks a cluster to let us in before anything is begun, and says why it does not.

Clients try again and again, for a minute or for ever, and tell of a wrong password or a foreign
certificate in many lines or in none. Here each is one line, within seconds.
"""

from __future__ import annotations

import ssl
from typing import Final

from aiokafka import errors as kafka_errors
from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest

from pipeline.broker.address import addresses
from pipeline.broker.security import Security
from pipeline.errors import AccessDenied, BrokerUnavailable, PipelineError

_TIMEOUT_MS: Final = 5_000


async def knock(bootstrap: str, security: Security) -> None:
    """Return once a broker has let us in.

    Raises:
        ConfigError: an address is none.
        BrokerUnavailable: no broker answers.
        AccessDenied: one answers and does not let us in.
    """
    why: Exception | None = None
    for host, port in addresses(bootstrap):
        try:
            await _enter(host, port, security)
        except (OSError, OverflowError, kafka_errors.KafkaError) as error:  # no such port number
            reason = _refusal(error, security)
            if reason is not None:
                msg = f"Kafka at {host}:{port} does not let us in: {reason}"
                raise AccessDenied(msg) from error
            why = error
        else:
            return
    raise unavailable(bootstrap, why) from why


def unavailable(bootstrap: str, why: object) -> BrokerUnavailable:
    """Return the error that says that nobody answers, and what to do."""
    said = why if str(why) else repr(why)
    msg = f"no Kafka broker answers at {bootstrap} ({said}); start one: vane kafka start"
    return BrokerUnavailable(msg)


def failure(bootstrap: str, error: Exception) -> PipelineError | None:
    """Return what a client's error means if it is one of authorization, else None."""
    name = type(error).__name__
    if not name.endswith(("AuthorizationFailedError", "AuthorizationFailed")):
        return None
    msg = f"Kafka at {bootstrap} does not allow it: {error}; docs/security.md says what is needed"
    return AccessDenied(msg)


async def _enter(host: str, port: int, security: Security) -> None:
    connection = await create_conn(
        host, port, request_timeout_ms=_TIMEOUT_MS, **security.client_arguments()
    )
    try:
        # What a listener asks for that we do not offer shows at the first real request.
        await connection.send(MetadataRequest([]))
    finally:
        closed = connection.close()
        if closed is not None:
            await closed


def _refusal(error: BaseException, security: Security) -> str | None:
    """Return why we are not let in, or None if there is nobody to do so."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        error = cause
    if isinstance(error, ssl.SSLCertVerificationError):
        trusted = security.ca_file or "this system"
        return f"{error.verify_message}; trusted is what {trusted} says (VANE_KAFKA_CA_FILE)"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason}); we speak {_spoken(security)}"
    if isinstance(error, kafka_errors.SaslAuthenticationFailed):
        who = f"user {security.username!r} by {security.mechanism}"
        return f"{who}: {error.args[0] if error.args else error}"
    if isinstance(error, (ConnectionResetError, kafka_errors.KafkaConnectionError)):
        return f"it hangs up; we speak {_spoken(security)}"
    if isinstance(error, kafka_errors.KafkaError):
        return f"{error}; we speak {_spoken(security)}"
    return None


def _spoken(security: Security) -> str:
    by = f" by {security.mechanism}" if security.uses_sasl else ""
    return f"{security.protocol}{by} (VANE_KAFKA_SECURITY_PROTOCOL)"
