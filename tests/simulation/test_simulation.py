"""Every schedule of faults, in memory, ends with the numbers of one undisturbed fold."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from pipeline.domain.fold import Record
from pipeline.streams import engine as engine_module
from pipeline.streams import outgoing
from pipeline.streams.engine import Engine
from pipeline.streams.part import Part
from pipeline.streams.recovery import fold_of
from tests.simulation.campaign import done, inputs, loss_is_told, numbers_stay, steps
from tests.simulation.faults import FAULTS
from tests.simulation.schedule import Step
from tests.simulation.worker import Output

SCHEDULES = 100
CAUGHT_WITHIN = 300


@settings(max_examples=SCHEDULES)
@given(inputs, steps)
def test_no_schedule_of_faults_changes_a_number(
    given_logs: list[list[Record]], given_steps: list[Step]
) -> None:
    numbers_stay(given_logs, given_steps)


@settings(max_examples=SCHEDULES)
@given(inputs, steps, st.integers(0, 60))
def test_what_retention_took_is_missed_exactly_when_it_is_needed(
    given_logs: list[list[Record]], given_steps: list[Step], gone: int
) -> None:
    loss_is_told(given_logs, given_steps, gone)


def test_every_fault_comes_about() -> None:
    """After the two tests above: none of the steps is one that nobody ever has."""
    told = {fault.__name__ for fault in FAULTS} - {"wait"}
    assert done["schedules"] >= SCHEDULES
    assert told - done.keys() == set()
    assert {"seeking back", "gone on from a snapshot", "state lost, and told"} <= done.keys()


# --- known-bad engines -----------------------------------------------------------------------


@contextmanager
def without_its_offset() -> Iterator[None]:
    """A state goes on where the log ends, as from a committed offset."""

    def wrong(envelope: Any, tp: Any, begin: int, end: int, basis: Any) -> Any:
        fold = fold_of(envelope, tp, begin, end, basis)
        fold.next_offset = end if envelope else fold.next_offset
        return fold

    with mock.patch.object(engine_module, "fold_of", wrong):
        yield


@contextmanager
def gap_skipped() -> Iterator[None]:
    """A chunk from further on is folded as if nothing were missing."""

    async def skip(_engine: Engine, part: Part, found: int) -> None:
        part.fold.next_offset = found

    with mock.patch.object(Engine, "_seek_back", skip):
        yield


@contextmanager
def unacknowledged() -> Iterator[None]:
    """A snapshot does not wait for the outputs that it covers."""

    async def at_once(_output: Output, _partition: int) -> None:
        """Wait for nothing."""

    with mock.patch.object(Output, "flush", at_once):
        yield


def not_given_up() -> AbstractContextManager[Any]:
    """A partition whose output failed goes on, and is snapshotted."""
    return mock.patch.object(Engine, "_give_up", return_value=None)


@contextmanager
def own_revisions() -> Iterator[None]:
    """Revisions count a worker's own writes instead of the input."""
    right = outgoing.pane_upserts
    written = Counter[int]()

    def wrong(box: Any, _revision: int, templates: Any) -> Any:
        written[id(templates)] += 1
        return right(box, written[id(templates)], templates)

    with mock.patch.object(outgoing, "pane_upserts", wrong):
        yield


BAD: tuple[Callable[[], AbstractContextManager[Any]], ...] = (
    *(without_its_offset, gap_skipped, unacknowledged, not_given_up),
    own_revisions,
)


@pytest.mark.parametrize("variant", BAD, ids=lambda variant: variant.__name__)
def test_an_engine_that_is_wrong_is_found_out(
    variant: Callable[[], AbstractContextManager[Any]],
) -> None:
    @seed(1)
    @settings(max_examples=CAUGHT_WITHIN, database=None, phases=[Phase.generate])
    @given(inputs, steps)
    def find(given_logs: list[list[Record]], given_steps: list[Step]) -> None:
        numbers_stay(given_logs, given_steps)

    with (
        variant(),
        pytest.raises((AssertionError, KeyError)),
        warnings.catch_warnings(action="ignore", category=HypothesisWarning),
    ):
        find()
