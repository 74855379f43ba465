"""A TLS connection is closed at once, though the broker does not agree to its end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn

from pipeline.broker import tls_close
from pipeline.broker.security import Security
from tests.integration.secure import write_certificates

SILENT_FOR_S = 3.0
"""asyncio gives up after 30 s; that is how it was."""


@dataclass
class Silent:
    """A TLS server that says nothing after the handshake, not even goodbye, until it is told."""

    port: int
    ca_file: Path
    ended: threading.Event


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    async def no_question(_: AIOKafkaConnection) -> None:
        """It would not be answered."""

    monkeypatch.setattr(AIOKafkaConnection, "_do_version_lookup", no_question)
    ca_file = write_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "broker.pem")
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                entered, _ = server.accept()
                with context.wrap_socket(entered, server_side=True):
                    ended.wait(60)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Silent(server.getsockname()[1], ca_file, ended)
        ended.set()
        thread.join(10)


async def closes(silent: Silent) -> bool:
    """Say whether a connection that is closed is so before the server has ended."""
    security = Security(protocol="SSL", ca_file=silent.ca_file)
    connection = await create_conn("127.0.0.1", silent.port, **security.client_arguments())
    closed: Any = connection.close()
    done, _ = await asyncio.wait([closed], timeout=SILENT_FOR_S)
    silent.ended.set()
    await closed
    return bool(done)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_broker_that_says_nothing_does_not_hold_up_the_end(
    silent: Silent, loop_factory: Any
) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(closes(silent))


def test_without_it_the_end_is_waited_for(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AIOKafkaConnection, "close", tls_close._close)
    monkeypatch.setattr("pipeline.broker.security.close_at_once", lambda: None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert not runner.run(closes(silent))
