"""The API as it is served: a real server on loopback, on a store of each kind."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine

from pipeline.desk.access import Role
from pipeline.desk.token import create
from pipeline.web.app import build
from tests.desk.conftest import bare, server, store, url
from tests.desk.records import a_word, open_case, tell

__all__ = ["bare", "server", "store", "url"]


@contextlib.contextmanager
def served(engine: Engine) -> Iterator[str]:
    """Serve a store; yield the address."""
    config = uvicorn.Config(build(engine), host="127.0.0.1", port=0, log_level="warning")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(30)


@pytest.fixture
def secrets(store: Engine) -> dict[Role, str]:
    """A token of each role; its holder is called by it."""
    until = time.time_ns() // 1_000_000 + 3_600_000
    return {
        role: create(store, str(role), role, actor="root", via="cli", at_ms=1, expires_at_ms=until)
        for role in Role
    }


@pytest.fixture
def address(store: Engine) -> Iterator[str]:
    """A server of a store with two alerts, of which one is over, and a case."""
    tell(store, a_word(1), a_word(2, queue="orders"), a_word(3, "resolved", queue="orders"))
    open_case(store)
    with served(store) as found:
        yield found


@pytest.fixture
def api(address: str, secrets: dict[Role, str]) -> Iterator[httpx.Client]:
    """A client with a leader's token."""
    headers = {"Authorization": f"Bearer {secrets[Role.LEADER]}"}
    with httpx.Client(base_url=f"{address}/api/v1", headers=headers) as client:
        yield client
