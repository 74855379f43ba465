"""Sums of days and queues: each difference is put down to the reading that explains it exactly."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.reconcile.bridge import Status
from pipeline.reconcile.money import amount
from tests.reconciled import SUMS, Call, later, sums

MORNING = "2025-11-05 09:00:00"


def calls(queue: str = "cards", count: int = 6) -> list[Call]:
    """Return calls of one day with durations all their own."""
    return [
        Call(
            id=f"c{i}",
            at=later(MORNING, minutes=17 * i),
            queue=queue,
            number=f"1380000000{i}",
            talk_s=61 + 13 * i,
            hold_s=7 * (i % 2),
            acw_s=11 + i,
        )
        for i in range(count)
    ]


def row(of: list[Call], **other: object) -> dict[str, str]:
    """Return the sums of calls, as the contract bills them, or something else."""
    six = sum(-(-(c.talk_s + c.hold_s + c.acw_s) // 6) * 6 for c in of)
    values = {"day": "2025-11-05", "queue": of[0].queue, "calls": len(of), "handle": six, **other}
    return {name: f"{x:.0f}" if isinstance(x, float) else str(x) for name, x in values.items()}


def test_the_same_sums_are_agreed(tmp_path: Path) -> None:
    found, lines = sums(tmp_path, calls(), [row(calls())])
    assert found == []
    assert all(line.status is Status.AGREED for line in lines)


@pytest.mark.parametrize(
    ("kind", "reading", "handle"),
    [
        ("rounding", "exact durations", lambda c: c.talk_s + c.hold_s + c.acw_s),
        (
            "rounding",
            "each call up to 60 s",
            lambda c: -(-(c.talk_s + c.hold_s + c.acw_s) // 60) * 60,
        ),
        ("definition", "durations are talk", lambda c: c.talk_s),
        ("definition", "durations are talk and hold", lambda c: c.talk_s + c.hold_s),
    ],
)
def test_other_durations(tmp_path: Path, kind: str, reading: str, handle: object) -> None:
    theirs = sum(handle(c) for c in calls())  # type: ignore[operator]
    found, lines = sums(tmp_path, calls(), [row(calls(), handle=float(theirs))])
    ((name, detail, shares),) = found
    assert (name, detail) == (kind, f"2025-11-05 cards: {reading}")
    line = next(line for line in lines if line.clause_id == "5.2")
    assert line.classes == {kind: line.difference}
    assert abs(amount(shares) - line.difference) <= Decimal("0.01")


def test_one_call_per_contact(tmp_path: Path) -> None:
    ours = calls("service")
    ours.append(Call(id="c0", leg=2, at=later(MORNING, minutes=5), talk_s=50))
    found, _ = sums(
        tmp_path, ours, [row(ours, calls=6)], mapping=SUMS.replace("  handle: handle\n", "")
    )
    assert [(name, amount(shares)) for name, _, shares in found] == [
        ("leg_vs_contact", Decimal("6.80"))
    ]


def test_without_short_calls(tmp_path: Path) -> None:
    ours = [*calls("service"), Call(id="s", at=later(MORNING, hours=3), talk_s=4)]
    mapping = SUMS.replace("  handle: handle\n", "") + "rules: {short_call_s: 10}\n"
    found, _ = sums(tmp_path, ours, [row(ours, calls=6)], mapping=mapping)
    assert [(name, detail) for name, detail, _ in found] == [
        ("short_call", "2025-11-05 service: without short calls")
    ]


def test_another_clock_moves_calls_to_the_day_before(tmp_path: Path) -> None:
    """Two calls before eight in the morning are of the day before by UTC."""
    ours = calls("service")
    early = [
        Call(id=f"e{i}", at=later("2025-11-05 03:00:00", minutes=i), number=f"{i}99999")
        for i in range(2)
    ]
    mapping = SUMS.replace("  handle: handle\n", "")
    rows = [row(early, day="2025-11-04"), row(ours)]
    found, _ = sums(tmp_path, [*ours, *early], rows, mapping=mapping)
    assert {name for name, *_ in found} == {"time_zone"}
    assert [detail.split(" ")[0] for _, detail, _ in found] == ["2025-11-04", "2025-11-05"]
    assert sum(shares for *_, shares in found) == 0


def test_missing_days_and_what_nothing_explains(tmp_path: Path) -> None:
    mapping = SUMS.replace("  handle: handle\n", "")
    ours = [*calls("service"), Call(id="o", at="2025-11-20 10:00:00", queue="orders")]
    rows = [row(calls("service"), calls=9), row(calls("returns"), day="2025-11-21", calls=2)]
    found, _ = sums(tmp_path, ours, rows, mapping=mapping)
    assert [(name, detail, amount(shares)) for name, detail, shares in found] == [
        ("unexplained", "2025-11-05 service", Decimal("-20.40")),
        ("missing_there", "2025-11-20 orders", Decimal("5.95")),
        ("missing_here", "2025-11-21 returns", Decimal("-11.90")),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("2025-11-05", "2025-12-05", ":2: day (day): expected a day of 2025-11 as %Y-%m-%d"),
        ("2025-11-05", "5 Nov", ":2: day (day): expected a day of 2025-11"),
        ("cards,6", "cards,six", ":2: calls (calls): expected a whole number from 0, got 'six'"),
        ("cards,6", "cards,-6", ":2: calls (calls): expected a whole number from 0, got '-6'"),
        ("cards,6", "cards,", ":2: calls (calls): expected a value"),
        ("cards,6", "card,6", ":2: queue (queue): expected one of cards, orders"),
    ],
)
def test_sums_that_are_none(tmp_path: Path, old: str, new: str, expected: str) -> None:
    good = row(calls())
    text = ",".join(good.values())
    assert old in text
    bad = dict(zip(good, text.replace(old, new).split(","), strict=True))
    with pytest.raises(InputError) as caught:
        sums(tmp_path, calls(), [bad])
    assert expected in str(caught.value)
    assert not (tmp_path / "imports").exists()


def test_a_day_and_queue_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r":3: expected each day and queue once, got 2025-11-05"):
        sums(tmp_path, calls(), [row(calls()), row(calls(), calls=1)])


def test_a_reading_that_fits_one_cell_by_chance_explains_nothing(tmp_path: Path) -> None:
    """A call too few on one day, as one call per contact would say; the other days deny that."""
    days = []
    for day in range(5, 9):
        at = f"2025-11-{day:02} 10:00:00"
        days.append(
            [
                Call(id=f"d{day}", at=at, number=f"1380{day:07}"),
                Call(id=f"d{day}", leg=2, at=later(at, minutes=9), number=f"1380{day:07}"),
            ]
        )
    mapping = SUMS.replace("  handle: handle\n", "")
    ours = [call for calls_of_day in days for call in calls_of_day]
    for wrong, name in ((1, "unexplained"), (3, "leg_vs_contact")):
        rows = [
            row(calls_of_day, day=calls_of_day[0].at[:10], calls=1 if i < wrong else 2)
            for i, calls_of_day in enumerate(days)
        ]
        found, _ = sums(tmp_path, ours, rows, mapping=mapping)
        assert [kind for kind, *_ in found] == [name] * wrong
