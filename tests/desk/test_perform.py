"""A command is done once, whole, by one of two; or refused, and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, select

from pipeline.desk.perform import Done, find, perform
from pipeline.desk.store import engine_of, reading, writing
from pipeline.desk.tables import metadata
from pipeline.desk.trail import Entry, entries
from pipeline.errors import InputError, KeyReused, MoveRefused, RecordUnknown, StaleVersion
from tests.desk.conftest import password_of
from tests.desk.records import FIRST, NOON_MS, a_command, a_word, open_case, tell


def everything(store: Engine) -> dict[str, list[Any]]:
    """Return all rows of all tables."""
    with reading(store) as con:
        return {t.name: list(con.execute(select(t)).all()) for t in metadata.sorted_tables}


def record(store: Engine, kind: str, record_id: str) -> dict[str, Any]:
    with reading(store) as con:
        return dict(find(con, kind, record_id))


def history(store: Engine, kind: str, record_id: str) -> list[Entry]:
    with reading(store) as con:
        return entries(con, kind, record_id)


def test_a_move_changes_the_record_and_says_who_what_when_from_and_to(store: Engine) -> None:
    tell(store, a_word(1))
    done = perform(store, a_command("alert", FIRST, "acknowledge", given={"comment": "on it"}))
    assert not done.is_repeated
    assert done.record == record(store, "alert", FIRST)
    assert (done.record["state"], done.record["version"]) == ("acknowledged", 2)
    assert (done.record["acknowledged_by"], done.record["acknowledged_at_ms"]) == (
        "li",
        NOON_MS + 60_000,
    )
    opened, acknowledged = history(store, "alert", FIRST)
    assert (opened.actor, opened.via, opened.action) == ("vane", "log", "open")
    assert (acknowledged.actor, acknowledged.via, acknowledged.action) == (
        "li",
        "cli",
        "acknowledge",
    )
    assert (acknowledged.seq, acknowledged.version, acknowledged.at_ms) == (2, 2, NOON_MS + 60_000)
    assert json.loads(acknowledged.given) == {"comment": "on it"}
    assert json.loads(acknowledged.changes) == {
        "state": ["open", "acknowledged"],
        "acknowledged_by": [None, "li"],
        "acknowledged_at_ms": [None, NOON_MS + 60_000],
    }


def test_the_whole_life_of_a_case(store: Engine) -> None:
    open_case(store)
    due = NOON_MS + 99
    for number, (action, given, state) in enumerate(
        [
            ("take", {}, "in_progress"),
            ("assign", {"owner": "wang"}, "in_progress"),
            ("postpone", {"due_at_ms": due, "comment": "on holiday"}, "in_progress"),
            ("close", {"outcome": "averted"}, "closed"),
            ("comment", {"comment": "sent flowers"}, "closed"),
        ]
    ):
        command = a_command("case", "k1", action, key=str(number), given=given)
        assert perform(store, command).record["state"] == state
    found = record(store, "case", "k1")
    assert (found["owner"], found["due_at_ms"], found["outcome"]) == ("wang", due, "averted")
    assert (found["closed_by"], found["version"]) == ("li", 6)


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"action": "close"}, MoveRefused, "'close' is not possible; allowed: acknowledge, assign"),
    ({"action": "assign"}, MoveRefused, "expected owner, got nothing"),
    ({"action": "acknowledge", "version": 7}, StaleVersion, "expected version 7, it is 1 by now"),
    ({"action": "acknowledge", "record_id": "x"}, RecordUnknown, "alert 'x': there is no such"),
    ({"action": "acknowledge", "actor": ""}, InputError, "actor: expected a text, got ''"),
    ({"action": "acknowledge", "key": "a\x00"}, InputError, "key: expected a text"),
]


@pytest.mark.parametrize(("own", "error", "said"), REFUSED, ids=[r[2] for r in REFUSED])
def test_what_is_refused_changes_nothing_at_all(
    store: Engine, own: dict[str, Any], error: type[Exception], said: str
) -> None:
    tell(store, a_word(1))
    before = everything(store)
    with pytest.raises(error, match=said):
        perform(store, a_command(**({"kind": "alert", "record_id": FIRST} | own)))
    assert everything(store) == before


def test_a_refusal_names_who_was_faster_and_when(store: Engine) -> None:
    tell(store, a_word(1))
    perform(store, a_command("alert", FIRST, "acknowledge"))
    with pytest.raises(MoveRefused) as refused:
        perform(store, a_command("alert", FIRST, "acknowledge", actor="wang"))
    assert str(refused.value).endswith("version 2: acknowledge by li, 2025-11-11 12:01:00Z")
    error = refused.value
    assert (error.by, error.at_ms, error.state, error.version) == (
        *("li", NOON_MS + 60_000, "acknowledged", 2),
    )
    assert error.allowed == ("assign", "close", "comment")


def test_a_command_that_comes_again_is_not_done_again(store: Engine) -> None:
    tell(store, a_word(1))
    command = a_command("alert", FIRST, "comment", given={"comment": "hm"}, version=1)
    first = perform(store, command)
    perform(store, a_command("alert", FIRST, "acknowledge"))
    before = everything(store)
    again = perform(store, command)
    assert (first.is_repeated, again.is_repeated) == (False, True)
    assert (again.entry, again.record["state"]) == (first.entry, "acknowledged")
    assert everything(store) == before


@pytest.mark.parametrize(
    "own",
    [
        {"given": {"comment": "other"}},
        {"action": "acknowledge", "given": {}},
        {"record_id": f"{2:032x}"},
    ],
)
def test_a_key_is_one_commands(store: Engine, own: dict[str, Any]) -> None:
    tell(store, a_word(1), a_word(2, queue="orders"))
    known: dict[str, Any] = {"kind": "alert", "record_id": FIRST, "action": "comment", "key": "k"}
    known |= {"given": {"comment": "hm"}}
    perform(store, a_command(**known))
    before = everything(store)
    with pytest.raises(
        KeyReused, match="key 'k': li used it already, for another command: comment"
    ):
        perform(store, a_command(**(known | own)))
    assert everything(store) == before


def test_keys_of_other_people_and_ways_are_others(store: Engine) -> None:
    tell(store, a_word(1))
    said = {"key": "k", "given": {"comment": "hm"}}
    for own in ({}, {"actor": "wang"}, {"via": "api"}):
        assert not perform(store, a_command("alert", FIRST, "comment", **said, **own)).is_repeated


def test_one_case_of_a_customer_is_alive_whoever_reopens_the_other(store: Engine) -> None:
    open_case(store, "k1")
    perform(store, a_command("case", "k1", "close", given={"outcome": "averted"}))
    open_case(store, "k2")
    before = everything(store)
    with pytest.raises(MoveRefused, match=r"another case stands in its place; version 2: close by"):
        perform(store, a_command("case", "k1", "reopen"))
    assert everything(store) == before


def at_once(url: str, store: Engine, *commands: Callable[[Engine], Done]) -> list[Future[Done]]:
    """Run commands that have all begun before any can end, each on its own connection."""
    engines = [engine_of(url, password_of(url)) for _ in commands]
    with ThreadPoolExecutor(len(commands)) as pool, writing(store):  # they wait for us
        ran = [pool.submit(run, engine) for run, engine in zip(commands, engines, strict=True)]
        assert not any(found.done() for found in ran)
    for engine in engines:
        engine.dispose()
    return ran


def test_of_two_at_once_exactly_one_wins_and_the_other_is_told_who_and_when(
    store: Engine, url: str
) -> None:
    tell(store, a_word(1))
    open_case(store)
    for kind, record_id, action in (("alert", FIRST, "acknowledge"), ("case", "k1", "take")):
        commands = {
            who: a_command(kind, record_id, action, actor=who, at_ms=NOON_MS + 1_000 * i)
            for i, who in enumerate(("li", "wang", "chen"))
        }
        ran = at_once(url, store, *(lambda e, c=c: perform(e, c) for c in commands.values()))
        won = [found.result() for found in ran if found.exception() is None]
        lost = [found.exception() for found in ran if found.exception() is not None]
        assert (len(won), len(lost)) == (1, 2)
        winner = won[0].entry.actor
        for error in lost:
            assert isinstance(error, MoveRefused)
            assert (error.by, error.at_ms) == (winner, commands[winner].at_ms)
        assert [e.actor for e in history(store, kind, record_id)[1:]] == [winner]


def test_of_two_who_saw_the_same_version_one_wins(store: Engine, url: str) -> None:
    tell(store, a_word(1))
    ran = at_once(
        url,
        store,
        *(
            lambda e, who=who: perform(
                e,
                a_command("alert", FIRST, "assign", actor=who, given={"owner": who}, version=1),
            )
            for who in ("li", "wang")
        ),
    )
    lost = [found.exception() for found in ran if found.exception() is not None]
    assert [type(error) for error in lost] == [StaleVersion]
    assert record(store, "alert", FIRST)["owner"] == history(store, "alert", FIRST)[1].actor


def test_the_same_command_twice_at_once_is_done_once(store: Engine, url: str) -> None:
    tell(store, a_word(1))
    command = a_command("alert", FIRST, "acknowledge")
    ran = at_once(url, store, *[lambda e: perform(e, command)] * 2)
    assert sorted(found.result().is_repeated for found in ran) == [False, True]
    assert len(history(store, "alert", FIRST)) == 2
