"""Opens the operational store: embedded SQLite, or PostgreSQL by URL.

One writer at a time in both: SQLite by ``BEGIN IMMEDIATE``, PostgreSQL by the lock of the row that
holds the end of the audit trail. So a move sees everything that was decided before it, whatever
the database's isolation, and of two at once one is second. People and alerts are slow: the desk
writes some hundred rows an hour.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline.desk.trail import Trail
from pipeline.errors import SchemaMismatch, StoreUnavailable

REVISIONS: Final = ("0001", "0002")
"""Of the schema, oldest first; a test compares them with the migrations."""

WAIT_S: Final = 30
"""How long a writer waits for the one before it."""
_CONNECT_S: Final = 10
_MIGRATE: Final = "run: vane desk migrate"


def engine_of(url: str, password: str = "") -> Engine:
    """Return an engine for ``sqlite:///PATH`` or ``postgresql://…``; connects to nothing yet."""
    parsed = make_url(url)
    if password:
        parsed = parsed.set(password=password)
    if parsed.get_backend_name() == "sqlite":
        return _embedded(parsed)
    return _server(parsed.set(drivername="postgresql+psycopg"))


def _server(url: URL) -> Engine:
    known = {"connect_timeout": str(_CONNECT_S), "application_name": "vane-desk"}
    said = {name: value for name, value in known.items() if name not in url.query}
    engine = create_engine(url.update_query_dict(said), pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - of the driver
        connection.execute(f"set lock_timeout = '{WAIT_S}s'")
        connection.commit()

    return engine


def _embedded(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": WAIT_S})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - of the driver
        connection.isolation_level = None  # the driver would begin transactions by itself, later
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(con: Connection) -> None:
        is_writer = con.get_execution_options().get("writes", False)
        con.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")

    return engine


def open_store(url: str, password: str = "") -> Engine:
    """Return an engine for a store whose schema is that of this release.

    Raises:
        SchemaMismatch: there is no store, or it is of an older or a newer release.
        StoreUnavailable: the database does not answer.
    """
    engine = engine_of(url, password)
    try:
        check_schema(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def check_schema(engine: Engine) -> None:
    """Make sure that the store's schema is that of this release; raises as ``open_store``."""
    found = revision_of(engine)
    name = name_of(engine)
    if found is None:
        raise SchemaMismatch(f"{name}: there is no operational store yet; {_MIGRATE}")
    if found not in REVISIONS:
        msg = (
            f"{name}: its schema is {found}, newer than this release knows ({REVISIONS[-1]}); "
            "install the release that made it"
        )
        raise SchemaMismatch(msg)
    if found != REVISIONS[-1]:
        msg = (
            f"{name}: its schema is {found}, older than this release's {REVISIONS[-1]}; {_MIGRATE}"
        )
        raise SchemaMismatch(msg)


def revision_of(engine: Engine) -> str | None:
    """Return the revision of the store's schema; None if there is no store."""
    path = path_of(engine)
    if path is not None and not path.exists():
        return None  # to connect would make the file
    with reading(engine) as con:
        if not inspect(con).has_table("alembic_version"):
            return None
        found = con.execute(text("select version_num from alembic_version")).scalar()
        return None if found is None else str(found)


def path_of(engine: Engine) -> Path | None:
    """Return the file of an embedded store; None for a server's."""
    is_embedded = engine.dialect.name == "sqlite"
    return Path(engine.url.database or "") if is_embedded else None


def make_file(engine: Engine) -> None:
    """Make the file of an embedded store, for its owner alone, if it is not there."""
    path = path_of(engine)
    if path is None or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def name_of(engine: Engine) -> str:
    """Return what to call the store in errors: no password."""
    return str(path_of(engine) or engine.url.render_as_string(hide_password=True))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Let something be read, all of it as of one instant.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    with _answering(engine):
        options = {} if path_of(engine) else {"isolation_level": "REPEATABLE READ"}
        with engine.connect().execution_options(**options) as con, con.begin():
            yield con


@contextmanager
def writing(engine: Engine) -> Iterator[Trail]:
    """Let something be written: all of it with the trail of it, or nothing.

    Raises:
        StoreUnavailable: the database does not answer, or another writer does not end.
    """
    with _answering(engine), engine.connect().execution_options(writes=True) as con, con.begin():
        trail = Trail.begin(con)
        yield trail
        trail.end()


@contextmanager
def _answering(engine: Engine) -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable(f"{name_of(engine)}: too many at once; try again") from error
    except DBAPIError as error:
        if not _is_away(error):
            raise
        said = str(error.orig).strip().partition("\n")[0]
        raise StoreUnavailable(f"{name_of(engine)}: {said}; nothing was changed") from error


def _is_away(error: DBAPIError) -> bool:
    """Say whether the database is at fault, and not what we asked of it."""
    if type(error) is DatabaseError:
        return True  # a file that is no database
    wrong_sql = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return isinstance(error, OperationalError) and not wrong_sql
