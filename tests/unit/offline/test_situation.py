"""How a queue stands, from what is landed, published or stated, and with what is missing said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config_files import load_targets
from pipeline.errors import InputError
from pipeline.lake.queue_day import QueueData, QueueKey
from pipeline.offline.expectation import FORECAST, PROFILE, Stated
from pipeline.offline.forecast_file import read_forecast
from pipeline.offline.situation import Situation, read_situation
from pipeline.settings import Settings
from pipeline.staffing.outlook import Standing
from pipeline.staffing.patience import PatienceSource
from tests.unit.offline import landed_day as landed

SERVICE = QueueKey("meridian", "sh", "service")
AT = landed.local("2025-11-11 10:00")
SAID = Stated(offered=2000, in_time=473, agents=73, handle_s=240, patience_s=120)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return landed.new_settings(tmp_path)


def read(
    settings: Settings, stated: Stated = SAID, at_ms: int = AT, key: QueueKey = SERVICE
) -> Situation:
    targets = load_targets(settings.config_dir / "queues.yaml")
    data = QueueData(settings.landing, settings.published)
    return read_situation(key, at_ms, targets=targets, data=data, stated=stated)


def land_morning(settings: Settings) -> None:
    """Land 08:00 to 10:00 with 400 calls a quarter hour, 100 in time; the forecast says 268."""
    service, handle = landed.panes_of("2025-11-11", from_h=8, until_h=10, calls=400, in_time=100)
    before = landed.panes_of("2025-11-10", from_h=8, until_h=22, calls=300, in_time=240)
    landed.land_live(settings, service + before[0], handle + before[1])
    landed.land_forecast(settings, [landed.a_forecast(at) for at in landed.quarters("2025-11-11")])


def test_all_of_it_comes_from_what_is_landed(settings: Settings) -> None:
    land_morning(settings)
    found = read(settings, Stated())
    assert (found.rest.good, found.rest.counted) == (800, 3200)
    assert found.rest.slots[0].start_ms == AT
    assert len(found.rest.slots) == 48
    assert found.volume == pytest.approx(3200 / (8 * 15_000 / 56), rel=1e-3)
    assert found.rest.slots[0].calls == pytest.approx(400, rel=1e-3)
    assert found.rest.slots[0].handle_s == 250
    assert found.agents_now == 73
    assert found.patience.source is PatienceSource.DEFAULT
    assert (found.day.standing, found.day.rate) == (Standing.AT_RISK, 0.25)
    assert found.expected_from == FORECAST
    assert any("calls so far from landed live counts" in note for note in found.notes)
    assert any("1.49 times as expected" in note for note in found.notes)


def test_what_has_come_is_held_against_what_was_expected_by_then(settings: Settings) -> None:
    """Counts end at 09:00, an hour before the instant asked for."""
    service, handle = landed.panes_of("2025-11-11", from_h=8, until_h=9, calls=268, in_time=100)
    landed.land_live(settings, service, handle, watermark_ms=AT - 3_600_000)
    landed.land_forecast(settings, [landed.a_forecast(at) for at in landed.quarters("2025-11-11")])
    found = read(settings, Stated())
    assert found.volume == pytest.approx(1.0, rel=1e-2)
    assert any("counts end 60 min before" in note for note in found.notes)


def test_the_month_is_looked_at_as_well(settings: Settings) -> None:
    land_morning(settings)
    found = read(settings, Stated()).month
    assert found is not None
    assert (found.good, found.counted) == (800 + 56 * 240, 3200 + 56 * 300)
    # Mondays to come go like the one of the 10th; of other days nothing is known.
    assert found.left == pytest.approx(400 * 48 + 2 * 56 * 300, rel=1e-3)


def test_an_instant_within_a_quarter_hour_cuts_it(settings: Settings) -> None:
    land_morning(settings)
    found = read(settings, Stated(), AT - 5 * 60_000)
    assert found.rest.slots[0].start_ms == AT - 5 * 60_000
    assert found.rest.slots[0].length_s == 300
    assert found.rest.counted == 3200  # the pane at 09:45 has begun before


def test_what_is_stated_goes_before_what_is_landed(settings: Settings) -> None:
    land_morning(settings)
    found = read(settings, replace(SAID, agents=65, volume=1.1, waiting=12))
    assert (found.rest.good, found.rest.counted) == (473, 2000)
    assert found.rest.slots[-1].agents == pytest.approx(65)
    assert found.rest.slots[0].handle_s == 240
    assert found.rest.slots[0].calls == pytest.approx(1.1 * 15_000 / 56, rel=1e-3)
    assert found.rest.in_system == 77
    assert any("65 of 73 planned" in note for note in found.notes)


def test_a_corrected_forecast_holds_and_a_withdrawn_one_does_not(settings: Settings) -> None:
    starts = landed.quarters("2025-11-11", 10, 12)
    records = [landed.a_forecast(at) for at in starts]
    records += [landed.a_forecast(starts[0], as_of_ms=2, calls_milli=999_000)]
    records += [landed.a_forecast(starts[1], as_of_ms=2, is_withdrawn=True)]
    landed.land_forecast(settings, records)
    found = read(settings, replace(SAID, volume=1.0))
    assert found.rest.slots[0].calls == 999
    assert found.rest.slots[1].start_ms == starts[2]


def test_without_a_forecast_the_same_weekdays_stand_in_and_it_says_so(settings: Settings) -> None:
    panes = [
        landed.panes_of(day, from_h=9, until_h=18, calls=calls, in_time=200)
        for day, calls in (("2025-11-04", 300), ("2025-10-28", 200), ("2025-11-05", 9_000))
    ]
    landed.land_live(
        settings,
        [row for service, _ in panes for row in service],
        [row for _, handle in panes for row in handle],
    )
    found = read(settings, replace(SAID, volume=1.0))
    assert found.expected_from == PROFILE
    assert {slot.calls for slot in found.rest.slots} == {250}
    assert found.rest.slots[-1].end_ms == landed.local("2025-11-11 18:00")
    assert any("like the last 2 Tuesdays" in note for note in found.notes)


def test_no_agents_is_a_situation_too(settings: Settings) -> None:
    land_morning(settings)
    found = read(settings, Stated(agents=0))
    assert {slot.agents for slot in found.rest.slots} == {0}


def test_opening_hours_end_the_day(settings: Settings) -> None:
    land_morning(settings)
    path = settings.config_dir / "queues.yaml"
    text = path.read_text()
    old = "        goal_pct: 85\n"
    assert old in text
    path.write_text(text.replace(old, old + '        opening_hours: {tue: ["08:00-18:05"]}\n'))
    found = read(settings, Stated())
    assert found.rest.slots[-1].end_ms == landed.local("2025-11-11 18:05")
    assert found.rest.slots[-1].calls == pytest.approx(400 / 3, rel=1e-3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"in_time": None}, "--offered and --in-time: expected both or neither"),
        ({"in_time": 2001}, "--in-time: expected 0 to the 2000 of --offered, got 2001"),
        ({"handle_s": 0}, "--aht: expected 1 to 86400 seconds, got 0"),
        ({"patience_s": -1}, "--patience: expected more than 0"),
    ],
)
def test_what_cannot_be_is_refused(
    settings: Settings, changed: dict[str, int | None], said: str
) -> None:
    land_morning(settings)
    with pytest.raises(InputError, match=said):
        read(settings, replace(SAID, **changed))  # type: ignore[arg-type]


def test_what_nobody_knows_is_asked_for(settings: Settings) -> None:
    with pytest.raises(
        InputError, match=r"no forecast of 2025-11-11 is landed or given, and no Tu"
    ):
        read(settings)
    bare = [
        landed.a_forecast(at, aht_ms=None, agents_milli=None)
        for at in landed.quarters("2025-11-11")
    ]
    landed.land_forecast(settings, bare)
    with pytest.raises(InputError, match="--aht: expected the handle time"):
        read(settings, replace(SAID, handle_s=None))
    with pytest.raises(InputError, match="--agents: expected how many are on the queue"):
        read(settings, replace(SAID, agents=None))
    with pytest.raises(InputError, match="expected calls after the instant asked for"):
        read(settings, at_ms=landed.local("2025-11-11 22:30"))
    assert "no calls of today are known" in " ".join(
        read(settings, Stated(agents=9, handle_s=60)).notes
    )


def test_intervals_that_overlap_are_refused(settings: Settings) -> None:
    starts = landed.quarters("2025-11-11")
    records = [landed.a_forecast(at) for at in starts]
    landed.land_forecast(settings, [*records, landed.a_forecast(starts[20] + 60_000)])
    with pytest.raises(InputError, match="forecast: intervals overlap at 2025-11-11T05:01"):
        read(settings)


HEADER = "queue,interval_start,interval_min,calls,aht_s,agents\n"


def test_a_file_of_forecasts_is_read_as_it_would_be_ingested(tmp_path: Path) -> None:
    path = tmp_path / "day-2025-11-10.csv"
    path.write_text(
        HEADER
        + "service,2025-11-11 09:15,15,100,240,41.5\n"
        + "orders,2025-11-11 09:00,15,7,60,2\n"
        + "service,2025-11-11 09:00,15,128.5,,\n"
    )
    one, other = read_forecast(path, SERVICE, landed.ZONE)
    assert (one.start_ms, one.calls, one.aht_ms, one.agents) == (
        landed.local("2025-11-11 09:00"),
        128.5,
        None,
        None,
    )
    assert (other.calls, other.aht_ms, other.agents) == (100, 240_000, 41.5)


def test_a_line_that_is_no_forecast_is_named(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text(HEADER + "service,2025-11-11 09:00,15,many,240,4\n")
    with pytest.raises(InputError, match=r"day\.csv:2: .*many"):
        read_forecast(path, SERVICE, landed.ZONE)
    path.write_text(HEADER + "orders,2025-11-11 09:00,15,7,240,4\n")
    with pytest.raises(InputError, match="of queue 'service', found queues: orders"):
        read_forecast(path, SERVICE, landed.ZONE)
    with pytest.raises(InputError, match="expected a file of forecasts"):
        read_forecast(tmp_path / "none.csv", SERVICE, landed.ZONE)
