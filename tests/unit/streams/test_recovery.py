"""Where a partition goes on from: which snapshot, and what the log has to hold for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from faust.types import TP

from pipeline.domain.fold_state import STATE_VERSION, dump
from pipeline.domain.forecast_book import by_queue
from pipeline.errors import StateLost
from pipeline.streams.recovery import Basis, fold_of
from pipeline.streams.snapshots import Label, nearest_first
from tests.unit.domain.test_forecast_book import a_forecast
from tests.unit.streams.live import INPUT, an_engine

ZERO = TP(INPUT, 0)


@pytest.fixture
def basis() -> Basis:
    return an_engine().engine.basis


def an_envelope(basis: Basis, *, first: int, offset: int, **changes: Any) -> dict[str, Any]:
    live = an_engine()
    part = live.recovered(0, first_offset=first)
    part.fold.next_offset = offset
    state = dump(part.fold) | changes.pop("state", {})
    return {"config_hash": basis.config_hash, "source_topic": INPUT, "state": state} | changes


def test_without_a_snapshot_the_fold_starts_where_the_log_does(basis: Basis) -> None:
    fold = fold_of(None, ZERO, begin=4, end=9, basis=basis)
    assert (fold.first_offset, fold.next_offset) == (4, 4)


def test_forecasts_are_given_to_a_fold_that_begins_and_to_one_that_goes_on(basis: Basis) -> None:
    key = ("acme", "", "service")
    known = replace(basis, forecasts=by_queue([a_forecast()]))
    assert known.config_hash == basis.config_hash
    envelope = an_envelope(basis, first=0, offset=7)
    for found in (None, envelope):
        fold = fold_of(found, ZERO, begin=0, end=9, basis=known)
        assert fold.queue(*key).forecast is known.forecasts[key]
        assert fold_of(found, ZERO, begin=0, end=9, basis=basis).queue(*key).forecast is None


@pytest.mark.parametrize(("begin", "end"), [(0, 7), (7, 7), (7, 9)])
def test_a_snapshot_within_the_log_goes_on_where_it_was(basis: Basis, begin: int, end: int) -> None:
    envelope = an_envelope(basis, first=0, offset=7)
    fold = fold_of(envelope, ZERO, begin=begin, end=end, basis=basis)
    assert (fold.first_offset, fold.next_offset) == (0, 7)


def test_a_snapshot_beyond_the_end_of_the_log_is_lost_state(basis: Basis) -> None:
    envelope = an_envelope(basis, first=0, offset=7)
    with pytest.raises(StateLost, match="goes on at offset 7 but the log ends at 6"):
        fold_of(envelope, ZERO, begin=0, end=6, basis=basis)


def test_a_snapshot_before_the_start_of_the_log_is_lost_state(basis: Basis) -> None:
    envelope = an_envelope(basis, first=0, offset=7)
    with pytest.raises(StateLost, match="log starts at 9: 2 records are gone"):
        fold_of(envelope, ZERO, begin=9, end=20, basis=basis)


@pytest.mark.parametrize(
    "change",
    [{"config_hash": "another"}, {"state": {"state_version": STATE_VERSION + 1}}],
    ids=["config", "state version"],
)
def test_another_config_or_state_version_folds_the_log_again_if_it_is_still_there(
    basis: Basis, change: dict[str, Any]
) -> None:
    envelope = an_envelope(basis, first=3, offset=7, **change)
    fold = fold_of(envelope, ZERO, begin=3, end=20, basis=basis)
    assert (fold.first_offset, fold.next_offset) == (3, 3)
    with pytest.raises(StateLost, match="must be folded again from offset 3, but it starts at 4"):
        fold_of(envelope, ZERO, begin=4, end=20, basis=basis)


def test_a_change_of_targets_or_rules_changes_the_config_hash() -> None:
    one, ten, again = (an_engine(name).engine.basis for name in ("targets01", "targets10", "one"))
    assert one.config_hash != ten.config_hash
    assert again.config_hash == an_engine("one").engine.basis.config_hash


# --- which of several snapshots --------------------------------------------------------------


def a_label(basis: Basis, offset: int, **changes: Any) -> tuple[Label, bytes]:
    label = Label(
        config_hash=basis.config_hash,
        source_topic=INPUT,
        state_version=STATE_VERSION,
        next_offset=offset,
    )
    return msgspec.structs.replace(label, **changes), b""


def test_of_snapshots_of_one_config_the_furthest_is_tried_first(basis: Basis) -> None:
    found = [a_label(basis, at) for at in (5, 9, 7)]
    assert nearest_first(found, basis.config_hash) == [found[1], found[2], found[0]]
    assert nearest_first([], basis.config_hash) == []


@pytest.mark.parametrize(
    "change",
    [{"config_hash": "another"}, {"state_version": STATE_VERSION - 1}],
    ids=["config", "state version"],
)
def test_a_snapshot_that_can_be_gone_on_with_is_tried_before_one_further_on(
    basis: Basis, change: dict[str, Any]
) -> None:
    other, mine = a_label(basis, 9, **change), a_label(basis, 2)
    assert nearest_first([other, mine, other], basis.config_hash) == [mine, other, other]
