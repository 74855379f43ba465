"""Quiet legs kept as bytes: which, what of them, and for how long."""

from __future__ import annotations

import msgspec
import pytest

from pipeline.domain.cold_legs import SPAN_MS, ColdLegs, Packing
from pipeline.domain.events import CallEvent
from pipeline.domain.fold import FORGET_MS, PartitionFold
from pipeline.domain.fold_state import dump, load
from pipeline.domain.kpi import PANE_MS
from pipeline.domain.leg import LegFacts
from pipeline.domain.live_leg import facts_of_plain, plain_facts
from pipeline.domain.watermark import GRACE_MS
from tests.factories import NOON, an_event, history

S = 1000
MIN = 60 * S
HOUR = 60 * MIN

PACKING = Packing(
    msgspec.msgpack.encode, msgspec.msgpack.decode, hot_legs=3, quiet_ms=MIN, every_ms=PANE_MS
)


class Feed:
    """A fold that packs, and the log written to it."""

    def __init__(self, packing: Packing = PACKING) -> None:
        self.fold = PartitionFold(history, packing=packing)

    def send(self, *events: CallEvent) -> None:
        offset = self.fold.next_offset
        self.fold.fold((offset + i, NOON + 12 * HOUR, event) for i, event in enumerate(events))

    def tick(self, at: int) -> None:
        """Move time on over a boundary, by a leg that is unfinished and so never packed."""
        self.send(an_event("queued", at, contact_id="clock", queue="clock"))

    @property
    def hot(self) -> set[str]:
        return {key[0] for key in self.fold.legs if key[0] != "clock"}

    @property
    def packed(self) -> int:
        assert self.fold.cold is not None
        assert self.fold.live_legs == len(self.fold.legs) + len(self.fold.cold)
        return len(self.fold.cold)

    def counts(self, index: int, at: int) -> list[int]:
        return [n for n in self.fold.queue("acme", "", "service").panes[index][NOON + at] if n]


def a_call(contact: str, at: int) -> list[CallEvent]:
    return [
        an_event("queued", at, contact_id=contact),
        an_event("abandoned", at + 30 * S, contact_id=contact),
    ]


def started(feed: Feed, *calls: str) -> Feed:
    feed.tick(0)
    for number, contact in enumerate(calls):
        feed.send(*a_call(contact, number * S))
    return feed


def test_legs_are_packed_when_there_are_too_many_and_they_are_quiet() -> None:
    feed = started(Feed(), "c1", "c2")
    feed.send(
        an_event("queued", 0, contact_id="talking"), an_event("answered", S, contact_id="talking")
    )
    feed.tick(MIN)
    assert feed.packed == 0  # none has been quiet for a minute
    feed.tick(MIN + 30 * S)
    assert feed.hot == {"c2", "talking"}  # c1 has, to the millisecond
    feed.tick(2 * MIN)
    assert feed.hot == {"c2", "talking"}  # c2 has, but there are not too many any more ...
    feed.send(an_event("queued", 2 * MIN, contact_id="c3"))
    feed.tick(2 * MIN + 30 * S)
    assert (feed.hot, feed.packed) == ({"talking", "c3"}, 2)  # ... until one more comes


def test_by_default_some_thousand_legs_stay_as_they_are() -> None:
    packing = Packing(msgspec.msgpack.encode, msgspec.msgpack.decode)
    assert packing[2:] == (16_384, 5 * MIN, 5 * MIN)
    feed = started(Feed(packing), "c1", "c2", "c3", "c4")
    feed.tick(HOUR)
    assert feed.packed == 0


def test_it_is_looked_now_and_then_whether_there_are_too_many() -> None:
    feed = started(Feed(PACKING._replace(every_ms=5 * MIN)), "c1", "c2", "c3")
    feed.tick(5 * MIN - 1)
    assert feed.packed == 0
    feed.tick(5 * MIN)
    assert feed.packed == 3


def packed_three() -> Feed:
    feed = started(Feed(), "c1", "c2", "c3")
    feed.tick(3 * MIN)
    assert (feed.hot, feed.packed) == (set(), 3)
    return feed


