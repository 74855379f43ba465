"""Which row of theirs is taken for which leg of ours, and what the file's habits say."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.reconcile.money import amount
from tests.reconciled import MAPPING, Call, later, rate, reconciled

NOON = "2025-11-05 12:00:00"
CALL = Call(id="c1", at=NOON)
NO_IDS = MAPPING.replace("  source_id: id\n", "")


def test_an_id_goes_before_a_number(tmp_path: Path) -> None:
    """The row named c1 is nearer to c2 in time; it is c1's all the same."""
    other = Call(id="c2", at=later(NOON, seconds=4))
    rows = [CALL.theirs(start=other.at), other.theirs(start=CALL.at)]
    found = reconciled(tmp_path, [CALL, other], rows)
    assert found.pairs == {("c1", 1, 2), ("c2", 1, 3)}
    assert found.matched == {"id": 2}


def test_an_id_used_again_after_more_than_a_day_is_another_call(tmp_path: Path) -> None:
    row = CALL.theirs(start=later(NOON, hours=25, seconds=7), number="13900000009")
    found = reconciled(tmp_path, [CALL], [row])
    assert found.pairs == set()
    assert [v.name for v in found.variances] == ["missing_here", "missing_there"]


def test_legs_are_told_apart_by_their_number_where_the_file_has_it(tmp_path: Path) -> None:
    second = Call(id="c1", leg=2, at=later(NOON, seconds=3))
    mapping = MAPPING.replace("  number:", "  leg: leg\n  number:")
    rows = [second.theirs(leg=2, start=NOON), CALL.theirs(leg=1, start=second.at)]
    found = reconciled(tmp_path, [CALL, second], rows, mapping=mapping)
    assert found.pairs == {("c1", 2, 2), ("c1", 1, 3)}


def test_without_ids_the_nearest_of_a_caller_is_taken_first(tmp_path: Path) -> None:
    second = Call(id="c2", at=later(NOON, seconds=5))
    rows = [second.theirs(start=later(NOON, seconds=4)), CALL.theirs(start=later(NOON, seconds=2))]
    found = reconciled(tmp_path, [CALL, second], rows, mapping=NO_IDS)
    assert found.pairs == {("c2", 1, 2), ("c1", 1, 3)}
    assert (found.matched, found.variances) == ({"time": 2}, [])


def test_of_two_as_near_the_one_as_long_is_taken(tmp_path: Path) -> None:
    second = Call(id="c2", at=NOON, talk_s=300)
    found = reconciled(tmp_path, [CALL, second], [second.theirs(), CALL.theirs()], mapping=NO_IDS)
    assert found.pairs == {("c2", 1, 2), ("c1", 1, 3)}


def test_times_beyond_the_tolerance_are_no_match(tmp_path: Path) -> None:
    call = Call(id="c1", at=NOON, wait_s=60)
    for seconds, pairs in ((5, 1), (6, 0)):
        row = call.theirs(start=later(NOON, seconds=seconds))
        assert len(reconciled(tmp_path, [call], [row], mapping=NO_IDS).pairs) == pairs
    mapping = NO_IDS + "tolerance: {time_s: 6}\n"
    assert len(reconciled(tmp_path, [call], [row], mapping=mapping).pairs) == 1


def test_withheld_numbers_are_matched_by_queue_time_and_duration(tmp_path: Path) -> None:
    hidden = Call(id="h", at=NOON, number="")
    assert len(reconciled(tmp_path, [hidden], [hidden.theirs(id="")]).pairs) == 1
    for other in ({"queue": "orders"}, {"handle": 150}):
        assert reconciled(tmp_path, [hidden], [hidden.theirs(id="", **other)]).pairs == set()


def test_a_call_booked_by_its_end_is_found_by_its_caller(tmp_path: Path) -> None:
    row = CALL.theirs(id="", start=later(NOON, seconds=130))
    found = reconciled(tmp_path, [CALL], [row])
    assert found.matched == {"instant": 1}
    assert [(v.name, v.detail) for v in found.variances] == [("attribution", "time is ended")]


