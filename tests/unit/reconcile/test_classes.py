"""Each class of variance on calls made by hand: what it is called and what it is worth."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.reconcile.bridge import Status
from pipeline.reconcile.money import amount
from tests.reconciled import MAPPING, Call, Reconciled, later, reconciled

NOON = "2025-11-05 12:00:00"
CALL = Call(id="c1", at=NOON)
CARDS = Call(id="k1", at=NOON, queue="cards", talk_s=127, acw_s=30)


def one(found: Reconciled) -> tuple[str, Decimal]:
    """Return class and money of the only variance."""
    (variance,) = found.variances
    return variance.name, amount(variance.shares)


def test_a_call_that_both_list_alike_is_no_variance(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [CALL], [CALL.theirs()])
    assert found.variances == []
    assert found.pairs == {("c1", 1, 2)}
    line = next(line for line in found.lines if line.clause_id == "3.1")
    assert (line.ours, line.theirs, line.status) == (
        Decimal("6.80"),
        Decimal("6.80"),
        Status.AGREED,
    )


def test_missing_here(tmp_path: Path) -> None:
    other = Call(id="c2", at=later(NOON, hours=1), number="13900000002")
    found = reconciled(tmp_path, [CALL], [CALL.theirs(), other.theirs()])
    assert one(found) == ("missing_here", Decimal("-6.80"))
    assert found.variances[0].lines == (3,)


def test_missing_there(tmp_path: Path) -> None:
    other = Call(id="c2", at=later(NOON, hours=1), number="13900000002")
    found = reconciled(tmp_path, [CALL, other], [CALL.theirs()])
    assert one(found) == ("missing_there", Decimal("6.80"))
    assert found.variances[0].ours == ("c2/1",)


def test_leg_vs_contact(tmp_path: Path) -> None:
    """Two legs of one contact, and there one row that has the time of both: one call less."""
    second = Call(id="c1", leg=2, at=later(NOON, minutes=4), talk_s=60, queue="service")
    merged = CALL.theirs(talk=180, handle=220)
    found = reconciled(tmp_path, [CALL, second], [merged])
    assert one(found) == ("leg_vs_contact", Decimal("6.80"))
    assert found.variances[0].ours == ("c1/1", "c1/2")


def test_leg_vs_contact_where_the_client_lists_contacts(tmp_path: Path) -> None:
    second = Call(id="c1", leg=2, at=later(NOON, minutes=4), talk_s=60)
    mapping = MAPPING.replace("grain: leg", "grain: contact")
    found = reconciled(tmp_path, [CALL, second], [CALL.theirs()], mapping=mapping)
    assert one(found) == ("leg_vs_contact", Decimal("6.80"))


def test_transfer_split_that_they_put_together(tmp_path: Path) -> None:
    first = Call(id="c1", at=NOON, transfers=True)
    second = Call(id="c1", leg=2, at=later(NOON, minutes=3), talk_s=60, queue="orders")
    found = reconciled(tmp_path, [first, second], [first.theirs(talk=180, handle=220)])
    assert one(found) == ("transfer_split", Decimal("5.40"))


@pytest.mark.parametrize("second_id", ["c1", "x9"])
def test_transfer_split_that_they_cut(tmp_path: Path, second_id: str) -> None:
    """One leg of 140 s here; 80 s and 60 s there, under the same id or the same caller."""
    parts = [
        CALL.theirs(talk=70, handle=80),
        CALL.theirs(id=second_id, start=later(NOON, seconds=80), talk=50, handle=60),
    ]
    found = reconciled(tmp_path, [CALL], parts)
    assert one(found) == ("transfer_split", Decimal("-6.80"))
    assert found.variances[0].lines == (2, 3)


def test_attribution_to_another_queue(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [CALL], [CALL.theirs(queue="orders")])
    assert one(found) == ("attribution", Decimal("1.40"))
    moved = {line.line: line.difference for line in found.lines if line.difference}
    assert moved == {
        "3.1 from 2025-11-01": Decimal("6.80"),
        "3.2 from 2025-11-01": Decimal("-5.40"),
    }


def test_attribution_to_the_day_of_the_end(tmp_path: Path) -> None:
    """Queued before midnight at 5.40, ended after it, when the peak price of 5.95 holds."""
    call = Call(id="c1", at="2025-11-10 23:59:00", queue="orders")
    ended = later(call.at, seconds=130)
    found = reconciled(tmp_path, [call], [call.theirs(start=ended)])
    assert one(found) == ("attribution", Decimal("-0.55"))


def test_attribution_to_the_month_of_the_end(tmp_path: Path) -> None:
    call = Call(id="c1", at="2025-11-30 23:59:00")
    found = reconciled(tmp_path, [call, CALL], [CALL.theirs(id="c0", number="1") | CALL.theirs()])
    assert one(found) == ("attribution", Decimal("6.80"))


def test_attribution_of_a_call_of_the_next_month(tmp_path: Path) -> None:
    call = Call(id="c1", at="2025-12-01 00:10:00")
    found = reconciled(tmp_path, [call], [call.theirs()])
    assert one(found) == ("attribution", Decimal("-6.80"))


def test_short_call_that_they_leave_out(tmp_path: Path) -> None:
    short = Call(id="c2", at=later(NOON, hours=1), talk_s=7)
    mapping = MAPPING + "rules: {short_call_s: 10}\n"
    found = reconciled(tmp_path, [CALL, short], [CALL.theirs()], mapping=mapping)
    assert one(found) == ("short_call", Decimal("6.80"))


def test_short_call_that_they_list_and_do_not_pay(tmp_path: Path) -> None:
    short = Call(id="c2", at=later(NOON, hours=1), talk_s=7)
    mapping = MAPPING + "rules: {short_call_s: 10}\n"
    found = reconciled(tmp_path, [short], [short.theirs()], mapping=mapping)
    assert one(found) == ("short_call", Decimal("6.80"))


@pytest.mark.parametrize("by_id", [True, False])
@pytest.mark.parametrize("hours", [-8, 1, 5.5])
def test_time_zone(tmp_path: Path, hours: float, *, by_id: bool) -> None:
    call = Call(id="c1", at="2025-11-11 02:00:00", queue="orders")
    row = call.theirs(start=later(call.at, hours=hours), id="c1" if by_id else "other")
    found = reconciled(tmp_path, [call], [row])
    # eight hours earlier is the day before the peak price
    assert one(found) == ("time_zone", Decimal("0.55") if hours < 0 else Decimal("0.00"))


def test_rounding(tmp_path: Path) -> None:
    """157 s are 162 begun at 6 s, 2.7 min × 1.35 = 3.645; 180 s there are 4.05."""
    found = reconciled(tmp_path, [CARDS], [CARDS.theirs(handle=180)])
    (variance,) = found.variances
    assert variance.name == "rounding"
    assert amount(variance.shares, decimals=3) == Decimal("-0.405")


def test_rounding_of_a_second_that_begins_an_increment(tmp_path: Path) -> None:
    """156.4 s are 162 s begun; 156 s there are 156: within tolerance, yet another amount."""
    call = Call(id="k1", at=NOON, queue="cards", talk_s=126.4, acw_s=30)
    found = reconciled(tmp_path, [call], [call.theirs(talk=126, handle=156)])
    (variance,) = found.variances
    assert variance.name == "rounding"
    assert amount(variance.shares, decimals=3) == Decimal("0.135")


def test_definition_of_the_duration(tmp_path: Path) -> None:
    """Talk alone there, 127 s of 157: 132 begun, 2.2 min × 1.35 = 2.97 against 3.645."""
    found = reconciled(tmp_path, [CARDS], [CARDS.theirs(handle=127)])
    (variance,) = found.variances
    assert (variance.name, variance.detail) == ("definition", "duration is talk")
    assert amount(variance.shares, decimals=3) == Decimal("0.675")


def test_definition_of_the_outcome(tmp_path: Path) -> None:
    gone = Call(id="c2", at=NOON, outcome="abandoned")
    found = reconciled(tmp_path, [gone], [gone.theirs(talk=0, handle=0)])
    assert one(found) == ("definition", Decimal("-6.80"))


@pytest.mark.parametrize("second_id", ["c1", "c1 again"])
def test_duplicate_there(tmp_path: Path, second_id: str) -> None:
    found = reconciled(tmp_path, [CALL], [CALL.theirs(), CALL.theirs(id=second_id)])
    assert one(found) == ("duplicate", Decimal("-6.80"))
    assert len(found.variances[0].lines) == 1


def test_duplicate_here(tmp_path: Path) -> None:
    again = Call(id="c9", at=NOON)
    found = reconciled(tmp_path, [CALL, again], [CALL.theirs()])
    assert one(found) == ("duplicate", Decimal("6.80"))
    assert found.variances[0].ours == ("c9/1",)


def test_what_no_rule_fits_is_unexplained(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [CARDS], [CARDS.theirs(handle=101)])
    assert found.variances[0].name == "unexplained"


def test_an_aspect_that_nothing_explains_makes_the_whole_unexplained(tmp_path: Path) -> None:
    found = reconciled(tmp_path, [CARDS], [CARDS.theirs(queue="service", handle=101)])
    (variance,) = found.variances
    assert (variance.name, variance.also) == ("unexplained", ("attribution",))


def test_a_second_aspect_is_named_beside_the_class(tmp_path: Path) -> None:
    row = CARDS.theirs(start=later(NOON, hours=8), handle=180)
    (variance,) = reconciled(tmp_path, [CARDS], [row]).variances
    assert (variance.name, variance.also) == ("time_zone", ("rounding",))


def test_within_tolerance_is_not_disputed(tmp_path: Path) -> None:
    mapping = MAPPING + 'tolerance: {lines: {"5.2": "0.41"}}\n'
    found = reconciled(tmp_path, [CARDS], [CARDS.theirs(handle=180)], mapping=mapping)
    line = next(line for line in found.lines if line.clause_id == "5.2")
    assert (line.ours, line.theirs) == (Decimal("3.65"), Decimal("4.05"))
    assert (line.undisputed, line.status) == (Decimal("3.65"), Status.WITHIN_TOLERANCE)
    tight = MAPPING + 'tolerance: {lines: {"5.2": "0.39"}}\n'
    found = reconciled(tmp_path, [CARDS], [CARDS.theirs(handle=180)], mapping=tight)
    line = next(line for line in found.lines if line.clause_id == "5.2")
    assert line.status is Status.DISPUTED


def test_short_calls_that_nobody_spoke_of_are_hinted_at(tmp_path: Path) -> None:
    short = [
        Call(id=f"s{i}", at=later(NOON, hours=i), talk_s=5, acw_s=1, number=f"1390000000{i}")
        for i in range(1, 7)
    ]
    found = reconciled(tmp_path, [CALL, *short], [CALL.theirs()])
    (hint,) = found.hints
    assert hint.startswith(
        "6 of 6 calls missing there are shorter than any call of the file (140 s)"
    )
    mapping = MAPPING + "rules: {short_call_s: 10}\n"
    found = reconciled(tmp_path, [CALL, *short], [CALL.theirs()], mapping=mapping)
    assert found.hints == []
    assert {v.name for v in found.variances} == {"short_call"}