def test_an_event_finds_its_leg_in_the_cold() -> None:
    feed = packed_three()
    before = feed.fold.counters.duplicate
    feed.send(a_call("c2", S)[1])
    assert feed.fold.counters.duplicate == before + 1
    assert (feed.hot, feed.packed) == ({"c2"}, 2)
    feed.send(an_event("abandoned", 2 * S, contact_id="c2"))  # it hung up earlier, we now learn
    assert feed.counts(0, 0)[:3] == [3, 3, 1]  # offered, abandoned, within the threshold
    feed.send(an_event("complaint_flagged", 4 * MIN, contact_id="c1"))
    assert feed.counts(2, 4 * MIN) == [1]


def test_what_is_packed_is_in_a_snapshot_and_comes_back() -> None:
    feed = packed_three()
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(dump(feed.fold)))
    again = Feed()
    again.fold = load(plain, history, packing=PACKING)
    assert dump(again.fold) == dump(feed.fold)
    assert again.packed == 3
    again.send(an_event("abandoned", 2 * S, contact_id="c2"))
    assert again.counts(0, 0)[:3] == [3, 3, 1]
    with pytest.raises(ValueError, match="expected no packed legs"):
        load(plain, history)


def test_packed_legs_are_let_go_when_the_last_of_their_span_may_be() -> None:
    feed = packed_three()
    feed.tick(GRACE_MS + SPAN_MS - PANE_MS)
    assert feed.packed == 3
    for minutes in (5, 20, 35):
        feed.tick(GRACE_MS + SPAN_MS + minutes * MIN)
    assert feed.packed == 0
    late = feed.fold.counters.late
    feed.send(an_event("ended", GRACE_MS, contact_id="c1"))
    assert feed.fold.counters.late == late + 1


def test_a_packed_leg_past_the_grace_is_let_go_by_its_next_event() -> None:
    feed = packed_three()
    feed.tick(GRACE_MS + 5 * MIN)
    assert feed.packed == 3
    late = feed.fold.counters.late
    feed.send(an_event("ended", HOUR, contact_id="c1"))
    assert (feed.fold.counters.late, feed.packed) == (late + 1, 2)
    feed.send(an_event("ended", HOUR, contact_id="c1"))
    assert feed.fold.counters.late == late + 2


def test_a_span_is_let_go_once_every_event_in_it_is_older_than_the_horizon() -> None:
    cold = packed_three().fold.cold
    assert cold is not None
    assert SPAN_MS == 15 * MIN  # snapshots number spans by it
    end = NOON - NOON % SPAN_MS + SPAN_MS
    assert list(cold.expire(end - 1)) == []
    assert len(list(cold.expire(end))) == 3
    assert len(cold) == 0


def test_a_snapshot_with_a_mark_that_has_no_leg_is_refused() -> None:
    cold = packed_three().fold.cold
    assert cold is not None
    plain = cold.dump()
    plain[0][3].pop()
    with pytest.raises(ValueError, match="shorter"):
        ColdLegs(PACKING).load(plain)


def test_a_leg_with_a_fact_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        facts_of_plain(plain_facts(LegFacts())[:-1])


def test_panes_are_kept_as_long_as_a_packed_leg_may_need_them() -> None:
    """A call that talks for hours counts where it was offered; its pane outlives the others."""
    feed = Feed(PACKING._replace(hot_legs=1))
    feed.send(an_event("queued", 0), an_event("answered", S))
    last = 5 * HOUR
    for at in range(10 * MIN, last, 10 * MIN):
        feed.send(*a_call(f"at {at}", at))  # let go in time: no old leg is left but the first
    feed.send(*a_call("c2", last), an_event("ended", last + MIN))
    feed.send(*a_call("c3", last + 90 * S))
    feed.send(*a_call("c4", last + 4 * MIN))
    assert feed.hot == {"c4"}  # c2 went first, then the call of hours into the same span
    feed.send(*a_call("c5", last + FORGET_MS + 5 * MIN))
    assert feed.counts(0, 0)[:2] == [1, 1]
    feed.send(an_event("answered", 0), an_event("abandoned", 4 * HOUR))
    assert feed.counts(0, 0)[:2] == [1, 1]
