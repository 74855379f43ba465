"""What people write after ``vane dlq``, and what they are told if it is not understood."""

from __future__ import annotations

import pytest

from pipeline.commands.dlq_options import places_of, since_ms_of, topic_of
from pipeline.errors import InputError
from pipeline.settings import load_settings
from tests.factories import NOON


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        (None, None),
        ("90m", NOON - 5_400_000),
        ("24h", NOON - 86_400_000),
        ("7d", NOON - 7 * 86_400_000),
        ("999999d", 0),
        ("2025-11-11T04:00", NOON),
        ("2025-11-11T12:00+08:00", NOON),
        ("2025-11-11", NOON - 4 * 3_600_000),
    ],
)
def test_since(text: str | None, ms: int | None) -> None:
    assert since_ms_of(text, NOON) == ms


@pytest.mark.parametrize("text", ["", "h", "5", "5 h", "-5h", "yesterday", "2025-13-01", "٣h"])
def test_a_time_that_is_none_is_told(text: str) -> None:
    with pytest.raises(InputError, match="--since: expected 90m, 24h, 7d, 2025-11-11"):
        since_ms_of(text, NOON)


def test_places() -> None:
    assert places_of(["2:17", "0:0"]) == [(2, 17), (0, 0)]


@pytest.mark.parametrize("text", ["", "2", "2:", ":17", "2/17", "-1:3", "2:17:1", "2: 17"])
def test_a_place_that_is_none_is_told(text: str) -> None:
    with pytest.raises(InputError, match="expected PARTITION:OFFSET such as 2:17, got"):
        places_of([text])


def test_topics_are_those_of_what_was_not_taken() -> None:
    settings = load_settings({})
    for name in ("acd.events.dlq", "acd.quarantine", "acd.late", "ref.people.dlq"):
        assert topic_of(settings, name) == name
    for name in ("acd.events", "kpi.alerts", "vane.redriven", "x.dlq"):
        with pytest.raises(InputError, match=r"--topic: expected one of acd.agent-states.dlq"):
            topic_of(settings, name)
