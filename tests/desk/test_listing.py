"""Pages by keyset: whole, in order, and not shifted by what comes meanwhile."""

from __future__ import annotations

import base64
import json

import pytest
from sqlalchemy import Engine

from pipeline.desk.listing import page, whole_id
from pipeline.desk.perform import perform
from pipeline.desk.store import reading
from pipeline.errors import InputError, RecordUnknown
from tests.desk.records import NOON_MS, a_command, a_word, open_case, tell


def alerts_of(store: Engine, limit: int, **where: list[str]) -> list[list[int]]:
    """Return the numbers of the alerts on each page."""
    pages, cursor = [], None
    while True:
        with reading(store) as con:
            found = page(con, "alert", where, limit=limit, cursor=cursor)
        pages.append([int(row["id"], 16) for row in found.records])
        cursor = found.next
        if cursor is None:
            return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 500])
def test_the_pages_together_are_all_records_newest_first(store: Engine, limit: int) -> None:
    # Three of one instant: the id decides.
    tell(store, *(a_word(n, queue=f"q{n}", at_ms=NOON_MS + n // 3) for n in (4, 1, 7, 3, 5, 2, 6)))
    pages = alerts_of(store, limit)
    assert [n for numbers in pages for n in numbers] == [7, 6, 5, 4, 3, 2, 1]
    assert all(len(numbers) == limit for numbers in pages[:-1])
    assert pages[-1]


def test_what_comes_meanwhile_moves_no_page(store: Engine) -> None:
    tell(store, *(a_word(n, queue=f"q{n}") for n in (1, 2, 3, 4)))
    with reading(store) as con:
        first = page(con, "alert", {}, limit=2)
    tell(store, *(a_word(n, queue=f"q{n}") for n in (5, 6)))
    with reading(store) as con:
        second = page(con, "alert", {}, limit=2, cursor=first.next)
    assert [int(row["id"], 16) for row in (*first.records, *second.records)] == [4, 3, 2, 1]


def test_of_what_is_wanted_alone(store: Engine) -> None:
    tell(store, a_word(1), a_word(2, queue="orders"), a_word(3, queue="cards"))
    perform(store, a_command("alert", f"{2:032x}", "acknowledge"))
    assert alerts_of(store, 9, state=["open"]) == [[3, 1]]
    assert alerts_of(store, 9, state=["open"], queue=["orders", "cards"]) == [[3]]
    assert alerts_of(store, 9, queue=["none"]) == [[]]


def test_cases_come_as_they_are_due(store: Engine) -> None:
    for number in (1, 2, 3):
        open_case(store, f"case{number}", number)
    due = {"due_at_ms": NOON_MS, "comment": "soon"}
    perform(store, a_command("case", "case3", "postpone", given=due))
    with reading(store) as con:
        assert [row["id"] for row in page(con, "case", {}, limit=9).records] == [
            *("case3", "case1", "case2"),
        ]
        late = page(con, "case", {}, due_before_ms=NOON_MS + 1, limit=9)
        assert [row["id"] for row in late.records] == ["case3"]


def coded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", coded(7), coded(["case", 1, "a"]), coded(["alert", "1", "a"]), coded(["alert"])],
)
def test_what_is_no_cursor_is_refused(store: Engine, cursor: str) -> None:
    with reading(store) as con, pytest.raises(InputError, match="cursor: expected one that a page"):
        page(con, "alert", {}, limit=1, cursor=cursor)


def test_the_beginning_of_an_id_will_do_if_it_is_one_records(store: Engine) -> None:
    for number, record_id in enumerate(("abcd1", "abcd12", "abce%")):
        open_case(store, record_id, number)
    with reading(store) as con:
        assert whole_id(con, "case", "abcd12") == "abcd12"
        assert whole_id(con, "case", "abcd1") == "abcd1"
        assert whole_id(con, "case", "abce") == "abce%"
        with pytest.raises(InputError, match=r"several begin so: abcd1, abcd12; give more"):
            whole_id(con, "case", "abcd")
        with pytest.raises(InputError, match="expected 4 characters of its id at least"):
            whole_id(con, "case", "abc")
        for nothing in ("abc%", "____", "zzzz"):
            with pytest.raises(RecordUnknown, match="there is no such case"):
                whole_id(con, "case", nothing)