def test_a_file_by_the_time_of_the_answer_is_compared_by_it(tmp_path: Path) -> None:
    mapping = MAPPING.replace("queued_at: start", "answered_at: start")
    row = CALL.theirs(start=later(NOON, seconds=10))
    assert reconciled(tmp_path, [CALL], [row], mapping=mapping).variances == []


def test_shifts_only_of_whole_quarter_hours_up_to_fourteen(tmp_path: Path) -> None:
    for hours, name in ((14, "time_zone"), (0.75, "time_zone"), (0.8, "unexplained")):
        found = reconciled(tmp_path, [CALL], [CALL.theirs(start=later(NOON, hours=hours))])
        assert [v.name for v in found.variances] == [name], hours
    far = CALL.theirs(id="", start=later(NOON, hours=14.25))
    assert reconciled(tmp_path, [CALL], [far]).pairs == set()


def test_a_file_by_utc_lacks_the_calls_of_the_first_morning(tmp_path: Path) -> None:
    """Of a month by UTC the first eight hours here are of October there."""
    calls = [
        Call(id=f"c{i}", at=f"2025-11-{i:02} 15:00:00", number=f"1380000000{i}")
        for i in range(1, 5)
    ]
    first = Call(id="first", at="2025-11-01 06:00:00", number="13900000001")
    rows = [call.theirs(start=later(call.at, hours=-8)) for call in calls]
    found = reconciled(tmp_path, [*calls, first], rows)
    assert {v.name for v in found.variances} == {"time_zone"}
    lone = next(v for v in found.variances if v.ours == ("first/1",))
    assert (lone.lines, amount(lone.shares)) == ((), Decimal("6.80"))


def test_a_leg_booked_by_the_start_of_its_contact(tmp_path: Path) -> None:
    waiting = Call(id="c1", at=NOON, outcome="flowed_out", queue="orders")
    second = Call(id="c1", leg=2, at=later(NOON, seconds=100))
    row = second.theirs(start=NOON)
    found = reconciled(tmp_path, [waiting, second], [row])
    assert [v.name for v in found.variances] == ["leg_vs_contact"]
    mapping = MAPPING.replace("grain: leg", "grain: contact")
    assert reconciled(tmp_path, [waiting, second], [row], mapping=mapping).variances == []


@pytest.mark.parametrize(("talk", "name"), [(120, "definition"), (7, "short_call")])
def test_a_call_that_they_list_and_mark_as_not_paid(tmp_path: Path, talk: int, name: str) -> None:
    mapping = MAPPING.replace("  number:", "  billable: paid\n  number:")
    mapping += "rules: {short_call_s: 10}\nvalues: {billable: {J: true, N: false}}\n"
    call = Call(id="c1", at=NOON, talk_s=talk)
    found = reconciled(tmp_path, [call], [call.theirs(paid="N")], mapping=mapping)
    ((variance),) = found.variances
    assert (variance.name, amount(variance.shares)) == (name, Decimal("6.80"))
    assert variance.detail == "not paid there"


def test_the_habit_of_the_file_decides_between_rounding_and_another_measure(tmp_path: Path) -> None:
    """150 s of talk and 30 s of wrap-up: 180 s are a whole minute more than 140, and the handle.

    The line goes by talk here, so 180 s is either talk rounded up or the handle time.
    """
    talk_line = rate(
        "5.2", "cards", "1.35", kind="per_minute", measure="talk", increment_s=6, minimum_s=30
    )
    tie = Call(id="t", at=NOON, queue="cards", talk_s=150, acw_s=30)
    calls = [
        Call(id=f"c{i}", at=later(NOON, hours=i), queue="cards", talk_s=101 + i, acw_s=33 + i)
        for i in range(1, 4)
    ]
    rounded = [c.theirs(talk=120) for c in calls]
    handled = [c.theirs(talk=c.talk_s + c.acw_s) for c in calls]
    for rows, name in ((rounded, "rounding"), (handled, "definition")):
        found = reconciled(
            tmp_path, [tie, *calls], [tie.theirs(talk=180), *rows], prices=[talk_line]
        )
        assert {v.name for v in found.variances} == {name}
