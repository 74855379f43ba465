"""A store of each kind, empty for every test: embedded, and on a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipeline.desk.migrate import migrate
from pipeline.desk.store import engine_of
from tests import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server that lives as long as the test session."""
    with postgres.server() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a database with nothing in it; the password is apart."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.sqlite'}"
    found: postgres.Server = request.getfixturevalue("server")
    return found.create(f"desk_{uuid.uuid4().hex}")


def password_of(url: str) -> str:
    """Return the password that goes with an address."""
    return postgres.PASSWORD if url.startswith("postgresql") else ""


@pytest.fixture
def bare(url: str) -> Iterator[Engine]:
    """A database without a schema."""
    engine = engine_of(url, password_of(url))
    yield engine
    engine.dispose()


@pytest.fixture
def store(bare: Engine) -> Engine:
    """A store of this release, with nothing in it."""
    migrate(bare)
    return bare
