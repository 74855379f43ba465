"""What the log says of alerts is in the store once, whatever comes again or out of order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, select

from pipeline.desk.alert_intake import Word, take
from pipeline.desk.perform import perform
from pipeline.desk.store import reading, writing
from pipeline.desk.tables import alerts, audit
from pipeline.desk.verify import verify
from tests.desk.records import FIRST, NOON_MS, a_command, a_word, line, tell

TELLING = (alerts.c.id, alerts.c.state, alerts.c.told, alerts.c.told_at_ms)


def told(store: Engine) -> list[tuple[Any, ...]]:
    """Return number, state, the log's newest word and its place in time, of each alert."""
    with reading(store) as con:
        rows: Sequence[Any] = con.execute(select(*TELLING).order_by(alerts.c.id)).all()
    found = [(int(i, 16), state, said, (at - NOON_MS) // 30_000) for i, state, said, at in rows]
    assert verify(store, None, lambda _read, _total: None).problems == []
    return found


def test_a_firing_opens_an_alert_and_an_end_resolves_it(store: Engine) -> None:
    assert tell(store, a_word(1), a_word(2, "resolved")) == [Word.FIRED, Word.RESOLVED]
    assert told(store) == [(1, "resolved", "resolved", 2)]
    with reading(store) as con:
        (row,) = con.execute(select(alerts)).mappings()
    assert json.loads(row["fired_record"]) == a_word(1)
    assert json.loads(row["ended_record"]) == a_word(2, "resolved")


def test_what_was_said_before_changes_nothing(store: Engine) -> None:
    said = [a_word(1), a_word(2, "resolved"), a_word(3)]
    tell(store, *said)
    before = told(store)
    assert tell(store, *said[:2], *said) == [Word.REPEATED] * 5
    assert told(store) == before == [(1, "resolved", "resolved", 2), (3, "open", "firing", 3)]


def test_each_queue_and_rule_is_a_matter_of_its_own(store: Engine) -> None:
    tell(
        store, a_word(1), a_word(2, queue="orders"), a_word(3, rule="waiting"), a_word(4, site="s")
    )
    assert tell(store, a_word(5, "resolved", queue="orders")) == [Word.RESOLVED]
    assert [state for _, state, _, _ in told(store)] == ["open", "resolved", "open", "open"]


def test_what_is_judged_as_one_is_a_matter_of_its_own_too(store: Engine) -> None:
    one = {"scope": "programme", "queue": "", "programme": "retail"}
    tell(
        store, a_word(1, queue="", scope="client"), a_word(2, **one), a_word(3, programme="retail")
    )
    assert tell(store, a_word(4, "resolved", **(one | {"programme": "cards"}))) == [Word.UNMATCHED]
    assert tell(store, a_word(5, "resolved", **one)) == [Word.RESOLVED]
    # A queue that came to another programme is the same queue.
    assert tell(store, a_word(6, "resolved", programme="cards")) == [Word.RESOLVED]
    assert [state for _, state, _, _ in told(store)] == ["open", "resolved", "resolved"]
    with reading(store) as con:
        asked = select(alerts.c.scope, alerts.c.programme).order_by(alerts.c.id)
        assert [tuple(row) for row in con.execute(asked)] == [
            ("client", ""),
            ("programme", "retail"),
            ("queue", "retail"),
        ]


def test_an_end_of_what_is_not_known_or_began_later_is_counted_apart(store: Engine) -> None:
    assert tell(store, a_word(1, "resolved")) == [Word.UNMATCHED]
    assert tell(store, a_word(9), a_word(5, "resolved")) == [Word.FIRED, Word.REPEATED]
    assert told(store) == [(9, "open", "firing", 9)]


def test_another_firing_of_the_same_takes_the_place_of_the_one_that_stands(store: Engine) -> None:
    tell(store, a_word(1))
    perform(store, a_command("alert", FIRST, "acknowledge"))
    assert tell(store, a_word(2, rule_version="other")) == [Word.FIRED]
    assert told(store) == [(1, "resolved", "superseded", 2), (2, "open", "firing", 2)]


def test_an_alert_that_people_closed_stays_closed_when_it_is_over(store: Engine) -> None:
    tell(store, a_word(1))
    perform(store, a_command("alert", FIRST, "acknowledge"))
    perform(store, a_command("alert", FIRST, "close", given={"outcome": "known_cause"}))
    assert tell(store, a_word(2, "resolved")) == [Word.RESOLVED]
    assert told(store) == [(1, "closed", "resolved", 2)]
    with reading(store) as con:
        actions: Sequence[str] = (
            con.execute(select(audit.c.action).order_by(audit.c.seq)).scalars().all()
        )
    assert actions == ["open", "acknowledge", "close", "end"]


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"",
        b"[]",
        b'{"v": 1',
        line(a_word(1, "burning")),
        line(a_word(1, rule="a\x00b")),
        line(a_word(1, client="")),
        line(a_word(1, scope="")),
        line(a_word(1, programme="a\x00b")),
        line(a_word(1, programme=7)),
        line(a_word(1, at_ms="noon")),
        line(a_word(1, alert_id=" ")),
    ],
)
def test_what_is_no_alert_is_counted_and_changes_nothing(store: Engine, raw: bytes | None) -> None:
    with writing(store) as trail:
        assert take(trail, raw, now_ms=NOON_MS) is Word.REJECTED
        assert trail.seq == 0
    assert told(store) == []
