"""Laws of reconciliation, whatever the two sides say."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reconciled import MAPPING, QUEUES, Call, Reconciled, later, reconciled

BASE = "2025-11-10 23:50:00"
HOW = MAPPING + "rules: {short_call_s: 10}\n"
laws = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def calls(draw: st.DrawFn, least: int = 0) -> list[Call]:
    """Draw legs that are easily taken for each other: few callers, few times, few contacts."""
    drawn = draw(
        st.lists(
            st.builds(
                Call,
                id=st.sampled_from(["a", "b", "c", "d"]),
                leg=st.integers(1, 3),
                at=st.integers(0, 20).map(lambda i: later(BASE, seconds=i * 70)),
                queue=st.sampled_from(QUEUES),
                number=st.sampled_from(["", "13800000001", "13800000002"]),
                talk_s=st.sampled_from([5.0, 60.0, 61.4, 119.0, 120.0]),
                hold_s=st.sampled_from([0.0, 30.0]),
                acw_s=st.sampled_from([0.0, 20.0, 60.0]),
                outcome=st.sampled_from(["answered", "answered", "answered", "abandoned"]),
                transfers=st.booleans(),
            ),
            min_size=least,
            max_size=8,
            unique_by=lambda c: (c.id, c.leg),
        )
    )
    return list(drawn)


@st.composite
def two_sides(draw: st.DrawFn) -> tuple[list[Call], list[dict[str, str]]]:
    """Draw our legs, and rows about some of them and about others, changed in some way."""
    ours = draw(calls())
    about = ours + draw(calls())
    chosen = draw(st.lists(st.sampled_from(about), max_size=10)) if about else []
    rows = []
    for call in chosen:
        other: dict[str, object] = {}
        if draw(st.booleans()):
            other["start"] = later(call.at, seconds=draw(st.sampled_from([3, 70, 900, 28_800])))
        if draw(st.booleans()):
            other["queue"] = draw(st.sampled_from(QUEUES))
        if draw(st.booleans()):
            other["handle"] = draw(st.sampled_from([0, 60, 120, 137, 180, 240]))
        if draw(st.booleans()):
            other["id"] = draw(st.sampled_from(["a", "zz"]))
        rows.append(call.theirs(**other))
    return ours, rows


def compared(calls: Sequence[Call], rows: Sequence[dict[str, str]], how: str = HOW) -> Reconciled:
    with tempfile.TemporaryDirectory() as folder:
        return reconciled(Path(folder), calls, rows, mapping=how)


def told(found: Reconciled, rows: Sequence[dict[str, str]]) -> Counter[object]:
    """Return the variances with what their rows say in place of where they stand."""

    def says(line: int) -> tuple[str, ...]:
        return tuple(rows[line - 2].values())

    return Counter(
        (v.name, v.detail, v.also, v.ours, tuple(sorted(map(says, v.lines))), v.shares)
        for v in found.variances
    )


@laws
@given(two_sides())
def test_each_row_is_matched_at_most_once(sides: tuple[list[Call], list[dict[str, str]]]) -> None:
    found = compared(*sides)
    assert len({pair[:2] for pair in found.pairs}) == len(found.pairs)
    assert len({line for *_, line in found.pairs}) == len(found.pairs)
    assert sum(found.matched.values()) == len(found.pairs)


@laws
@given(two_sides(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    sides: tuple[list[Call], list[dict[str, str]]],
    rng: object,
) -> None:
    ours, rows = sides
    shuffled_calls, shuffled = list(ours), list(rows)
    rng.shuffle(shuffled_calls)  # type: ignore[attr-defined]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = compared(ours, rows), compared(shuffled_calls, shuffled)
    assert told(one, rows) == told(other, shuffled)
    assert one.lines == other.lines
    assert one.classes == other.classes


@laws
@given(calls(least=1))
def test_ours_against_ours_gives_no_variance(ours: list[Call]) -> None:
    """By contact, leg and whole seconds, as our own export would be."""
    whole = [replace(call, talk_s=round(call.talk_s)) for call in ours]
    how = MAPPING.replace("  number:", "  leg: leg\n  outcome: outcome\n  number:")
    rows = [
        call.theirs(
            leg=call.leg,
            outcome=call.outcome,
            **({} if call.outcome == "answered" else {"talk": "", "handle": ""}),
        )
        for call in whole
    ]
    found = compared(whole, rows, how + "calls: all\n")
    assert found.variances == []
    assert all(line.ours == line.theirs for line in found.lines)


@laws
@given(two_sides())
def test_money_adds_up_to_the_cent(sides: tuple[list[Call], list[dict[str, str]]]) -> None:
    found = compared(*sides)
    for line in found.lines:
        assert sum(line.classes.values(), Decimal(0)) == line.ours - line.theirs
        assert line.undisputed <= min(line.ours, line.theirs)
    assert sum(v.shares for v in found.variances) == sum(c.shares for c in found.classes)
    total = sum((line.difference for line in found.lines), Decimal(0))
    assert sum((c.amount for c in found.classes), Decimal(0)) == total
    # each class is within a cent a line of its exact sum
    for one in found.classes:
        exact = Decimal(one.shares) / 3_600_000_000
        assert abs(one.amount - exact) <= Decimal("0.01") * len(found.lines)


@laws
@given(two_sides())
def test_every_row_that_nobody_matched_is_in_one_variance(
    sides: tuple[list[Call], list[dict[str, str]]],
) -> None:
    ours, rows = sides
    found = compared(ours, rows)
    matched = {line for *_, line in found.pairs}
    alone = [line for v in found.variances for line in v.lines if line not in matched]
    assert sorted(alone) == sorted(set(range(2, len(rows) + 2)) - matched)
    legs = [leg for v in found.variances for leg in v.ours]
    assert len(legs) == len(set(legs))
    in_pairs = {f"{contact}/{leg}" for contact, leg, _ in found.pairs}
    answered = {f"{c.id}/{c.leg}" for c in ours if c.outcome == "answered"}
    assert answered - in_pairs <= set(legs)
