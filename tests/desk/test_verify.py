"""The trail cannot be changed by accident, and not unnoticed on purpose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text

from pipeline.desk.perform import perform
from pipeline.desk.store import reading
from pipeline.desk.tables import audit
from pipeline.desk.trail import Entry
from pipeline.desk.verify import Verdict, verify
from pipeline.errors import InputError
from tests.desk.records import FIRST, a_command, a_word, open_case, tell


def check(store: Engine, noted: str | None = None) -> Verdict:
    return verify(store, noted, lambda _read, _total: None)


@pytest.fixture
def used(store: Engine) -> Engine:
    """A store in which something was decided: seven entries."""
    tell(store, a_word(1), a_word(2, queue="orders"))
    open_case(store)
    perform(store, a_command("alert", FIRST, "acknowledge"))
    perform(store, a_command("case", "k1", "take"))
    tell(store, a_word(3, "resolved"))
    perform(store, a_command("alert", FIRST, "close", given={"outcome": "true_alarm"}))
    return store


def by_force(con: Connection, statement: str) -> None:
    """Change the trail past its guards, as who owns the database can."""
    if con.dialect.name == "postgresql":
        con.execute(text("alter table audit disable trigger user"))
    else:
        for name in ("audit_is_not_changed", "audit_is_not_deleted"):
            con.execute(text(f"drop trigger if exists {name}"))
    con.execute(text(statement))


def rehash(con: Connection, seq: int) -> None:
    """Give an entry the hash of its content."""
    row = con.execute(select(audit).where(audit.c.seq == seq)).mappings().one()
    entry = Entry(**{name: row[name] for name in Entry.__dataclass_fields__})
    by_force(con, f"update audit set hash = '{entry.hash(row['previous_hash'])}' where seq = {seq}")


def test_an_empty_trail_and_one_in_use_are_whole(store: Engine) -> None:
    assert check(store) == Verdict(0, "0" * 64, [])
    open_case(store)
    found = check(store)
    assert (found.seq, found.problems) == (1, [])
    assert found.head == f"1:{found.hash}"


def test_the_hash_is_that_of_all_columns_and_the_hash_before(used: Engine) -> None:
    with reading(used) as con:
        rows = con.execute(select(audit).order_by(audit.c.seq)).all()
    previous: Any = "0" * 64
    for row in rows:
        *said, before, found = row
        text_ = json.dumps([*said, previous], ensure_ascii=False, separators=(",", ":"))
        assert (before, found) == (previous, hashlib.sha256(text_.encode()).hexdigest())
        previous = found


@pytest.mark.parametrize("statement", ["update audit set actor = 'wang'", "delete from audit"])
def test_the_trail_is_append_only(used: Engine, statement: str) -> None:
    with pytest.raises(Exception, match="audit is append-only"), used.begin() as con:
        con.execute(text(statement))
    assert check(used).problems == []


TAMPERED: list[tuple[str, list[str]]] = [
    (
        "update audit set actor = 'wang' where seq = 4",
        [f"entry 4 (acknowledge of alert {FIRST} by wang, 2025-11-11 12:01:00Z): was changed"],
    ),
    ("update audit set given = '{}' where seq = 7", ["entry 7 (close of alert"]),
    (
        "update audit set changes = 'gone' where seq = 2",
        [
            "entry 2 (open of alert",
            *[f"alert {2:032x}: {name} is" for name in ("state", "told", "told_id", "told_at_ms")],
            *[
                f"alert {2:032x}: {name} is"
                for name in ("fired_at_ms", "rule", "severity", "scope")
            ],
            *[
                f"alert {2:032x}: {name} is"
                for name in ("client", "site", "programme", "queue", "subject", "fired_record")
            ],
        ],
    ),
    (
        "delete from audit where seq = 5",
        [
            "entries 5 to 5 are missing",
            "case k1: state is 'in_progress', and the trail says 'open'",
            "case k1: version is 2, and the trail says 1",
            "case k1: owner is 'li', and the trail says None",
        ],
    ),
    (
        "delete from audit where seq = 7",
        [
            "the trail ends at entry 6, and its head says 7, or another hash",
            f"alert {FIRST}: state is 'closed', and the trail says 'resolved'",
            f"alert {FIRST}: version is 4, and the trail says 3",
            f"alert {FIRST}: outcome is 'true_alarm', and the trail says None",
            f"alert {FIRST}: closed_by is 'li', and the trail says None",
            f"alert {FIRST}: closed_at_ms is 1762862460000, and the trail says None",
        ],
    ),
    (
        "update alerts set outcome = 'false_alarm' where state = 'closed'",
        [f"alert {FIRST}: outcome is 'false_alarm', and the trail says 'true_alarm'"],
    ),
    ("delete from cases", ["case k1: is gone, and the trail knows it"]),
    ("update cases set id = 'k9'", ["case k9: the trail says nothing", "case k1: is gone"]),
]


@pytest.mark.parametrize(("statement", "problems"), TAMPERED, ids=[t[0] for t in TAMPERED])
def test_what_was_changed_is_named(used: Engine, statement: str, problems: list[str]) -> None:
    with used.begin() as con:
        by_force(con, statement)
    found = check(used).problems
    assert len(found) == len(problems), found
    for said, expected in zip(found, problems, strict=True):
        assert said.startswith(expected)


def _last_rehashed(con: Connection) -> None:
    by_force(con, "update audit set actor = 'wang' where seq = 7")
    rehash(con, 7)


def _middle_rehashed(con: Connection) -> None:
    by_force(con, "update audit set actor = 'wang' where seq = 4")
    rehash(con, 4)


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (_middle_rehashed, "entry 5 (take of case k1 by li, 2025-11-11 12:01:00Z): does not foll"),
        (_last_rehashed, "the trail ends at entry 7, and its head says 7, or another hash"),
    ],
)
def test_an_entry_that_was_given_a_fitting_hash_is_found_out_by_what_follows(
    used: Engine, forge: Callable[[Connection], None], said: str
) -> None:
    with used.begin() as con:
        forge(con)
    (problem,) = check(used).problems
    assert problem.startswith(said)


def rewrite(con: Connection) -> None:
    """Forge an entry and all that follow, and the head."""
    by_force(con, "update audit set actor = 'wang' where seq = 4")
    rows = con.execute(select(audit).order_by(audit.c.seq)).mappings().all()
    previous: Any = "0" * 64
    for row in rows:
        entry = Entry(**{name: row[name] for name in Entry.__dataclass_fields__})
        found = replace(entry).hash(previous)
        by_force(
            con,
            f"update audit set previous_hash = '{previous}', hash = '{found}' "
            f"where seq = {entry.seq}",
        )
        previous = found
    by_force(con, f"update audit_head set hash = '{previous}'")


def test_a_whole_trail_rewritten_is_found_out_by_a_head_that_was_noted(used: Engine) -> None:
    noted = check(used).head
    perform(used, a_command("alert", FIRST, "comment", given={"comment": "hm"}))
    assert check(used, noted).problems == []
    with used.begin() as con:
        rewrite(con)
    assert check(used).problems == []
    (problem,) = check(used, noted).problems
    assert problem.startswith("entry 7 (close of alert")
    assert problem.endswith("has not the hash that was noted: the trail was rewritten")


def test_a_trail_cut_short_is_found_out_by_a_head_that_was_noted(store: Engine) -> None:
    noted = f"5:{'a' * 64}"
    assert check(store, noted).problems == [
        "entry 5 was noted and is not in the trail: its end was cut off"
    ]
    assert check(store, check(store).head).problems == []


@pytest.mark.parametrize("noted", ["", "5", "5:abc", f"x:{'a' * 64}"])
def test_what_is_no_head_is_refused(store: Engine, noted: str) -> None:
    with pytest.raises(InputError, match="--head: expected SEQ:HASH as vane desk verify printed"):
        check(store, noted)
