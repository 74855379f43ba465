"""What Alertmanager is told, when; the real one is in ``tests/integration``."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

import pytest

from pipeline.alerting import alertmanager
from pipeline.alerting.alertmanager import (
    BATCH,
    ENDED_TOLD_S,
    STANDS_S,
    AlertmanagerSink,
    labels,
    notes,
)
from pipeline.errors import AlertRefused, TransientError
from tests.unit.alerting.receiver import Receiver, an_alert, receiving

AT_S: Final = 1_700_000_010.0
NOW_S: Final = AT_S + 2


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW_S

    def __call__(self) -> float:
        return self.now


class Told:
    """A sink, its receiver and what that was told."""

    def __init__(self, receiver: Receiver) -> None:
        self.clock = Clock()
        self.receiver = receiver
        self.sink = AlertmanagerSink(receiver.url.removesuffix("/alerts"), clock=self.clock)

    def send(self, *alerts: dict[str, Any]) -> None:
        asyncio.run(self.sink.send(alerts))

    def again(self) -> None:
        asyncio.run(self.sink.send_again())

    def last(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.receiver.got[-1][1]
        return found


def fired(alert_id: str = "a1", **fields: Any) -> dict[str, Any]:
    return an_alert(alert_id, **fields)


def over(alert_id: str = "a2", **fields: Any) -> dict[str, Any]:
    return an_alert(alert_id, status="resolved", at_ms=int(AT_S * 1000) + 600_000, **fields)


def epoch(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


def test_labels_are_identity_and_hold_no_number() -> None:
    assert labels(fired()) == {
        "alertname": "service-level-drop",
        "client": "acme",
        "site": "north",
        "queue": "service",
        "kpi": "service_level",
        "severity": "page",
        "rule_version": "0123456789ab",
        "scope": "queue",
    }
    same = ("alert_id", "status", "at_ms", "offered", "answered_within", "goal_permille", "runbook")
    other: dict[str, Any] = dict.fromkeys(same, 1)
    assert labels(fired() | other) == labels(fired())


@pytest.mark.parametrize(
    ("fields", "scope"),
    [
        ({"queue": "", "programme": "cards"}, "programme"),
        ({"queue": ""}, "site"),
        ({"queue": "", "site": ""}, "client"),
    ],
)
def test_what_an_alert_is_about_is_a_label(fields: dict[str, str], scope: str) -> None:
    found = labels(fired(**fields))
    assert found["scope"] == scope
    assert "" not in found.values()


def test_annotations_are_for_people() -> None:
    found = notes(fired())
    assert found["summary"].startswith("Service level of acme/north/service fell to 65 %")
    assert found["runbook"] == "docs/runbooks/service-level-drop.md"
    assert (found["alert_id"], found["at"]) == ("a1", "2023-11-14T22:13:30.000+00:00")
    assert (found["offered"], found["answered_within"]) == ("20", "13")
    assert (found["window_min"], found["goal_pct"]) == ("5", "80")


def test_an_alert_begins_in_event_time_and_stands_for_hours() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        told.send(fired())
    assert receiver.paths == ["/api/v2/alerts"]
    (alert,) = told.last()
    assert epoch(alert["startsAt"]) == AT_S
    assert epoch(alert["endsAt"]) == NOW_S + STANDS_S
    assert told.sink.standing() == 1


def test_what_fires_is_told_again_with_a_later_end_and_the_same_beginning() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        told.send(fired())
        told.clock.now += 60
        told.again()
    (alert,) = told.last()
    assert (epoch(alert["startsAt"]), epoch(alert["endsAt"])) == (AT_S, NOW_S + 60 + STANDS_S)


def test_its_end_is_told_for_a_quarter_of_an_hour_and_no_longer() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        told.send(fired())
        told.clock.now = AT_S + 602
        told.send(over())
        ended = told.last()
        told.clock.now += ENDED_TOLD_S
        told.again()
        assert told.last() == ended
        told.clock.now += 1
        told.again()
    assert len(receiver.got) == 3
    (alert,) = ended
    assert (epoch(alert["startsAt"]), epoch(alert["endsAt"])) == (AT_S, AT_S + 600)
    assert told.sink.standing() == 0


def test_no_instant_is_ahead_of_now_where_event_time_is() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        told.clock.now = AT_S - 1_000_000
        told.send(fired(), over())
    first, second = told.last()
    assert first == second  # one alert, as it is by the end of the batch
    assert epoch(first["startsAt"]) == epoch(first["endsAt"]) == AT_S - 1_000_000


def test_an_end_whose_beginning_is_not_known_is_told_all_the_same() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        told.clock.now = AT_S + 700
        told.send(over())
    (alert,) = told.last()
    assert epoch(alert["startsAt"]) == epoch(alert["endsAt"]) == AT_S + 600


def test_one_that_fires_anew_begins_anew() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        told.clock.now = AT_S + 1000
        told.send(fired())
        told.send(over())
        told.send(fired("a3", at_ms=int(AT_S * 1000) + 900_000))
    (alert,) = told.last()
    assert epoch(alert["startsAt"]) == AT_S + 900
    assert told.sink.standing() == 1


def test_another_version_of_the_rule_ends_what_the_old_one_said_of_that_queue_alone() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        told.send(fired("a1"), fired("b1", queue="other"))
        told.send(fired("a2", rule_version="ba9876543210"))
        changed = told.last()
    assert [a["labels"]["rule_version"] for a in changed] == ["0123456789ab", "ba9876543210"]
    assert [epoch(a["endsAt"]) for a in changed] == [NOW_S, NOW_S + STANDS_S]
    assert told.sink.standing() == 2


def test_a_new_worker_takes_over_what_the_log_says_and_leaves_it_again() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        long_over = NOW_S - ENDED_TOLD_S - 1
        told.sink.restore(
            [
                (fired("a1"), NOW_S - 5),
                (fired("b1", queue="b"), NOW_S - 5),
                (over("b2", queue="b"), NOW_S - 4),
                (fired("c1", queue="c"), long_over),
                (over("c2", queue="c"), long_over),
            ]
        )
        told.again()
        told.sink.forget()
        told.again()
    assert len(receiver.got) == 1
    said = {alert["labels"]["queue"]: epoch(alert["endsAt"]) for alert in told.last()}
    assert said == {"service": NOW_S + STANDS_S, "b": NOW_S - 4}


def test_one_that_is_refused_is_not_told_again_and_the_others_are() -> None:
    with receiving(400, 400, 400, 200) as receiver:
        told = Told(receiver)
        with pytest.raises(AlertRefused):
            told.send(fired("a1"), fired("b1", queue="b"))
        with pytest.raises(AlertRefused):
            told.send(fired("a1"))
        assert told.sink.standing() == 1
        told.again()  # is refused once more, alone
        assert told.sink.standing() == 0


def test_a_refusal_among_what_stands_costs_the_one_refused() -> None:
    with receiving(200, 400, 400, 200) as receiver:
        told = Told(receiver)
        told.send(fired("a1"), fired("b1", queue="b"))
        told.again()
    assert told.sink.standing() == 1
    assert told.last()[0]["labels"]["queue"] == "b"


def test_a_failure_keeps_what_was_to_be_told() -> None:
    with receiving(503, 200) as receiver:
        told = Told(receiver)
        with pytest.raises(TransientError):
            told.send(fired())
        told.again()
    assert len(told.last()) == 1


def test_more_than_a_request_holds_are_told_in_several() -> None:
    with receiving(200) as receiver:
        told = Told(receiver)
        told.sink.restore([(fired(queue=str(n)), NOW_S) for n in range(BATCH + 1)])
        told.again()
    assert [len(alerts) for _, alerts in receiver.got] == [BATCH, 1]


def test_a_telling_of_what_fires_never_overtakes_the_news_that_it_is_over() -> None:
    async def both(sink: AlertmanagerSink) -> None:
        await asyncio.gather(sink.send_again(), sink.send([over()]))

    with receiving(200) as receiver:
        told = Told(receiver)
        told.clock.now = AT_S + 700
        told.sink.restore([(fired(), NOW_S)])
        asyncio.run(both(told.sink))
    assert [epoch(a["endsAt"]) for _, (a,) in receiver.got] == [
        AT_S + 700 + STANDS_S,
        AT_S + 600,
    ]


def test_the_name_tells_alertmanagers_apart_and_holds_no_password() -> None:
    assert AlertmanagerSink("http://u:p@am-1:9093/prefix/").name == "alertmanager-am-1:9093"


def test_what_stands_outlives_many_tellings() -> None:
    """Else an alert would end by itself because one of them was late."""
    assert AlertmanagerSink("http://am").again_s * 10 < alertmanager.STANDS_S
