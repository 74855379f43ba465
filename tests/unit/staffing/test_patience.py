from __future__ import annotations

from random import Random

import pytest

from pipeline.staffing.patience import (
    DEFAULT_S,
    LEAST_ABANDONED,
    PatienceSource,
    estimate,
    given,
)


def test_it_is_all_waiting_over_those_who_hung_up() -> None:
    found = estimate(waited_s=12_000, abandoned=100)
    assert (found.mean_s, found.source) == (120.0, PatienceSource.ESTIMATED)
    # Garwood's limits of a count of 100 are 81.36 and 121.63 (Ulm 1990, table).
    assert found.low_s == pytest.approx(12_000 / 121.63, rel=1e-3)
    assert found.high_s == pytest.approx(12_000 / 81.36, rel=1e-3)
    assert "estimated from 100 who hung up" in found.words


def test_censored_waits_are_no_patience_but_count() -> None:
    """The mean wait of those who hung up would be far too short; this one is right."""
    rng = Random(7)  # noqa: S311
    waited, hung_up, their_waits = 0.0, 0, 0.0
    for _ in range(20_000):
        offered, patience = rng.expovariate(1 / 30), rng.expovariate(1 / 120)
        waited += min(offered, patience)
        if patience < offered:
            hung_up += 1
            their_waits += patience
    found = estimate(waited_s=waited, abandoned=hung_up)
    assert found.low_s is not None
    assert found.high_s is not None
    assert found.low_s < 120 < found.high_s
    assert found.mean_s == pytest.approx(120, rel=0.05)
    assert their_waits / hung_up < 40


def test_its_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = Random(11)  # noqa: S311
    held = 0
    for _ in range(400):
        waits = [min(rng.expovariate(1 / 25), 200) for _ in range(300)]
        patience = [rng.expovariate(1 / 100) for _ in waits]
        found = estimate(
            waited_s=sum(map(min, waits, patience)),
            abandoned=sum(p < w for p, w in zip(patience, waits, strict=True)),
        )
        assert found.low_s is not None
        assert found.high_s is not None
        held += found.low_s <= 100 <= found.high_s
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("waited_s", "abandoned"), [(5_000.0, LEAST_ABANDONED - 1), (0.0, LEAST_ABANDONED), (0.0, 0)]
)
def test_too_little_gives_the_default_and_says_so(waited_s: float, abandoned: int) -> None:
    found = estimate(waited_s=waited_s, abandoned=abandoned)
    assert (found.mean_s, found.source) == (DEFAULT_S, PatienceSource.DEFAULT)
    assert (found.low_s, found.high_s) == (None, None)
    assert "the default" in found.words


def test_a_stated_one_is_taken_as_it_is() -> None:
    assert given(90).words == "patience 90 s, as given"
    for wrong in (0, -3, 100_000):
        with pytest.raises(
            ValueError, match=r"patience: expected more than 0 and at most 86,400 s"
        ):
            given(wrong)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="no negative"):
        estimate(waited_s=-1, abandoned=3)
