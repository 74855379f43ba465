"""The two laws that every schedule has to keep, and what schedules are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import strategies as st

from pipeline.domain.fold import Record
from pipeline.streams.snapshots import unpack
from tests.simulation import verdict
from tests.simulation.broker import TORN
from tests.simulation.faults import STEPS, append
from tests.simulation.schedule import Step, simulated
from tests.strategies import logs

steps = st.lists(
    st.tuples(st.sampled_from((*STEPS.values(), *(append,) * 5)), st.integers(0, 999)),
    min_size=15,
    max_size=40,
)
inputs = st.lists(logs(min_size=10), min_size=1, max_size=2)

done: Counter[str] = Counter()
"""Schedules run, faults brought about in them, and what the engines did."""


def numbers_stay(given_logs: Sequence[list[Record]], given_steps: Sequence[Step]) -> None:
    """Every schedule ends with the numbers of one undisturbed fold."""
    with simulated(given_logs) as simulation:
        simulation.run(given_steps)
        last = simulation.finish()
        assert last.lost is None, last.lost
        verdict.check(simulation.broker, last)
        done.update(simulation.faults)
        done["schedules"] += 1


def loss_is_told(
    given_logs: Sequence[list[Record]], given_steps: Sequence[Step], gone: int
) -> None:
    """What retention took is missed loudly, and exactly when it is needed."""
    with simulated(given_logs) as simulation:
        simulation.run(given_steps)
        is_lost = begins_later = False
        for log in simulation.broker.logs:
            log.start = min(log.end, gone)
            found = simulation.broker.snapshots.get(log.partition, ())
            kept = [unpack(r[1])["state"] for r in found if r is not None and r[1] != TORN]
            is_lost |= bool(kept) and max(s["next_offset"] for s in kept) < log.start
            begins_later |= log.start > 0 and not kept
        last = simulation.finish()
        assert (last.lost is not None) == is_lost, last.lost
        if not is_lost and not begins_later:
            verdict.check(simulation.broker, last)
        done.update(simulation.faults)
        done["state lost, and told" if is_lost else "retention passed what was folded"] += 1
        done["schedules"] += 1
