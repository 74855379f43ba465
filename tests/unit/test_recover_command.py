"""``vane recover`` as it is typed: from stated inputs, from landed data, and with wrong ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.settings import Settings
from tests.unit.offline import landed_day as landed

BASE = ("recover", "--client", "meridian", "--queue", "service", "--at", "2025-11-11 09:24")
SAID = (
    *("--offered", "2000", "--in-time", "473", "--agents", "73"),
    *("--aht", "240", "--patience", "120"),
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    found = landed.new_settings(tmp_path)
    monkeypatch.setenv("VANE_HOME", str(found.home))
    monkeypatch.setenv("VANE_CONFIG", str(found.config_dir))
    return found


@pytest.fixture
def forecast(tmp_path: Path) -> Path:
    path = tmp_path / "day.csv"
    rows = [
        f"service,2025-11-11 {8 + i // 4:02}:{15 * (i % 4):02},15,{15_000 / 56:.3f},240,73"
        for i in range(56)
    ]
    path.write_text("queue,interval_start,interval_min,calls,aht_s,agents\n" + "\n".join(rows))
    return path


def vane(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    out, err = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), out, err


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code, out, err = vane(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_singles_day_from_stated_inputs_and_a_pool(
    settings: Settings, forecast: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = tmp_path / "pool.yaml"
    pool.write_text(
        "pool:\n  - {name: leaders, people: 12, ramp_min: 5}\n"
        "  - {name: others, people: 30, ramp_min: 20, cost_per_hour: 1.5}\n"
    )
    given = (*BASE, *SAID, "--forecast", str(forecast), "--pool", str(pool))
    code, out, _ = vane(capsys, *given)
    assert code == 0
    assert "goal 85 % in 20 s (SL1)" in out
    assert "At this rate today's 85 % is out of reach after 10:4" in out
    assert "+12" in out
    assert "2,000 calls have come where 1,500 were expected" in out
    found = answer(capsys, *given)
    assert found["agents_needed"] == pytest.approx(94.7, abs=0.1)
    assert found["volume"] == pytest.approx(1.333, abs=1e-3)
    assert found["plan"]["likely"] >= 0.95
    assert found["plan"]["steps"][0]["source"] == "leaders"
    assert found["plan"]["steps"][0]["at_ms"] == found["at_ms"] + 300_000
    assert found["day"]["lost_at_ms"] > found["at_ms"]


def test_it_says_how_many_it_takes_where_no_pool_is_given(
    settings: Settings, forecast: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, *BASE, *SAID, "--forecast", str(forecast), "--ramp", "15")
    (first, *_) = found["plan"]["steps"]
    assert (first["source"], first["at_ms"]) == ("people", found["at_ms"] + 900_000)
    assert 25 <= first["change"] <= 40
    assert any("no pool given" in note for note in found["notes"])


def test_too_few_people_end_with_a_code_of_their_own(
    settings: Settings, forecast: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = vane(capsys, *BASE, *SAID, "--forecast", str(forecast), "--people", "8")
    assert code == 3
    assert "not even with everybody" in out
    code, out, _ = vane(capsys, *BASE, *SAID, "--forecast", str(forecast), "--people", "0")
    assert code == 3
    assert "nobody to call in" in out


def test_nobody_on_the_queue_is_no_error(
    settings: Settings, forecast: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*BASE, *SAID, "--forecast", str(forecast)]
    arguments[arguments.index("73")] = "0"
    code, out, _ = vane(capsys, *arguments)
    assert code == 0
    assert "0 agents for" in out


def test_occupancy_and_shrinkage_take_more_people(
    settings: Settings, forecast: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = (*BASE, *SAID, "--forecast", str(forecast))
    plain = answer(capsys, *given)["plan"]["cost"]
    assert answer(capsys, *given, "--shrinkage", "20")["plan"]["cost"] > 1.1 * plain
    tight = answer(capsys, *given, "--occupancy", "80")["plan"]
    assert tight["cost"] > 1.1 * plain
    assert len(tight["too_busy_from_ms"]) <= 2  # those before anybody can come


def test_a_programme_lends_what_it_can_spare(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service, handle = landed.panes_of("2025-11-11", from_h=8, until_h=10, calls=275, in_time=222)
    landed.land_live(settings, service, handle)
    records = [landed.a_forecast(at) for at in landed.quarters("2025-11-11")]
    records += [
        landed.a_forecast(at, queue="orders", calls_milli=150_000, agents_milli=60_000)
        for at in landed.quarters("2025-11-11")
    ]
    landed.land_forecast(settings, records)
    pool = tmp_path / "pool.yaml"
    pool.write_text(
        "pool:\n  - {name: orders, client: meridian, site: sh, queue: orders, ramp_min: 10}\n"
    )
    arguments = (*BASE[:-1], "2025-11-11 10:00", "--pool", str(pool))
    found = answer(capsys, *arguments)
    (note,) = (n for n in found["notes"] if "orders can spare" in n)
    most = int(note.split("up to ")[1].split()[0])
    assert 5 <= most <= 20
    assert 0 < found["plan"]["steps"][0]["change"] <= most


def test_a_programme_that_has_closed_lends_nobody(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service, handle = landed.panes_of("2025-11-11", from_h=8, until_h=10, calls=275, in_time=222)
    landed.land_live(settings, service, handle)
    records = [landed.a_forecast(at) for at in landed.quarters("2025-11-11")]
    records += [
        landed.a_forecast(at, queue="orders") for at in landed.quarters("2025-11-11", until_h=9)
    ]
    landed.land_forecast(settings, records)
    pool = tmp_path / "pool.yaml"
    pool.write_text("pool:\n  - {name: orders, client: meridian, site: sh, queue: orders}\n")
    code, out, err = vane(capsys, *BASE[:-1], "2025-11-11 10:00", "--pool", str(pool), "--json")
    assert code in {0, 3}, err
    assert any("orders can spare up to 0" in note for note in json.loads(out)["notes"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--at", "noon"), "--at: expected a date and time such as"),
        (("--redials", "100"), "--redials: expected a share from 0 to below 100 %"),
        (("--confidence", "100"), "--confidence: expected more than 0 and below 100 %"),
        (("--occupancy", "0"), "--occupancy: expected more than 0 to 100 %"),
        (("--stay", "-1"), "--stay: expected 0 or more"),
        (("--shrinkage", "-5"), "--shrinkage: expected 0 to below 100 %"),
        (("--agents", "-2"), "--agents: expected 0 or more, got -2"),
        (("--waiting", "-1"), "--waiting: expected 0 or more"),
        (("--people", "-1"), "--people: expected 0 or more"),
        (("--volume", "nan"), "--volume: expected 0 or more, got nan"),
        (("--people", "3", "--pool", "x.yaml"), "expected --pool or --people, got both"),
        (("--pool", "x.yaml"), "x.yaml: expected this file to exist"),
        (("--forecast", "x.csv"), "x.csv: expected a file of forecasts"),
    ],
)
def test_a_wrong_input_is_one_line(
    settings: Settings,
    forecast: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    said: str,
) -> None:
    code, out, err = vane(capsys, *BASE, *SAID, "--forecast", str(forecast), *more)
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_nothing_known_says_what_to_give(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = vane(capsys, *BASE, *SAID)
    assert code == 1
    assert "no forecast of 2025-11-11 is landed or given" in err


def test_of_several_sites_one_has_to_be_named(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    service, handle = landed.panes_of("2025-11-11", from_h=8, until_h=9, calls=300, in_time=200)
    landed.land_live(settings, [*service, *({**row, "site": "bj"} for row in service)], handle)
    code, _, err = vane(capsys, *BASE, *SAID)
    assert code == 1
    assert "--site: expected one of bj, sh" in err


def test_a_goal_of_100_percent_is_not_planned_for(
    settings: Settings, forecast: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queues = settings.config_dir / "queues.yaml"
    queues.write_text(re.sub(r"goal_pct: \d+", "goal_pct: 100", queues.read_text()))
    code, _, err = vane(capsys, *BASE, *SAID, "--forecast", str(forecast))
    assert code == 1
    assert "a goal of 100 % cannot be planned for" in err
