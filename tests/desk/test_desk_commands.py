"""``vane desk``, ``vane alerts`` and ``vane cases`` as people and scripts use them."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.errors import (
    InputError,
    KeyReused,
    MoveRefused,
    PipelineError,
    SchemaMismatch,
    StaleVersion,
    TerminalError,
)
from tests.desk.conftest import password_of
from tests.desk.records import FIRST, NOON_MS, a_word, open_case, tell
from tests.postgres import PASSWORD


class Vane:
    """Runs commands against one store."""

    def __init__(self, url: str, home: Path) -> None:
        self.env = {"VANE_DESK_URL": url, "VANE_DESK_PASSWORD": password_of(url)}
        self.env |= {"VANE_HOME": str(home), "COLUMNS": "200"}

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=self.env)

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def refused(self, *arguments: str) -> PipelineError:
        done = self.run(*arguments)
        assert isinstance(done.exception, PipelineError), (done.output, done.exception)
        return done.exception


@pytest.fixture
def vane(store: Engine, url: str, tmp_path: Path) -> Vane:
    """Two alerts, of which one is over, and a case."""
    tell(store, a_word(1), a_word(2, queue="orders"), a_word(3, "resolved", queue="orders"))
    open_case(store, "case1")
    return Vane(url, tmp_path)


def test_a_store_is_made_once_and_checked(bare: Engine, url: str, tmp_path: Path) -> None:
    vane = Vane(url, tmp_path)
    assert isinstance(vane.refused("alerts", "list"), SchemaMismatch)
    assert vane("desk", "migrate").endswith("made, from nothing\n")
    assert vane("desk", "migrate").endswith("was there already\n")
    said = vane("desk", "verify")
    assert said.startswith("0 entries, unbroken; records are as they say; ends at 0:000")
    said = vane("desk", "migrate")
    assert url.partition("?")[0].rpartition("/")[2] in said
    assert PASSWORD not in said


def test_a_trail_that_was_changed_ends_the_check_with_an_error(vane: Vane, store: Engine) -> None:
    head = vane("desk", "verify").split()[-1]
    assert "unbroken" in vane("desk", "verify", "--head", head)
    with store.begin() as con:
        con.execute(text("update cases set owner = 'nobody'"))
    done = vane.run("desk", "verify")
    assert "case case1: owner is 'nobody', and the trail says None" in done.stderr
    assert isinstance(done.exception, TerminalError)
    assert str(done.exception).endswith(": 1 problems")


def test_alerts_are_listed_newest_first_for_people_and_programs(vane: Vane) -> None:
    lines = vane("alerts", "list").splitlines()
    assert [line.split()[0] for line in lines if " page " in line] == ["00000000", "00000000"]
    assert "resolved, over" in lines[3]
    assert "Service level of acme/service fell to 50 % over 5 min" in lines[4]
    found = vane.json("alerts", "list", "--state", "open")
    assert found["next"] is None
    (alert,) = found["records"]
    assert (alert["id"], alert["version"], alert["fired_at_ms"]) == (FIRST, 1, NOON_MS + 30_000)
    assert alert["allowed"] == ["acknowledge", "assign", "comment"]
    first = vane.json("alerts", "list", "--limit", "1")
    (rest,) = vane.json("alerts", "list", "--cursor", first["next"])["records"]
    assert rest["id"] == FIRST
    assert "the first 1; there are more: --limit" in vane("alerts", "list", "--limit", "1")


def test_the_life_of_an_alert_by_hand(vane: Vane) -> None:
    said = vane("alerts", "ack", FIRST, "--as", "li", "-m", "calling in two")
    assert said == f"{FIRST}  acknowledge by li: acknowledged (version 2)\n"
    assert "owner wang (version 3)" in vane("alerts", "assign", FIRST, "--to", "wang")
    vane("alerts", "comment", FIRST, "-m", "two came")
    said = vane("alerts", "close", FIRST, "--outcome", "true_alarm", "--as", "wang")
    assert "close by wang: closed, owner wang, outcome true_alarm (version 5)" in said
    assert FIRST not in [a["id"] for a in vane.json("alerts", "list")["records"]]
    found = vane.json("alerts", "show", FIRST)
    assert [(e["actor"], e["action"], e["comment"]) for e in found["history"]] == [
        ("vane", "open", None),
        ("li", "acknowledge", "calling in two"),
        (getpass.getuser(), "assign", None),
        (getpass.getuser(), "comment", "two came"),
        ("wang", "close", None),
    ]
    assert found["fired_record"] == a_word(1)
    shown = vane("alerts", "show", FIRST)
    assert "state: acknowledged → closed" in shown
    assert "possible now       comment, reopen" in shown
    (again,) = vane.json("alerts", "reopen", FIRST)
    assert (again["state"], again["owner"], again["outcome"]) == ("open", "wang", None)


def test_the_life_of_a_case_by_hand(vane: Vane) -> None:
    assert "waited 252 s (+1.408)" in vane("cases", "list")
    assert "case1" in vane("cases", "list", "--overdue")
    assert "take by li: in_progress, owner li" in vane("cases", "take", "case1", "--as", "li")
    (found,) = vane.json("cases", "postpone", "case1", "--by", "2d", "-m", "on holiday")
    assert found["due_at_ms"] > NOON_MS + 2 * 86_400_000
    assert "case1" not in vane("cases", "list", "--overdue")
    vane("cases", "assign", "case1", "--to", "wang", "--version", "3")
    vane("cases", "comment", "case1", "-m", "called")
    assert "outcome averted" in vane("cases", "close", "case1", "--outcome", "averted")
    assert vane.json("cases", "list") == {"records": [], "next": None}
    assert len(vane.json("cases", "show", "case1")["history"]) == 6
    assert "open (version 7)" in vane("cases", "reopen", "case1")


REFUSED: list[tuple[tuple[str, ...], type[PipelineError], str]] = [
    (("alerts", "close", FIRST, "--outcome", "duplicate"), MoveRefused, "'close' is not possible"),
    (("alerts", "assign", FIRST, "--to", "li", "--version", "9"), StaleVersion, "it is 1 by now"),
    (("alerts", "assign", FIRST, "--to", ""), MoveRefused, "owner: expected a text"),
    (("alerts", "ack", "0000"), InputError, "several begin so"),
    (("alerts", "ack", FIRST, "--as", " "), InputError, "actor: expected a text"),
    (("alerts", "list", "--cursor", "x"), InputError, "cursor: expected one"),
    (("cases", "postpone", "case1", "--by", "2w", "-m", "x"), InputError, "--by: expected a time"),
]


@pytest.mark.parametrize(("arguments", "error", "said"), REFUSED, ids=[r[2] for r in REFUSED])
def test_what_cannot_be_is_refused_in_words(
    vane: Vane, arguments: tuple[str, ...], error: type[PipelineError], said: str
) -> None:
    found = vane.refused(*arguments)
    assert type(found) is error
    assert said in str(found)


def test_a_wrong_outcome_is_refused_and_the_right_ones_are_named(vane: Vane) -> None:
    done = vane.run("alerts", "close", FIRST, "--outcome", "averted")
    assert done.exit_code == 2
    assert "'true_alarm'" in done.stderr


def test_several_are_moved_all_or_none(vane: Vane) -> None:
    both = (FIRST, f"{2:032x}")
    error = vane.refused("alerts", "ack", *both)
    assert "alert is resolved: 'acknowledge' is not possible" in str(error)
    assert [a["version"] for a in vane.json("alerts", "list")["records"]] == [2, 1]
    moved = vane.json("alerts", "assign", *both, "--to", "li", "--key", "k")
    assert [found["owner"] for found in moved] == ["li", "li"]
    again = vane("alerts", "assign", *both, "--to", "li", "--key", "k")
    assert again.count("as it was before") == 2


def test_a_script_that_runs_again_with_its_key_does_nothing_new(vane: Vane) -> None:
    vane("alerts", "ack", FIRST, "--key", "shift-7")
    assert "as it was before: acknowledged (version 2)" in vane(
        "alerts", "ack", FIRST, "--key", "shift-7"
    )
    error = vane.refused("alerts", "comment", FIRST, "-m", "hm", "--key", "shift-7")
    assert isinstance(error, KeyReused)


def test_a_user_without_a_name_has_to_say_who_he_is(
    vane: Vane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise OSError

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert "--as: expected a name" in str(vane.refused("alerts", "ack", FIRST))
    vane("alerts", "ack", FIRST, "--as", "li")


@pytest.mark.parametrize(
    "words",
    [
        *(("alerts", verb) for verb in ("list", "show", "ack", "assign", "comment", "close")),
        *(("cases", verb) for verb in ("list", "show", "take", "assign", "postpone", "comment")),
        *(("alerts", "reopen"), ("cases", "close"), ("cases", "reopen")),
        *(("desk", verb) for verb in ("migrate", "verify", "follow")),
        ("wind-vane", "open-cases"),
    ],
)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"], env=os.environ | {"COLUMNS": "100"})
    assert done.exit_code == 0
    assert f"vane {words[0]} " in done.stdout.partition("Example")[2]
