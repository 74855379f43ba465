"""The rules of the fold by example: what is admitted, when rules speak, what is let go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from pipeline.domain.alert import Alert, AlertStatus
from pipeline.domain.alert_rule import DropRule
from pipeline.domain.alert_scope import Place, Scope
from pipeline.domain.closed_legs import REMEMBERED_MS, fingerprint
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.events import BEFORE_QUEUE, CallEvent, Rejected
from pipeline.domain.fold import (
    LONGEST_WINDOW_MS,
    MAX_LEG_AGE_MS,
    SWEEP_MS,
    GapInLogError,
    PartitionFold,
)
from pipeline.domain.fold_state import STATE_VERSION, dump, load
from pipeline.domain.kpi import KPI_FIELDS, PANE_MS, WINDOWS_S
from pipeline.domain.outbox import LateEvent
from pipeline.domain.queue_state import window_counts
from pipeline.domain.service_level import Variant
from pipeline.domain.target import TargetHistory
from pipeline.domain.wait_histogram import WAIT_FIELDS
from pipeline.domain.watermark import CLOCK_AHEAD_MS, GRACE_MS, IDLE_SOURCE_MS
from tests.factories import NOON, a_target, an_event, history

S = 1000
MIN = 60 * S
HOUR = 60 * MIN
BAD = Rejected(reason="malformed_json", message="no", raw=b"{")

History = Callable[[str, str, str], TargetHistory]


def a_rule(**terms: object) -> DropRule:
    values: dict[str, object] = {
        "name": "drop",
        "version": "1",
        "severity": "page",
        "runbook": "docs/runbooks/drop.md",
        "window_ms": 60_000,
        "enter_margin_permille": 100,
        "leave_margin_permille": 0,
        "min_offered": 1,
    }
    return DropRule(**(values | terms))  # type: ignore[arg-type]


class Feed:
    """A fold and the log written to it; keeps what a reader of all outputs would hold."""

    def __init__(self, *rules: DropRule, targets: History = history, first_offset: int = 0) -> None:
        self.targets, self.rules = targets, rules
        self.fold = PartitionFold(targets, rules, first_offset=first_offset)
        self.offset = first_offset
        self.panes: dict[tuple[str, str, int], dict[str, int]] = {}
        self.alerts: list[Alert] = []
        self.late: list[LateEvent] = []

    def send(self, *events: CallEvent | Rejected, appended: int | None = None) -> None:
        """Fold events in one chunk; the broker appends each at its own time unless told when."""
        chunk = []
        for event in events:
            at = 0 if isinstance(event, Rejected) else event.occurred_at_ms
            chunk.append((self.offset, at if appended is None else NOON + appended, event))
            self.offset += 1
        self.fold.fold(chunk)
        box = self.fold.take_outbox()
        names = list(KPI_FIELDS)
        for (queue, index, pane), counts in box.panes.items():
            kpi = names[index]
            found = {n: c for n, c in zip(KPI_FIELDS[kpi], counts, strict=True) if c}
            for bucket in WAIT_FIELDS:  # test_outcome.py has them
                found.pop(bucket, None)
            self.panes[queue.queue, kpi, (pane - NOON) // PANE_MS] = found
        self.alerts += box.alerts
        self.late += box.late

    def tick(self, at: int, queue: str = "clock") -> None:
        """Move event time on by an event that counts for nothing."""
        self.send(an_event("offered", at, contact_id=f"clock-{at}", queue=queue))

    def restart(self) -> None:
        """Go on from the snapshot, as another process would."""
        plain = msgspec.msgpack.decode(msgspec.msgpack.encode(dump(self.fold)))
        self.fold = load(plain, self.targets, self.rules)

    def service_level(self, pane: int = 0, queue: str = "service") -> dict[str, int]:
        return self.panes.get((queue, "service-level", pane), {})

    @property
    def ends(self) -> tuple[int, int, int, int, int]:
        c = self.fold.counters
        assert c.total == self.fold.next_offset - self.fold.first_offset
        return c.accepted, c.duplicate, c.late, c.rejected, c.quarantined


def a_call(contact: str, at: int, wait: int, *, end: str = "answered") -> list[CallEvent]:
    return [
        an_event("queued", at, contact_id=contact),
        an_event(end, at + wait, contact_id=contact),
    ]


def test_the_spans_that_readers_rely_on() -> None:
    assert (PANE_MS, WINDOWS_S) == (30 * S, (60, 300, 900, 1800))
    assert (GRACE_MS, CLOCK_AHEAD_MS, IDLE_SOURCE_MS) == (2 * HOUR, 5 * S, MIN)
    assert (MAX_LEG_AGE_MS, SWEEP_MS, LONGEST_WINDOW_MS) == (12 * HOUR, 15 * MIN, 30 * MIN)


# --- offsets ---------------------------------------------------------------------------------


def test_a_gap_in_the_log_stops_the_fold_at_the_gap() -> None:
    fold = PartitionFold(history, first_offset=7)
    chunk = [(7, NOON, an_event("queued")), (9, NOON, an_event("answered", S))]
    with pytest.raises(GapInLogError, match="expected offset 8, found 9") as caught:
        fold.fold(chunk)
    assert (caught.value.expected, caught.value.found) == (8, 9)
    assert fold.next_offset == 8
    assert fold.counters.total == 1


def test_what_came_before_a_gap_is_counted_and_snapshots_whole() -> None:
    fold = PartitionFold(history)
    queued, abandoned = a_call("c1", 0, 3 * S, end="abandoned")
    with pytest.raises(GapInLogError):
        fold.fold([(0, NOON, queued), (1, NOON + 3 * S, abandoned), (5, NOON, queued)])
    panes = {(i, pane): counts for (_, i, pane), counts in fold.take_outbox().panes.items()}
    zeros = [0] * (len(KPI_FIELDS["service-level"]) - 6)
    assert panes == {(0, NOON): [1, 0, 0, 1, 1, 1, *zeros]}
    again = load(dump(fold), history)
    assert again.queue("acme", "", "service").panes[0] == {NOON: panes[0, NOON]}


def test_offsets_already_folded_are_skipped() -> None:
    feed = Feed()
    queued, answered = a_call("c1", 0, S)
    feed.send(queued, answered)
    before = dump(feed.fold)
    feed.fold.fold([(0, NOON, queued), (1, NOON + S, answered)])
    assert dump(feed.fold) == before
    feed.fold.fold([(1, NOON, answered), (2, NOON, an_event("ended", 2 * S))])
    assert feed.ends == (3, 0, 0, 0, 0)


# --- the five ends ---------------------------------------------------------------------------


def test_every_end_of_a_record_is_counted_where_it_belongs() -> None:
    feed = Feed()
    queued = an_event("queued", 3 * HOUR)
    feed.send(queued)
    feed.send(queued)
    feed.send(an_event("queued", 0, contact_id="old"), appended=3 * HOUR)
    feed.send(BAD)
    feed.send(an_event("queued", 4 * HOUR, contact_id="fast"), appended=3 * HOUR)
    assert feed.ends == (1, 1, 1, 1, 1)


def test_a_rejected_record_keeps_its_offset_and_moves_no_time() -> None:
    fold = PartitionFold(history)
    fold.fold([(0, NOON, BAD)])
    assert fold.take_outbox().rejected == [(0, BAD)]
    assert (fold.watermark.ms, fold.legs, fold.counters.rejected) == (0, {}, 1)


@pytest.mark.parametrize(("ahead", "quarantined"), [(CLOCK_AHEAD_MS, 0), (CLOCK_AHEAD_MS + 1, 1)])
def test_a_clock_more_than_5_s_ahead_is_quarantined(ahead: int, quarantined: int) -> None:
    assert CLOCK_AHEAD_MS == 5_000
    fold = PartitionFold(history)
    event = an_event("queued", ahead)
    fold.fold([(0, NOON, event)])
    assert fold.counters.quarantined == quarantined
    assert fold.take_outbox().quarantined == [(0, event)] * quarantined
    assert fold.watermark.ms == (0 if quarantined else NOON + ahead)


@pytest.mark.parametrize(("behind", "late"), [(GRACE_MS, []), (GRACE_MS + 1, ["behind_watermark"])])
def test_an_event_is_late_when_more_than_the_grace_behind(behind: int, late: list[str]) -> None:
    assert GRACE_MS == 2 * HOUR
    feed = Feed()
    feed.tick(3 * HOUR)
    feed.send(an_event("queued", 3 * HOUR - behind), appended=3 * HOUR)
    assert [e.reason for e in feed.late] == late
    assert [e.offset for e in feed.late] == [1] * len(late)


def test_an_event_that_moves_time_on_is_not_made_late_by_itself() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0), an_event("queued", 9 * HOUR, contact_id="c2"))
    assert feed.ends == (2, 0, 0, 0, 0)


# --- the watermark ---------------------------------------------------------------------------


def test_the_slower_of_two_sources_holds_time_back_until_it_is_silent_for_a_minute() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0, source="acd"), appended=0)
    feed.send(an_event("queued", 0, source="ivr", contact_id="c2"), appended=0)
    feed.send(an_event("queued", 50 * S, source="acd", contact_id="c3"), appended=50 * S)
    assert feed.fold.watermark.ms == NOON
    assert feed.service_level() == {}
    feed.send(an_event("queued", 60 * S, source="acd", contact_id="c4"), appended=60 * S)
    assert feed.fold.watermark.ms == NOON
    feed.send(an_event("queued", 61 * S, source="acd", contact_id="c5"), appended=60 * S + 1)
    assert feed.fold.watermark.ms == NOON + 61 * S
    assert feed.service_level() == {"offered": 2, "waiting_over": 2}


def test_time_moves_only_with_an_event_that_is_its_sources_newest() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0, source="ivr"), appended=0)
    feed.send(an_event("queued", 50 * S, source="acd", contact_id="c2"), appended=50 * S)
    for at in (40 * S, 50 * S):
        feed.send(an_event("queued", at, source="acd", contact_id=f"c{at}"), appended=61 * S)
        assert feed.fold.watermark.ms == NOON
    feed.send(an_event("queued", 50 * S + 1, source="acd", contact_id="c3"), appended=61 * S)
    assert feed.fold.watermark.ms == NOON + 50 * S + 1


@pytest.mark.parametrize(
    ("kind", "counted"),
    [
        ("answered", {"offered": 1, "answered": 1, "answered_within": 1, "wait_answered_ms": S}),
        ("abandoned", {"offered": 1, "abandoned": 1, "abandoned_within": 1, "abandoned_short": 1}),
        ("flowed_out", {"offered": 1, "flowed_out": 1, "flowed_out_within": 1}),
        ("callback_requested", {"offered": 1, "callbacks": 1, "callbacks_within": 1}),
    ],
)
def test_a_leg_whose_end_came_first_counts_as_soon_as_it_is_known_to_have_queued(
    kind: str, counted: dict[str, int]
) -> None:
    feed = Feed()
    feed.send(an_event(kind, S))
    assert feed.service_level() == {}
    feed.send(an_event("queued", 0))
    assert feed.service_level() == counted


def test_a_transfer_counts_as_soon_as_its_leg_is_known_to_have_queued() -> None:
    feed = Feed()
    feed.send(an_event("transferred", S))
    feed.send(an_event("queued", 0))
    assert feed.panes["service", "complaint-signals", 0] == {
        "transfers": 1,
        "transfers_blind": 1,
    }


def test_a_complaint_of_a_call_takes_nothing_from_its_handle_time() -> None:
    feed = Feed()
    call = [*a_call("c1", 0, S), an_event("ended", 61 * S)]
    for event in (*call, an_event("complaint_flagged", 92 * S)):
        feed.send(event)
    assert feed.panes["service", "handle-time", 2] == {"handled": 1, "talk_ms": MIN}
    assert feed.panes["service", "complaint-signals", 3] == {"complaints": 1}


def test_a_source_that_comes_back_cannot_turn_time_back() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0, source="ivr"), appended=0)
    feed.send(an_event("queued", 5 * MIN, source="acd", contact_id="c2"), appended=5 * MIN)
    feed.send(an_event("queued", 6 * MIN, source="acd", contact_id="c3"), appended=6 * MIN)
    assert feed.fold.watermark.ms == NOON + 6 * MIN
    feed.send(an_event("queued", MIN, source="ivr", contact_id="c4"), appended=6 * MIN)
    assert feed.fold.watermark.ms == NOON + 6 * MIN


def test_time_is_that_of_the_events_not_of_the_broker() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0), an_event("answered", 2 * S), appended=HOUR)
    feed.send(an_event("ended", S), appended=2 * HOUR)
    assert feed.fold.watermark.ms == NOON + 2 * S


def test_a_source_that_was_alone_holds_time_back_when_a_second_one_joins() -> None:
    feed = Feed()
    for at in (0, 2 * MIN):
        feed.send(an_event("queued", at, contact_id=f"c{at}"), appended=at)
    at = 2 * MIN + 30 * S
    feed.send(an_event("queued", at, source="ivr", contact_id="c9"), appended=at)
    assert feed.fold.watermark.ms == NOON + 2 * MIN


def test_a_source_that_sends_only_old_events_is_still_alive() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0), appended=0)
    feed.send(an_event("queued", -S, contact_id="c2"), appended=2 * MIN)
    at = 2 * MIN + 30 * S
    feed.send(an_event("queued", at, source="ivr", contact_id="c3"), appended=at)
    assert feed.fold.watermark.ms == NOON


# --- timers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("inclusive", "due"), [(True, 20_001), (False, 20_000)])
def test_a_waiting_call_is_counted_by_its_timer_at_the_first_instant_past_the_threshold(
    inclusive: bool,  # noqa: FBT001
    due: int,
) -> None:
    targets = TargetHistory((0,), (a_target(inclusive=inclusive),))
    feed = Feed(targets=lambda *_: targets)
    feed.send(an_event("queued", 0))
    feed.tick(due - 1)
    assert feed.service_level() == {}
    feed.tick(due)
    assert feed.service_level() == {"offered": 1, "waiting_over": 1}


def test_a_call_whose_queueing_comes_late_counts_at_once_if_its_threshold_has_passed() -> None:
    feed = Feed()
    feed.tick(MIN)
    feed.send(an_event("queued", 0, source="slow"))
    assert feed.service_level() == {"offered": 1, "waiting_over": 1}


def test_a_timer_survives_a_restart() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0))
    feed.restart()
    feed.tick(20_001)
    assert feed.service_level() == {"offered": 1, "waiting_over": 1}


def test_what_a_leg_counts_for_survives_a_restart_and_is_taken_back() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0))
    feed.tick(25 * S)
    feed.restart()
    feed.send(an_event("answered", 28 * S))
    assert feed.service_level() == {"offered": 1, "answered": 1, "wait_answered_ms": 28_000}


def test_a_call_that_moves_to_another_pane_is_taken_out_of_the_one_it_was_in() -> None:
    feed = Feed()
    feed.send(an_event("queued", 20 * S), an_event("answered", 45 * S))
    assert feed.service_level(1) == {"offered": 1, "answered": 1, "wait_answered_ms": 25_000}
    feed.send(an_event("answered", 25 * S))
    assert feed.service_level(1) == {}
    assert feed.service_level(0) == {
        "offered": 1,
        "answered": 1,
        "answered_within": 1,
        "wait_answered_ms": 5_000,
    }


def test_a_chunk_tells_of_the_panes_that_a_leg_was_in_meanwhile() -> None:
    """A worker that cut the log in between may have published them before it died."""
    feed = Feed()
    moved = an_event("queued", 5 * S, contact_id="c1")
    feed.send(*a_call("c1", 35 * S, 6 * S, end="abandoned"), moved)
    assert feed.panes["service", "service-level", 1] == {}
    assert feed.service_level(0) == {"offered": 1, "abandoned": 1}


def test_a_chunk_tells_of_the_pane_in_which_a_threshold_passed_meanwhile() -> None:
    feed = Feed()
    due = 31 * S + a_target().threshold_ms + a_target().inclusive
    assert due < MIN  # no pane ends before it: nothing but the timer settles the leg
    feed.send(an_event("queued", 31 * S), an_event("offered", due), an_event("queued", 5 * S))
    assert feed.panes["service", "service-level", 1] == {}
    assert feed.service_level(0) == {"offered": 1, "waiting_over": 1}


def test_an_event_that_changes_no_count_publishes_nothing() -> None:
    fold = PartitionFold(history)
    events = [*a_call("c1", 0, S), an_event("hold_started", 2 * S, contact_id="c1")]
    fold.fold((i, NOON, event) for i, event in enumerate(events[:2]))
    assert len(fold.take_outbox().panes) == 1
    fold.fold([(2, NOON, events[2])])
    assert fold.take_outbox().panes == {}
    assert fold.counters.accepted == 3


def test_the_target_is_that_of_the_instant_of_queueing_or_else_of_the_first_event() -> None:
    strict, lax = a_target(threshold_ms=20_000), a_target(threshold_ms=60_000)
    targets = TargetHistory((0, NOON + 60 * S), (strict, lax))
    feed = Feed(targets=lambda *_: targets)
    feed.send(an_event("complaint_flagged", 50 * S))
    feed.send(an_event("queued", 61 * S), an_event("answered", 95 * S))
    assert feed.service_level(3)["answered_within"] == 1
    feed.send(*a_call("c2", 59 * S, 40 * S))
    assert feed.service_level(2) == {"offered": 1, "answered": 1, "wait_answered_ms": 40_000}


def test_nothing_is_left_to_settle_after_a_chunk() -> None:
    feed = Feed()
    feed.send(*a_call("c1", 0, S), an_event("queued", 2 * S, contact_id="c2"))
    assert feed.fold._dirty == []


def test_a_call_that_is_answered_late_moves_from_waiting_to_answered() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0))
    feed.tick(25 * S)
    feed.send(an_event("answered", 40 * S))
    assert feed.service_level() == {"offered": 1, "answered": 1, "wait_answered_ms": 40_000}
    assert feed.service_level(1) == {}


def test_quiet_nights_are_skipped_without_losing_a_timer() -> None:
    """A call waits from before a night in which nothing happens to the morning."""
    feed = Feed(a_rule(window_ms=30_000))
    feed.send(*a_call("c0", 0, S))
    feed.send(an_event("queued", 10 * S, contact_id="night"))
    feed.tick(9 * HOUR)
    assert feed.service_level() == {
        "offered": 1,
        "answered": 1,
        "answered_within": 1,
        "wait_answered_ms": 1_000,
    }
    assert feed.service_level(1) == {"offered": 1, "waiting_over": 1}
    assert [(a.status, (a.at_ms - NOON) // S) for a in feed.alerts] == [("firing", 60)]


def test_a_restored_fold_stops_at_the_same_boundaries_as_one_that_went_on() -> None:
    """The timer of an answered call means nothing, and a snapshot does not have it."""

    def hours(*_: str) -> TargetHistory:
        return TargetHistory((0,), (a_target(threshold_ms=20 * HOUR),))

    def left(*, restarted: bool) -> tuple[object, ...]:
        feed = Feed(a_rule(), targets=hours)
        feed.send(*a_call("c1", 0, S))
        feed.tick(MIN)
        if restarted:
            feed.restart()
        feed.tick(40 * MIN)
        feed.tick(31 * HOUR)
        return feed.fold.next_boundary, feed.fold.next_sweep, feed.fold.closed.rotate_at_ms

    assert left(restarted=True) == left(restarted=False)


def test_a_timer_that_falls_due_amid_a_quiet_time_is_kept_at_its_own_pane() -> None:
    """The threshold of an hour passes long after every window is empty."""
    targets = TargetHistory((0,), (a_target(threshold_ms=HOUR),))
    feed = Feed(a_rule(), targets=lambda *_: targets)
    feed.send(an_event("queued", 0))
    feed.tick(90 * MIN)
    assert feed.service_level(120) == {"offered": 1, "waiting_over": 1}
    assert [(a.at_ms - NOON) // S for a in feed.alerts] == [3630]
    assert feed.fold.next_boundary == NOON + 90 * MIN + PANE_MS


# --- alerts ----------------------------------------------------------------------------------


def some_calls(start: int, good: int, bad: int) -> list[CallEvent]:
    """Calls offered in one instant: answered at once, or abandoned after 6 s."""
    found = []
    for i in range(good):
        found += a_call(f"good-{start}-{i}", start, 0)
    for i in range(bad):
        found += a_call(f"bad-{start}-{i}", start, 6 * S, end="abandoned")
    return found


@pytest.mark.parametrize(("good", "bad", "fires"), [(7, 3, False), (69, 31, True)])
def test_an_alert_fires_below_goal_less_margin_and_not_at_it(
    good: int,
    bad: int,
    fires: bool,  # noqa: FBT001
) -> None:
    feed = Feed(a_rule())
    feed.send(*some_calls(0, good, bad))
    feed.tick(30 * S - 1)
    assert feed.alerts == []
    feed.tick(30 * S)
    assert len(feed.alerts) == int(fires)


def test_an_alert_says_what_when_and_why_and_is_over_at_the_goal() -> None:
    feed = Feed(a_rule())
    feed.send(*some_calls(0, 1, 1))
    feed.tick(30 * S)
    feed.tick(89 * S)
    (fired,) = feed.alerts
    assert (fired.status, fired.at_ms) == (AlertStatus.FIRING, NOON + 30 * S)
    assert (fired.offered, fired.answered_within, fired.goal_permille) == (2, 1, 800)
    assert (fired.rule, fired.rule_version, fired.severity) == ("drop", "1", "page")
    assert (fired.client, fired.site, fired.queue) == ("acme", "", "service")
    assert (fired.runbook, fired.window_ms) == ("docs/runbooks/drop.md", 60_000)
    feed.send(*some_calls(95 * S, 4, 1))
    feed.tick(120 * S)
    _, resolved = feed.alerts
    assert (resolved.status, resolved.at_ms) == (AlertStatus.RESOLVED, NOON + 120 * S)
    assert (resolved.offered, resolved.answered_within) == (5, 4)
    assert len(fired.alert_id) == 32
    assert resolved.alert_id != fired.alert_id


def test_an_alert_stays_while_the_level_is_between_its_margins() -> None:
    feed = Feed(a_rule(window_ms=30_000))
    feed.send(*some_calls(0, 1, 1))
    feed.tick(30 * S)
    feed.send(*some_calls(31 * S, 799, 201))
    feed.tick(60 * S)
    assert [a.status for a in feed.alerts] == ["firing"]


def test_an_alert_is_not_over_because_the_calls_stop() -> None:
    feed = Feed(a_rule(window_ms=30_000))
    feed.send(*some_calls(0, 0, 2))
    feed.tick(30 * S)
    feed.tick(3 * HOUR)
    assert [a.status for a in feed.alerts] == ["firing"]
    subject = feed.fold.subjects[Place(Scope.QUEUE, "acme", queue="service")]
    assert subject.alerts["drop"].firing


def test_a_rule_speaks_again_when_good_panes_leave_the_window() -> None:
    """Nothing new comes in; what made the window good falls out of it."""
    feed = Feed(a_rule())
    feed.send(*some_calls(0, 8, 0))
    feed.send(*some_calls(30 * S, 0, 2))
    feed.tick(60 * S)
    assert feed.alerts == []
    feed.tick(90 * S)
    assert [(a.at_ms - NOON, a.offered, a.answered_within) for a in feed.alerts] == [(90 * S, 2, 0)]


def test_a_new_target_is_judged_by_at_once() -> None:
    """The goal rises at the next boundary while the counts stay as they are."""
    low, high = a_target(goal_permille=500), a_target(goal_permille=950)
    targets = TargetHistory((0, NOON + 60 * S), (low, high))
    feed = Feed(a_rule(window_ms=300_000), targets=lambda *_: targets)
    feed.send(*some_calls(0, 5, 5))
    feed.tick(59 * S)
    assert feed.alerts == []
    feed.tick(60 * S)
    assert [(a.at_ms - NOON, a.goal_permille) for a in feed.alerts] == [(60 * S, 950)]


def test_too_few_calls_say_nothing() -> None:
    feed = Feed(a_rule(min_offered=3))
    feed.send(*some_calls(0, 0, 2))
    feed.tick(30 * S)
    assert feed.alerts == []
    feed.send(*some_calls(31 * S, 0, 1))
    feed.tick(60 * S)
    assert [a.offered for a in feed.alerts] == [3]


def test_each_rule_and_queue_stands_for_itself() -> None:
    feed = Feed(a_rule(name="fast"), a_rule(name="slow", window_ms=120_000, min_offered=3))
    feed.send(*some_calls(0, 0, 2))
    feed.send(an_event("queued", 0, queue="orders"), an_event("answered", 0, queue="orders"))
    feed.tick(30 * S)
    assert [(a.rule, a.queue) for a in feed.alerts] == [("fast", "service")]


def test_alerts_of_two_queues_have_names_of_their_own() -> None:
    feed = Feed(a_rule())
    feed.send(*some_calls(0, 0, 2))
    for contact in ("o1", "o2"):
        feed.send(an_event("queued", 0, queue="orders", contact_id=contact))
    feed.tick(30 * S)
    assert {alert.queue for alert in feed.alerts} == {"service", "orders"}
    assert len({alert.alert_id for alert in feed.alerts}) == 2


def test_the_longest_window_decides_how_long_a_queue_is_looked_at() -> None:
    """Good calls leave the slow rule's window long after the fast rule's has emptied."""
    fast, slow = a_rule(name="fast", window_ms=30_000), a_rule(name="slow", window_ms=120_000)
    for rules, expected in (
        ((fast, slow), [("fast", 60), ("slow", 150)]),
        ((replace(fast, min_offered=99), slow), [("slow", 150)]),  # nothing keeps it awake
    ):
        feed = Feed(*rules)
        feed.send(*some_calls(0, 8, 0), *some_calls(1 * S, 0, 1), *some_calls(30 * S, 0, 1))
        feed.tick(200 * S)
        assert [(a.rule, (a.at_ms - NOON) // S) for a in feed.alerts] == expected


def test_an_older_call_that_comes_last_does_not_hide_newer_ones() -> None:
    feed = Feed(a_rule(window_ms=30_000))
    feed.tick(0)
    feed.send(*some_calls(60 * S, 0, 2))
    feed.send(*some_calls(0, 1, 0))
    feed.tick(90 * S)
    assert [((a.at_ms - NOON) // S, a.offered) for a in feed.alerts] == [(90, 2)]


def test_the_pane_of_the_first_event_is_the_first_to_be_closed() -> None:
    feed = Feed(a_rule())
    feed.tick(0)
    feed.send(*some_calls(-40 * S, 0, 2))
    feed.tick(29 * S)
    assert feed.alerts == []
    feed.tick(30 * S)
    assert feed.alerts == []
    feed.send(*some_calls(20 * S, 0, 2))
    feed.tick(60 * S)
    assert [((a.at_ms - NOON) // S, a.offered) for a in feed.alerts] == [(60, 2)]


def test_the_window_of_a_rule_is_half_open() -> None:
    feed = Feed()
    feed.send(*some_calls(0, 1, 0), *some_calls(30 * S, 2, 0), *some_calls(60 * S, 4, 0))
    queue = feed.fold.queue("acme", "", "service")
    assert window_counts(queue, NOON + 60 * S, 60_000, a_target()) == (3, 3)
    assert window_counts(queue, NOON + 90 * S, 60_000, a_target()) == (6, 6)
    assert window_counts(queue, NOON + 150 * S, 60_000, a_target()) == (0, 0)


# --- letting go ------------------------------------------------------------------------------


def swept(feed: Feed, at: int) -> None:
    """Move time on so that a sweep surely has taken place at or after an instant."""
    feed.tick(at)
    feed.tick(at + SWEEP_MS + PANE_MS)


def legs_of(feed: Feed) -> set[str]:
    return {key[0] for key in feed.fold.legs if not key[0].startswith("clock")}


def test_a_finished_leg_is_kept_for_the_grace_and_then_let_go() -> None:
    feed = Feed()
    feed.send(*a_call("c1", 0, S, end="abandoned"))
    feed.tick(GRACE_MS)
    assert legs_of(feed) == {"c1"}
    assert feed.fold.live_legs == 2  # with the one that moved time on
    swept(feed, GRACE_MS + 2 * S)
    assert legs_of(feed) == set()


def test_an_unfinished_leg_is_kept_for_half_a_day() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0))
    for hour in range(3, 12):
        feed.tick(hour * HOUR)
    assert legs_of(feed) == {"c1"}
    feed.send(an_event("answered", 12 * HOUR))
    assert feed.service_level()["answered"] == 1


def test_an_unfinished_leg_is_let_go_past_half_a_day() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0), an_event("answered", 12 * HOUR + 1))
    assert [late.reason for late in feed.late] == ["leg_closed"]


def test_a_finished_leg_still_takes_what_moves_time_on() -> None:
    feed = Feed()
    feed.send(*a_call("c1", 0, S, end="abandoned"), an_event("offered", 9 * S))
    assert feed.ends == (3, 0, 0, 0, 0)


def test_a_repetition_at_the_very_edge_of_the_grace_finds_its_leg() -> None:
    feed = Feed()
    queued, abandoned = a_call("c1", 0, 30 * S, end="abandoned")
    feed.send(queued, abandoned)
    feed.tick(GRACE_MS + 30 * S)
    feed.send(abandoned, appended=GRACE_MS + 30 * S)
    assert feed.ends == (3, 1, 0, 0, 0)


def test_a_leg_that_never_finishes_is_let_go_after_half_a_day() -> None:
    feed = Feed()
    feed.send(an_event("queued", 0))
    swept(feed, MAX_LEG_AGE_MS)
    assert legs_of(feed) == set()
    feed.send(an_event("answered", MAX_LEG_AGE_MS + HOUR))
    assert [late.reason for late in feed.late] == ["leg_closed"]
    assert feed.service_level() == {"offered": 1, "waiting_over": 1}


def test_an_event_of_a_leg_that_was_let_go_is_late_but_its_complaint_counts() -> None:
    feed = Feed()
    feed.send(*a_call("c1", 0, S), an_event("ended", 9 * S))
    swept(feed, GRACE_MS + MIN)
    published = dict(feed.panes)
    feed.send(an_event("wrapup_started", 2 * HOUR + MIN))
    assert [(late.offset, late.reason) for late in feed.late] == [(feed.offset - 1, "leg_closed")]
    assert feed.panes == published
    feed.send(an_event("complaint_flagged", 3 * HOUR))
    assert feed.panes["service", "complaint-signals", 360] == {"complaints": 1}
    feed.send(an_event("abandoned", 3 * HOUR, reason=BEFORE_QUEUE))
    assert feed.service_level(360) == {"abandoned_before_queue": 1}
    feed.send(an_event("queued", 3 * HOUR))
    assert [late.reason for late in feed.late] == ["leg_closed"] * 2
    assert feed.ends[2] == 2


def test_a_leg_that_expires_between_sweeps_is_let_go_by_its_next_event() -> None:
    feed = Feed()
    feed.send(*a_call("c1", 0, S), an_event("ended", 9 * S))
    feed.tick(GRACE_MS + 9 * S)
    assert legs_of(feed) == {"c1"}
    feed.tick(GRACE_MS + 9 * S + 1)
    feed.send(an_event("wrapup_started", MIN), appended=3 * HOUR)
    assert [late.reason for late in feed.late] == ["leg_closed"]
    assert legs_of(feed) == set()


def test_a_leg_changed_and_let_go_within_one_chunk_counts_all_it_knew() -> None:
    """The first complaint just makes the grace, time moves on a second, a second one comes."""
    feed = Feed()
    now = GRACE_MS + 5 * S
    feed.send(
        an_event("queued", now, contact_id="c2"),
        an_event("complaint_flagged", 5 * S),
        an_event("answered", now + S, contact_id="c2"),
        an_event("complaint_flagged", 6 * S),
        appended=now + S,
    )
    assert feed.panes["service", "complaint-signals", 0] == {"complaints": 2}
    assert feed.ends == (4, 0, 0, 0, 0)


def test_closed_legs_are_remembered_for_at_least_half_and_at_most_a_whole_day() -> None:
    feed = Feed()
    feed.send(*a_call("c1", 0, S, end="abandoned"))
    swept(feed, GRACE_MS + MIN)
    feed.send(an_event("queued", 14 * HOUR), appended=14 * HOUR)
    assert [late.reason for late in feed.late] == ["leg_closed"]
    for hour in range(15, 27):
        feed.tick(hour * HOUR)
    feed.send(an_event("queued", 26 * HOUR), appended=26 * HOUR)
    assert [late.reason for late in feed.late] == ["leg_closed"] * 2
    feed.tick(27 * HOUR)
    feed.send(an_event("queued", 27 * HOUR), appended=27 * HOUR)
    assert len(feed.late) == 2
    assert legs_of(feed) == {"c1"}


def test_a_closed_leg_is_remembered_in_eight_bytes() -> None:
    assert REMEMBERED_MS == 12 * HOUR
    assert len(fingerprint(("c1", 1, "service", "acme", ""))) == 8
    assert len({fingerprint(("c1", 1, "service", "acme", s)) for s in ("", "a", "b")}) == 3


def test_memory_of_closed_legs_survives_a_restart() -> None:
    feed = Feed()
    feed.send(*a_call("c1", 0, S, end="abandoned"))
    swept(feed, GRACE_MS + MIN)
    feed.restart()
    feed.send(an_event("answered", 3 * HOUR))
    assert [late.reason for late in feed.late] == ["leg_closed"]


def test_letting_go_of_panes_and_legs_keeps_what_was_published() -> None:
    feed = Feed(a_rule())
    feed.send(*a_call("c1", 0, S, end="abandoned"))
    feed.send(an_event("complaint_flagged", 2 * S, contact_id="c2"))
    feed.send(*a_call("c3", 0, S), an_event("ended", 2 * S, contact_id="c3"))
    published = dict(feed.panes)
    swept(feed, 5 * HOUR)
    queue = feed.fold.queue("acme", "", "service")
    assert [dict(panes) for panes in queue.panes] == [{}, {}, {}]
    assert legs_of(feed) == set()
    assert feed.panes == published
    assert len(published) == 3


def test_panes_are_kept_while_a_leg_may_still_change_them() -> None:
    """The first caller still waits; the answer takes the call out of the pane it was put into."""
    feed = Feed()
    feed.send(an_event("queued", 0))
    feed.send(*a_call("c2", 0, 2 * S, end="abandoned"))
    swept(feed, 5 * HOUR)
    assert legs_of(feed) == {"c1"}
    both = {"abandoned": 1, "abandoned_within": 1, "abandoned_short": 1, "offered": 2}
    assert feed.service_level() == both | {"waiting_over": 1}
    feed.send(an_event("answered", 5 * HOUR + SWEEP_MS))
    assert feed.service_level() == both | {"answered": 1, "wait_answered_ms": 5 * HOUR + SWEEP_MS}


# --- state -----------------------------------------------------------------------------------


def test_a_state_of_another_version_is_refused() -> None:
    plain = dump(PartitionFold(history))
    with pytest.raises(ValueError, match=f"expected state version {STATE_VERSION}, got 1"):
        load(plain | {"state_version": 1}, history)


def test_a_snapshot_brings_back_every_fact_and_every_deadline() -> None:
    feed = Feed()
    feed.tick(0)
    feed.send(
        *a_call("c1", 0, S),
        an_event("offered", 0),
        an_event("offered", 0, agent="bob"),
        an_event("hold_started", 2 * S),
        an_event("hold_ended", 3 * S, hold_seq=2),
        an_event("complaint_flagged", 5 * S),
        an_event("complaint_flagged", 4 * S),
        an_event("abandoned", 7 * S, reason=BEFORE_QUEUE),
        an_event("abandoned", 6 * S, reason=BEFORE_QUEUE),
        an_event("flowed_out", 8 * S),
        an_event("transferred", 8 * S),
        an_event("ended", 40 * S, customer_ref="ref"),
    )
    before = feed.fold
    facts = {key: leg.facts for key, leg in before.legs.items()}
    stored = next(leg[-1] for leg in dump(before)["legs"] if leg[0] == "c1")
    assert [NOON + 4 * S, NOON + 5 * S] in stored
    assert [NOON + 6 * S, NOON + 7 * S] in stored
    feed.restart()
    assert {key: leg.facts for key, leg in feed.fold.legs.items()} == facts
    assert feed.fold.next_boundary == before.next_boundary > NOON
    assert feed.fold.next_sweep == before.next_sweep > NOON
    assert [q.panes for q in feed.fold.queues.values()] == [q.panes for q in before.queues.values()]


def test_a_fold_goes_on_from_its_snapshot_with_its_alerts_firing() -> None:
    feed = Feed(a_rule(window_ms=30_000))
    feed.send(*some_calls(0, 0, 2))
    feed.tick(30 * S)
    feed.restart()
    feed.send(*some_calls(31 * S, 0, 2))
    feed.tick(60 * S)
    assert len(feed.alerts) == 1
    feed.send(*some_calls(61 * S, 5, 0))
    feed.tick(90 * S)
    assert [a.status for a in feed.alerts] == ["firing", "resolved"]


# --- definitions -----------------------------------------------------------------------------


def test_an_alert_goes_by_the_service_level_that_the_definition_means() -> None:
    """Two answered in time, two abandoned: 50 % of offered, but 100 % of answered."""
    rules = KpiDefinition(name="of answered", service_level=Variant.SL2)
    lenient = TargetHistory((0,), (a_target(definition=rules),))
    for targets, fired in ((history(), 1), (lenient, 0)):
        feed = Feed(a_rule(min_offered=2))
        feed.fold = PartitionFold(lambda *_queue, found=targets: found, [a_rule(min_offered=2)])
        feed.send(*some_calls(0, 2, 2))
        feed.tick(31 * S)
        assert len(feed.alerts) == fired
    queue = feed.fold.queue("acme", "", "service")
    assert window_counts(queue, NOON + 30 * S, 30_000, a_target(definition=rules)) == (2, 2)


def test_offers_let_ring_count_where_they_happened_once_the_leg_has_queued() -> None:
    feed = Feed()
    feed.send(an_event("ring_no_answer", 31 * S), an_event("ring_no_answer", 61 * S))
    feed.tick(62 * S)
    assert ("service", "handle-time", 1) not in feed.panes
    feed.send(an_event("queued", S))
    feed.tick(63 * S)
    assert feed.panes["service", "handle-time", 1] == {"no_answers": 1}
    assert feed.panes["service", "handle-time", 2] == {"no_answers": 1}


def test_a_refused_call_that_queues_after_all_is_no_longer_refused() -> None:
    feed = Feed()
    feed.send(an_event("refused", S, reason="FULL"))
    feed.tick(2 * S)
    assert feed.service_level() == {"refused_full": 1}
    feed.send(an_event("queued", 3 * S), an_event("abandoned", 12 * S))
    feed.tick(31 * S)
    assert feed.service_level() == {"offered": 1, "abandoned": 1, "abandoned_within": 1}


def test_an_outbound_attempt_is_told_where_it_was_dialed() -> None:
    feed = Feed()
    feed.send(an_event("dialed", S))
    feed.tick(2 * S)
    assert feed.service_level() == {"dialed": 1}
    feed.send(an_event("connected", 40 * S))
    feed.tick(41 * S)
    assert feed.service_level() == {"dialed": 1, "connected": 1, "connected_live": 1}
    feed.send(an_event("ended", 45 * S))
    feed.tick(46 * S)
    assert feed.service_level()["dialer_abandoned"] == 1
