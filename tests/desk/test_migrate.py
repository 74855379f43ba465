"""The schema is made once, is what the code says, and another release's is refused."""

from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text

from pipeline.desk.migrate import migrate, revisions
from pipeline.desk.perform import perform
from pipeline.desk.store import (
    REVISIONS,
    check_schema,
    engine_of,
    open_store,
    path_of,
    reading,
    revision_of,
)
from pipeline.desk.tables import metadata
from pipeline.desk.verify import verify
from pipeline.errors import SchemaMismatch, StoreUnavailable
from tests import postgres
from tests.desk.conftest import password_of
from tests.desk.records import FIRST, a_command, a_word, open_case, tell


def test_the_store_knows_the_revisions_that_are_shipped() -> None:
    assert revisions() == REVISIONS


def test_migrating_again_changes_nothing(bare: Engine) -> None:
    assert [migrate(bare), migrate(bare), revision_of(bare)] == [None, REVISIONS[-1], REVISIONS[-1]]
    check_schema(bare)


def test_the_migrations_make_what_the_code_expects(store: Engine) -> None:
    with store.connect() as con:
        assert compare_metadata(MigrationContext.configure(con), metadata) == []
        con.execute(text("alter table cases add column surplus text"))
        differences = compare_metadata(MigrationContext.configure(con), metadata)
        assert [str(found[0]) for found in differences] == ["remove_column"]


def test_a_store_of_the_release_before_is_refused_then_migrated_with_all_that_is_in_it(
    bare: Engine, url: str
) -> None:
    assert migrate(bare, REVISIONS[-2]) is None
    with pytest.raises(SchemaMismatch, match=r"is 0001, older than this release's 0002; run: vane"):
        open_store(url, password_of(url))
    tell(bare, a_word(1), a_word(2, queue="orders"))
    open_case(bare)
    perform(bare, a_command("alert", FIRST, "acknowledge"))
    known = [table for table in metadata.sorted_tables if table.name != "tokens"]
    with reading(bare) as con:
        before = {table.name: con.execute(select(table)).all() for table in known}
    assert migrate(bare) == REVISIONS[-2]
    with reading(bare) as con:
        assert before == {table.name: con.execute(select(table)).all() for table in known}
    assert verify(bare, None, lambda _read, _total: None).problems == []
    perform(bare, a_command("case", "k1", "take"))


def test_a_migration_that_fails_changes_nothing(bare: Engine) -> None:
    migrate(bare, REVISIONS[-2])
    with bare.begin() as con:
        con.execute(text("create index uq_tokens_secret_hash on cases (reason)"))
    with pytest.raises(StoreUnavailable, match=r"already exists; nothing was changed"):
        migrate(bare)
    assert revision_of(bare) == REVISIONS[-2]
    with reading(bare) as con:
        assert not inspect(con).has_table("tokens")


def test_two_that_migrate_at_once_make_one_store(bare: Engine, url: str) -> None:
    engines = [engine_of(url, password_of(url)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, engines))
    check_schema(bare)
    with reading(bare) as con:
        assert con.execute(text("select seq from audit_head")).all() == [(0,)]
    for engine in engines:
        engine.dispose()


def test_there_being_no_store_is_said_and_none_is_made(bare: Engine, url: str) -> None:
    with pytest.raises(SchemaMismatch, match="there is no operational store yet; run: vane desk"):
        open_store(url, password_of(url))
    path = path_of(bare)
    assert path is None or not path.exists()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("0000", r"its schema is 0000, newer than this release knows"),
        ("9999", r"its schema is 9999, newer than this release knows \(\d+\); install the release"),
    ],
)
def test_a_store_of_a_release_that_is_not_known_is_refused(
    store: Engine, url: str, found: str, said: str
) -> None:
    with store.begin() as con:
        con.execute(text("update alembic_version set version_num = :found"), {"found": found})
    with pytest.raises(SchemaMismatch, match=said):
        open_store(url, password_of(url))
    with pytest.raises(SchemaMismatch, match=rf"its schema is {found}, newer"):
        migrate(store)
    assert revision_of(store) == found


def test_an_older_store_is_refused_until_it_is_migrated(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.desk.store.REVISIONS", (*REVISIONS, "9999"))
    with pytest.raises(SchemaMismatch, match=r"older than this release's 9999; run: vane desk mig"):
        check_schema(store)


def test_an_embedded_store_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "desk.sqlite"
    engine = engine_of(f"sqlite:///{path}")
    migrate(engine)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with engine.connect() as con:
        assert con.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert con.execute(text("PRAGMA synchronous")).scalar() == 2
    engine.dispose()


def test_a_database_that_does_not_let_us_in_is_named_without_the_password(
    server: postgres.Server,
) -> None:
    engine = engine_of(server.url(), "secret-but-wrong")
    with pytest.raises(StoreUnavailable, match="password authentication failed") as refused:
        migrate(engine)
    assert re.match(r"postgresql\+psycopg://vane:\*\*\*@/postgres\?\S+: ", str(refused.value))
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreUnavailable, match="file is not a database"):
        open_store(f"sqlite:///{path}")
