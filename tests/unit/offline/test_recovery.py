"""The answer to how a queue stands at an instant: with a plan, or with the reason why none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerting.recovery import NoPlan
from pipeline.offline.recovery import Question, answer
from pipeline.settings import Settings
from pipeline.staffing.outlook import Standing
from tests.unit.offline import landed_day as landed

TEN = landed.local("2025-11-11 10:00")
ASKED = Question(client="meridian", site="sh", queue="service", at_ms=TEN)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return landed.new_settings(tmp_path)


def land_morning(settings: Settings, **forecast: Any) -> None:
    service, handle = landed.panes_of("2025-11-11", from_h=8, until_h=10, calls=357, in_time=84)
    landed.land_live(settings, service, handle)
    rows = [landed.a_forecast(at, **forecast) for at in landed.quarters("2025-11-11")]
    landed.land_forecast(settings, rows)


def test_it_has_the_outlook_the_agents_and_the_plan(settings: Settings) -> None:
    land_morning(settings)
    found = answer(ASKED, settings)
    assert (found.reason, found.message) == (None, None)
    assert found.standing is Standing.AT_RISK
    assert found.projected_permille == 235
    assert found.likely_permille == 0
    assert found.lost_at_ms is not None
    assert TEN < found.lost_at_ms < TEN + 3_600_000
    assert found.agents_milli == 73_000
    assert found.agents_needed_milli is not None
    assert 95_000 < found.agents_needed_milli < 102_000
    assert found.plan_is_enough
    assert found.plan_likely_permille is not None
    assert found.plan_likely_permille >= 950
    (first, *_) = found.steps
    assert (first.at_ms, first.source) == (TEN + 600_000, "people")
    assert found.text is not None
    assert found.text.startswith("At this rate today's 85 % is out of reach after 10:")
    assert found.text_zh is not None
    assert found.text_zh.startswith("按目前水平，今天 85 % 的目标在 10:")


def test_who_can_come_is_in_the_configuration(settings: Settings) -> None:
    land_morning(settings)
    (settings.config_dir / "pool.yaml").write_text(
        "pool:\n  - {name: leaders, people: 2, ramp_min: 5}\n"
    )
    found = answer(ASKED, settings)
    assert found.plan_is_enough is False
    assert [(step.source, step.people) for step in found.steps][:1] == [("leaders", 2)]
    (settings.config_dir / "pool.yaml").write_text("pool: 3\n")
    broken = answer(ASKED, settings)
    assert broken.reason is NoPlan.BAD_INPUT
    assert "pool.yaml" in (broken.message or "")


def test_without_a_forecast_it_says_so(settings: Settings) -> None:
    found = answer(ASKED, settings)
    assert found.reason is NoPlan.NO_FORECAST
    assert "no forecast of 2025-11-11 is landed" in (found.message or "")
    assert (found.standing, found.steps, found.text) == (None, (), None)


def test_without_agents_it_says_how_the_day_stands_and_how_many_it_takes(
    settings: Settings,
) -> None:
    land_morning(settings, agents_milli=None)
    found = answer(ASKED, settings)
    assert found.reason is NoPlan.NO_SCHEDULE
    assert (found.standing, found.projected_permille) == (Standing.AT_RISK, 235)
    assert (found.agents_milli, found.plan_is_enough, found.steps) == (None, None, ())
    assert found.agents_needed_milli is not None
    assert found.agents_needed_milli > 90_000


def test_without_a_handle_time_it_says_how_the_day_stands(settings: Settings) -> None:
    service, _ = landed.panes_of("2025-11-11", from_h=8, until_h=10, calls=357, in_time=84)
    landed.land_live(settings, service, [])
    rows = [
        landed.a_forecast(at, aht_ms=None, agents_milli=None)
        for at in landed.quarters("2025-11-11")
    ]
    landed.land_forecast(settings, rows)
    found = answer(ASKED, settings)
    assert found.reason is NoPlan.NO_HANDLE_TIME
    assert found.projected_permille == 235
    assert found.agents_needed_milli is None


def test_after_the_last_call_the_day_is_over(settings: Settings) -> None:
    land_morning(settings)
    late = Question(
        client="meridian", site="sh", queue="service", at_ms=landed.local("2025-11-11 23:00")
    )
    assert answer(late, settings).reason is NoPlan.DAY_IS_OVER


def test_a_queue_that_nobody_has_agreed_on_is_bad_input(settings: Settings) -> None:
    unknown = Question(client="nobody", site="", queue="x", at_ms=TEN)
    found = answer(unknown, settings)
    assert found.reason in {NoPlan.BAD_INPUT, NoPlan.NO_FORECAST}
    assert found.message


def test_it_answers_as_a_program(settings: Settings) -> None:
    land_morning(settings)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.offline.recovery"],
        input=json.dumps({"client": "meridian", "site": "sh", "queue": "service", "at_ms": TEN}),
        env=os.environ | {"VANE_HOME": str(settings.home), "VANE_CONFIG": str(settings.config_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert (found["standing"], found["reason"]) == ("at risk", None)
    assert found["steps"][0]["source"] == "people"
