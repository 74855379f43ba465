"""What a worker takes over of a partition of alerts."""

from __future__ import annotations

import pytest

from pipeline.alerting.alertmanager import AlertmanagerSink
from pipeline.alerting.deliver import Deliverer
from pipeline.streams.alert_delivery import take_over
from tests.unit.alerting.receiver import an_alert


@pytest.mark.parametrize("again", [[], ["f"], ["f", "r"]])
def test_what_a_frozen_worker_said_again_does_not_undo_what_came_since(again: list[str]) -> None:
    told = {
        "f": an_alert("f") | {"status": "firing", "at_ms": 1_000},
        "r": an_alert("r") | {"status": "resolved", "at_ms": 2_000},
    }
    sink = AlertmanagerSink("http://127.0.0.1:9093")
    log = [told[name] for name in ["f", "r", *again]]
    take_over(Deliverer(sink), [(alert, 10.0 + n) for n, alert in enumerate(log)])
    assert sink.standing() == 0


def test_what_fires_is_taken_over() -> None:
    sink = AlertmanagerSink("http://127.0.0.1:9093")
    take_over(Deliverer(sink), [(an_alert("f") | {"status": "firing"}, 1.0)])
    assert sink.standing() == 1
