"""The live numbers as data: windows that end at the watermark, and the calls waiting now."""

from __future__ import annotations

import json
from typing import Any

from pipeline.domain.alert import AlertState
from pipeline.domain.alert_rule import DropRule
from pipeline.domain.alert_scope import Place, Scope
from pipeline.domain.definition import Attribution, KpiDefinition
from pipeline.domain.events import CallEvent
from pipeline.domain.fold import PartitionFold
from pipeline.domain.service_level import Variant
from pipeline.domain.target import TargetHistory
from pipeline.streams import status
from tests.factories import NOON, a_target, an_event, history
from tests.unit.domain.test_alert import a_rule
from tests.unit.streams.live import a_chunk, an_engine

S = 1000
MIN = 60 * S


def fold_of(*events: CallEvent) -> PartitionFold:
    fold = PartitionFold(history)
    fold.fold((i, event.occurred_at_ms, event) for i, event in enumerate(events))
    return fold


def row(fold: PartitionFold, queue: str = "service") -> dict[str, Any]:
    (found,) = [r for r in status.queue_rows(fold) if r["queue"] == queue]
    return found


def a_call(at: int, wait: int = 4 * S) -> list[CallEvent]:
    contact = f"c{at}"
    return [
        an_event("queued", at, contact_id=contact),
        an_event("answered", at + wait, contact_id=contact),
        an_event("ended", at + wait + 10 * S, contact_id=contact),
    ]


def test_rolling_windows_are_the_panes_of_the_last_1_5_15_and_30_minutes() -> None:
    """A call each at 45, 29, 14, 4 and 0 minutes before the watermark."""
    now = 45 * MIN
    events = [e for ago in (45, 29, 14, 4) for e in a_call(now - ago * MIN)]
    events += [*a_call(now), an_event("offered", now + 25 * S, contact_id="clock")]
    found = row(fold_of(*events))
    windows = found["windows"]
    assert {w: windows[w]["offered"] for w in windows} == {"60": 1, "300": 2, "900": 3, "1800": 4}
    assert {w: windows[w]["handled"] for w in windows} == {"60": 1, "300": 2, "900": 3, "1800": 4}
    assert windows["60"]["service_level"] == 1.0
    assert windows["60"]["abandon_rate"] == 0.0
    assert windows["1800"]["average_speed_of_answer_ms"] == 4_000
    assert windows["1800"]["average_handle_time_ms"] == 10_000
    assert found["watermark_ms"] == NOON + now + 25 * S


def test_a_window_holds_the_pane_under_way_and_half_a_minute_before_it() -> None:
    """Of a minute's two panes the older one falls out as soon as the watermark enters a third."""
    inside = [*a_call(0), an_event("offered", 59_999, contact_id="clock")]
    outside = [*a_call(0), an_event("offered", 60_000, contact_id="clock")]
    assert row(fold_of(*inside))["windows"]["60"]["offered"] == 1
    assert row(fold_of(*outside))["windows"]["60"]["offered"] == 0


def test_ratios_of_nothing_are_none() -> None:
    found = row(fold_of(an_event("offered")))
    for window in found["windows"].values():
        assert window["offered"] == 0
        for ratio in (
            "service_level",
            "abandon_rate",
            "average_speed_of_answer_ms",
            "average_handle_time_ms",
        ):
            assert window[ratio] is None


def test_calls_waiting_are_those_whose_wait_has_not_ended() -> None:
    events = [an_event("queued", 0, contact_id="long"), an_event("queued", 5 * S, contact_id="new")]
    for kind in ("answered", "abandoned", "flowed_out", "callback_requested"):
        events += [an_event("queued", S, contact_id=kind), an_event(kind, 8 * S, contact_id=kind)]
    events.append(an_event("offered", 9 * S, contact_id="never-queued"))
    found = row(fold_of(*events))
    assert (found["waiting"], found["longest_wait_ms"]) == (2, 9_000)


def test_a_call_that_waits_is_over_by_the_terms_it_queued_under() -> None:
    strict, mild = a_target(threshold_ms=5 * S), a_target(threshold_ms=60 * S)
    for first, second, over in ((strict, mild, 1), (mild, strict, 0)):
        targets = TargetHistory((0, NOON + 5 * S), (first, second))
        fold = PartitionFold(lambda *_queue, found=targets: found)
        events = [an_event("queued", contact_id="x"), an_event("offered", 9 * S, contact_id="y")]
        fold.fold([(i, e.occurred_at_ms, e) for i, e in enumerate(events)])
        found = row(fold)
        assert (found["waiting"], found["waiting_over"], found["service_level_now"]) == (
            *(1, over),
            1.0 - over,
        )


