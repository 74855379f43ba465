"""Brings the store's schema to this release's: whole or not at all, and again changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from pipeline.desk.store import REVISIONS, make_file, name_of, path_of, revision_of
from pipeline.errors import SchemaMismatch, StoreUnavailable

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x56414E45
"""Of two that migrate a server's store at once, one waits here: VANE."""


def migrate(engine: Engine, to: str = REVISIONS[-1]) -> str | None:
    """Bring the schema to a revision; return the one it had, None where there was no store.

    Raises:
        SchemaMismatch: the store is of a newer release.
        StoreUnavailable: the database does not answer, or does not let us.
    """
    make_file(engine)
    before = revision_of(engine)
    if before is not None and before not in REVISIONS:
        msg = (
            f"{name_of(engine)}: its schema is {before}, newer than this release's {REVISIONS[-1]}"
        )
        raise SchemaMismatch(msg)
    try:
        if path_of(engine):
            with (
                engine.connect() as con
            ):  # for good: readers and a writer do not wait for each other
                con.connection.execute("PRAGMA journal_mode = WAL")
        with engine.connect().execution_options(writes=True) as con, con.begin():
            _upgrade(con, to)
    except DBAPIError as error:
        said = str(error.orig).strip().partition("\n")[0]
        raise StoreUnavailable(f"{name_of(engine)}: {said}; nothing was changed") from error
    return before


def _upgrade(con: Connection, to: str) -> None:
    if con.dialect.name == "postgresql":
        con.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = configuration()
    config.attributes["connection"] = con
    command.upgrade(config, to)


def configuration() -> Config:
    """Return alembic's configuration: the migrations that are shipped with the package."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def revisions() -> tuple[str, ...]:
    """Return the revisions that the migrations make, oldest first."""
    script = ScriptDirectory.from_config(configuration())
    return tuple(found.revision for found in reversed(list(script.walk_revisions())))
