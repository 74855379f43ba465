"""Delivery: once per id, tried again with growing pauses, given up loudly."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pytest
import structlog

from pipeline.alerting.deliver import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    NOTED_EVERY_S,
    PATIENCE_S,
    REMEMBERED,
    Deliverer,
)
from pipeline.alerting.sink import AlertRecord, Sink
from pipeline.alerting.webhook import WebhookSink
from pipeline.errors import AlertRefused, ReceiverBusy, TransientError
from tests.unit.alerting.receiver import an_alert, nobody_there, receiving


class Pauses(list[float]):
    """Sleeps no time and keeps how long was asked for."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Kept:
    """A sink that keeps what it takes; before that it raises what it is told to, in turn."""

    name: Final = "kept"
    batch: Final = 10

    def __init__(self, *failures: Exception, refuses: str = "") -> None:
        self.ids: list[str] = []
        self.asked: list[list[str]] = []
        self.was_asked = asyncio.Event()
        self._failures = list(failures)
        self._refuses = refuses

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        ids = [alert["alert_id"] for alert in alerts]
        self.asked.append(ids)
        self.was_asked.set()
        if self._failures:
            raise self._failures.pop(0)
        if self._refuses in ids:
            raise AlertRefused("not this one")
        self.ids += ids


class Told:
    """A tally of what it is told."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, str]] = []
        self.alerts: Counter[str] = Counter()
        self.tried: list[float] = []
        self.stood: list[int] = []

    def attempt(self, sink: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.attempts.append((sink, result))

    def alert(self, _sink: str, result: str) -> None:
        self.alerts[result] += 1

    def trying(self, _sink: str, seconds: float) -> None:
        self.tried.append(seconds)

    def standing(self, _sink: str, alerts: int) -> None:
        self.stood.append(alerts)


def deliver(sink: Sink, *batches: Sequence[dict[str, Any]]) -> tuple[Told, Pauses]:
    told, pauses = Told(), Pauses()

    async def all_of_them() -> None:
        deliverer = Deliverer(sink, tally=told, sleep=pauses)
        for alerts in batches:
            assert await deliverer.deliver(alerts)

    asyncio.run(all_of_them())
    return told, pauses


def named(*ids: str) -> list[dict[str, Any]]:
    return [an_alert(alert_id) for alert_id in ids]


def test_a_repeat_is_dropped_and_counted_within_a_batch_too() -> None:
    kept = Kept()
    told, _ = deliver(kept, named("a", "b", "a"), named("b", "c"))
    assert kept.asked == [["a", "b"], ["c"]]
    assert told.alerts == {"delivered": 3, "repeated": 2}


def test_a_failure_is_tried_again_after_a_pause() -> None:
    with receiving(500, 503, 200) as receiver:
        told, pauses = deliver(WebhookSink(receiver.url), named("a"))
    assert pauses == [FIRST_DELAY_S, 2 * FIRST_DELAY_S]
    assert told.attempts == [("webhook", "failed")] * 2 + [("webhook", "delivered")]
    assert told.tried == [FIRST_DELAY_S, 3 * FIRST_DELAY_S, 0]
    assert len(receiver.got) == 3


def test_pauses_grow_to_a_minute_and_after_a_day_the_alert_is_given_up() -> None:
    kept = Kept(*[TransientError("down")] * 2000)
    with structlog.testing.capture_logs() as lines:
        told, pauses = deliver(kept, named("a"))
    assert max(pauses) == NOTED_EVERY_S
    assert len(told.attempts) == pytest.approx(PATIENCE_S / LONGEST_DELAY_S, abs=10)
    assert PATIENCE_S <= sum(pauses) < PATIENCE_S + LONGEST_DELAY_S
    assert told.alerts == {"failed": 1}
    assert told.tried[-1] == 0
    assert (lines[-1]["event"], lines[-1]["alert_id"]) == ("alert given up", "a")


def test_a_receiver_that_says_how_long_it_is_busy_is_left_alone_for_so_long() -> None:
    kept = Kept(ReceiverBusy("busy", after_s=17), ReceiverBusy("busy", after_s=0))
    told, pauses = deliver(kept, named("a"))
    assert pauses == [NOTED_EVERY_S, 2, 2 * FIRST_DELAY_S]
    assert told.alerts == {"delivered": 1}


def test_a_long_pause_is_told_of_while_it_lasts() -> None:
    told, _ = deliver(Kept(ReceiverBusy("busy", after_s=3600)), named("a"))
    assert told.tried == [*(NOTED_EVERY_S * n for n in range(1, 241)), 0]


def test_what_is_refused_is_not_tried_again_and_told() -> None:
    with structlog.testing.capture_logs() as lines:
        told, pauses = deliver(Kept(refuses="a"), named("a"), named("a"))
    assert pauses == []
    assert told.attempts == [("kept", "refused")]
    assert told.alerts == {"failed": 1, "repeated": 1}
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["event"], line["error"]) == ("alert given up", "not this one")


def test_one_that_is_refused_does_not_take_the_others_with_it() -> None:
    kept = Kept(refuses="b")
    told, _ = deliver(kept, named("a", "b", "c"))
    assert kept.asked == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert kept.ids == ["a", "c"]
    assert told.alerts == {"delivered": 2, "failed": 1}


def test_nobody_there_is_a_failure_that_is_told() -> None:
    sink = WebhookSink(nobody_there())
    with structlog.testing.capture_logs() as lines:

        async def ask_back() -> bool:
            asked_back = asyncio.Event()
            asked_back.set()
            return await Deliverer(sink).deliver(named("a"), asked_back)

        assert not asyncio.run(ask_back())
    (line,) = lines
    assert (line["event"], line["sink"], line["attempt"]) == ("alert not delivered", "webhook", 1)


def test_a_delivery_asked_back_ends_in_its_pause_and_may_be_tried_by_the_same_again() -> None:
    kept = Kept(TransientError("down"))

    async def ask_back() -> tuple[bool, bool]:
        deliverer, asked_back = Deliverer(kept), asyncio.Event()
        trying = asyncio.create_task(deliverer.deliver(named("a"), asked_back))
        await kept.was_asked.wait()
        asked_back.set()
        return await trying, await deliverer.deliver(named("a"))

    assert asyncio.run(ask_back()) == (False, True)
    assert kept.ids == ["a"]


def test_ids_of_an_earlier_run_count_as_delivered() -> None:
    kept, told = Kept(), Told()

    async def go_on() -> None:
        deliverer = Deliverer(kept, tally=told)
        deliverer.remember(["a", "b"])
        await deliverer.deliver(named("a", "b", "c"))

    asyncio.run(go_on())
    assert kept.ids == ["c"]
    assert told.alerts == {"delivered": 1, "repeated": 2}


def test_the_memory_of_ids_is_bounded_and_forgets_the_oldest() -> None:
    kept = Kept()

    async def go_on() -> None:
        deliverer = Deliverer(kept)
        deliverer.remember(str(i) for i in range(REMEMBERED + 1))
        await deliverer.deliver(named("1"))
        await deliverer.deliver(named("0"))

    asyncio.run(go_on())
    assert kept.ids == ["0"]


class Standing(Kept):
    """A sink of a receiver that forgets; notes when it was to tell again, and may fail at it."""

    again_s: Final = 60.0

    def __init__(self, *failures: Exception, fires: int = 1) -> None:
        super().__init__()
        self.told_again = 0
        self.enough = asyncio.Event()
        self._fires = fires
        self._again_failures = list(failures)

    def restore(self, alerts: Sequence[tuple[AlertRecord, float]]) -> None:
        raise AssertionError(f"nothing to restore, got {alerts}")

    def forget(self) -> None:
        self._fires = 0

    def standing(self) -> int:
        return self._fires

    async def send_again(self) -> None:
        self.told_again += 1
        if self.told_again == 4:
            self.enough.set()
        if self._again_failures:
            raise self._again_failures.pop(0)


def keep_telling(sink: Standing, told: Told, pauses: Pauses) -> None:
    async def until_enough() -> None:
        telling = asyncio.create_task(Deliverer(sink, tally=told, sleep=pauses).keep_telling())
        await sink.enough.wait()
        telling.cancel()

    asyncio.run(until_enough())


def test_what_stands_is_told_again_each_minute_and_sooner_after_a_failure() -> None:
    told, pauses = Told(), Pauses()
    with structlog.testing.capture_logs() as lines:
        keep_telling(Standing(TransientError("restarting")), told, pauses)
    assert pauses[:4] == [60, 5, 60, 60]
    assert told.attempts[:3] == [("kept", "failed"), ("kept", "delivered"), ("kept", "delivered")]
    assert set(told.stood) == {1}
    assert [line["event"] for line in lines] == ["standing alerts not told"]


@pytest.mark.parametrize(("sink", "asked"), [(Standing(), 2), (Kept(), 1)])
def test_what_was_forgotten_is_told_anew_where_the_receiver_knows_repeats(
    sink: Kept, asked: int
) -> None:
    async def dealt_anew() -> None:
        deliverer = Deliverer(sink)
        assert await deliverer.deliver(named("a"))
        deliverer.forget()  # partitions were dealt anew, and what was told could not be committed
        assert await deliverer.deliver(named("a"))

    asyncio.run(dealt_anew())
    assert len(sink.asked) == asked
    if isinstance(sink, Standing):
        assert sink.standing() == 0


def test_a_worker_that_was_frozen_looks_first_whether_it_may_tell() -> None:
    async def asleep_for_an_hour_once() -> list[float]:
        now, asked = [0.0], list[float]()

        async def sleep(seconds: float) -> None:
            asked.append(seconds)
            now[0] += 3600 if len(asked) == 2 else seconds
            at_telling.append(sink.told_again)

        at_telling: list[int] = []
        sink = Standing()
        deliverer = Deliverer(sink, sleep=sleep, clock=lambda: now[0])
        telling = asyncio.create_task(deliverer.keep_telling())
        await sink.enough.wait()
        telling.cancel()
        assert at_telling[:4] == [0, 1, 1, 2]  # nothing after the second sleep
        return asked

    assert asyncio.run(asleep_for_an_hour_once())[:4] == [60, 60, 5, 60]


def test_a_sink_whose_receiver_remembers_is_not_told_again() -> None:
    asyncio.run(Deliverer(Kept()).keep_telling())