def test_the_page_says_what_its_signs_mean() -> None:
    page = status.PAGE.read_text(encoding="utf-8")
    told, script = page.split("<script>")
    assert '" ≈"' in script
    assert "≈ where the\ncontract counts whole contacts" in told


def test_a_queue_in_which_nobody_waits_says_so() -> None:
    found = row(fold_of(*a_call(0)))
    assert (found["waiting"], found["longest_wait_ms"]) == (0, 0)


def test_queues_come_in_order_with_their_goal_and_what_fires() -> None:
    fold = PartitionFold(history, [a_rule(DropRule), a_rule(DropRule, scope=Scope.CLIENT)])
    for queue in ("service", "orders"):
        fold.queue("acme", "", queue)
    fold.fold([(0, NOON, an_event("queued")), (1, NOON, an_event("queued", queue="orders"))])
    fold.subjects[Place(Scope.CLIENT, "acme")].alerts["client"] = AlertState(firing=True)
    fold.subjects[Place(Scope.QUEUE, "acme", queue="service")].alerts |= {
        "b": AlertState(firing=True),
        "a": AlertState(firing=True),
        "c": AlertState(),
    }
    rows = list(status.queue_rows(fold))
    assert [r["queue"] for r in rows] == ["orders", "service"]
    assert [r["firing"] for r in rows] == [[], ["a", "b"]]
    assert {r["goal"] for r in rows} == {0.8}
    assert {r["waiting"] for r in rows} == {1}


def test_the_snapshot_is_plain_data_with_a_row_per_partition() -> None:
    live = an_engine()
    live.recovered(1, first_offset=5)
    part = live.recovered(0)
    part.fold.fold((r.offset, r.timestamp, an_event("queued")) for r in a_chunk(0, 3))
    found = status.snapshot(live.engine)
    assert json.loads(json.dumps(found)) == found
    assert found["config_hash"] == live.engine.basis.config_hash
    assert [p["partition"] for p in found["partitions"]] == [0, 1]
    assert found["partitions"][0] == {
        "partition": 0,
        "first_offset": 0,
        "next_offset": 3,
        "snapshot_offset": 0,
        "watermark_ms": NOON,
        "legs": 1,
        "accepted": 1,
        "duplicate": 2,
        "late": 0,
        "rejected": 0,
        "quarantined": 0,
    }
    assert found["partitions"][1]["next_offset"] == 5
    assert [q["queue"] for q in found["queues"]] == ["service"]


def test_a_window_is_judged_by_the_queues_definition_and_says_so() -> None:
    rules = KpiDefinition(name="wazo", service_level=Variant.SL2, attribution=Attribution.ARRIVAL)
    targets = TargetHistory((0,), (a_target(definition=rules),))
    fold = PartitionFold(lambda *_queue: targets)
    events = [*a_call(0), an_event("queued", S, contact_id="x")]
    events += [an_event("abandoned", 9 * S, contact_id="x"), an_event("refused", contact_id="y")]
    fold.fold([(i, e.occurred_at_ms, e) for i, e in enumerate(events)])
    found = row(fold)
    assert (found["definition"], found["service_level_formula"]) == ("wazo", "SL2")
    assert found["is_as_in_the_month"] is False
    window = found["windows"]["60"]
    assert (window["service_level"], window["abandon_rate"]) == (1.0, 0.5)
    assert window["answered_rate"] == 1 / 3
    assert (window["wait_p50_below_ms"], window["wait_p90_below_ms"]) == (5_000, 5_000)
    assert not any(name.startswith("wait_00") for name in window)


def test_the_level_of_the_calls_waiting_now_is_told_apart() -> None:
    events = [an_event("queued", at, contact_id=f"c{at}") for at in (0, S, 20 * S)]
    found = row(fold_of(*events, an_event("offered", 21 * S + 1, contact_id="clock")))
    assert (found["waiting"], found["waiting_over"]) == (3, 2)
    assert found["service_level_now"] == 1 / 3
    assert row(fold_of(an_event("offered")))["service_level_now"] is None
