"""Many months closed at once: each in a process of its own, and only those that have changed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.batch.backfill import is_current, landed_months, span
from pipeline.batch.month import close_month
from pipeline.commands import month, month_backfill
from pipeline.domain.business_time import Month
from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.lake.manifest import files, read_batches
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import Settings
from tests.integration import live
from tests.integration.test_month import CALL_MS, NOVEMBER, ask, deploy, land, one_call

pytestmark = [pytest.mark.timeout(600)]

MONTH_MS = 30 * 86_400_000
OCTOBER, DECEMBER = Month(2025, 10), Month(2025, 12)
RUN = CliRunner()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A call in October, one in November, one in December; the file of December's is damaged."""
    found = deploy(tmp_path)
    batch = None
    for number, contact in ((-1, "c0"), (0, "c1"), (1, "c2")):
        call = [
            event | {"occurred_at_ms": event["occurred_at_ms"] + number * MONTH_MS}
            for event in one_call(contact)
        ]
        batch = land(found, CALL_EVENTS, call, after=batch)
    return found


def december(settings: Settings) -> Path:
    (found,) = [
        f.path
        for f in files(read_batches(settings.landing, CALL_EVENTS))
        if f.event_date.startswith("2025-12")
    ]
    return settings.landing / found


def backfill(settings: Settings, *options: str) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(month_backfill, "load_settings", lambda: settings)
        done = RUN.invoke(month.app, ["backfill", "--jobs", "2", *options])
    return done.exit_code, done.output


def test_a_year_is_closed_and_only_what_failed_or_changed_is_closed_again(
    settings: Settings,
) -> None:
    whole = december(settings).read_bytes()
    december(settings).write_bytes(whole[:-9])
    code, said = backfill(settings)
    assert code == 1
    assert "2 published, 0 up to date, 1 failed" in said
    assert "2025-12 failed" in said
    assert "vane land --repair" in said
    calls = "select month, count(*) from fct_leg_facts group by all order by all"
    assert ask(settings, calls) == [("2025-10", 1), ("2025-11", 1)]

    december(settings).write_bytes(whole)
    code, said = backfill(settings)
    assert (code, "1 published, 2 up to date, 0 failed" in said) == (0, True), said
    assert ask(settings, calls) == [("2025-10", 1), ("2025-11", 1), ("2025-12", 1)]
    assert backfill(settings, "--from", "2025-10", "--to", "2025-11")[1].count("up to date") == 3

    late = [e | {"contact_id": "c3"} for e in one_call()]
    land(settings, CALL_EVENTS, late, after=read_batches(settings.landing, CALL_EVENTS)[-1])
    assert [is_current(settings, m) for m in (OCTOBER, NOVEMBER, DECEMBER)] == [True, False, True]
    config = settings.config_dir / "contracts" / "acme.yaml"
    config.write_text(config.read_text().replace("3.335", "3.336"))
    assert not is_current(settings, OCTOBER)


def test_configuration_changed_amid_a_run_makes_the_month_out_of_date(settings: Settings) -> None:
    contract = settings.config_dir / "contracts" / "acme.yaml"

    def change(line: str) -> None:
        if line.startswith("models: "):
            contract.write_text(contract.read_text().replace("3.335", "3.336"))

    close_month(settings, NOVEMBER, report=change)
    assert "3.336" in contract.read_text()
    assert not is_current(settings, NOVEMBER)
    close_month(settings, NOVEMBER, report=lambda _line: None)
    assert is_current(settings, NOVEMBER)


def test_a_run_of_one_client_does_not_close_the_month_for_all(settings: Settings) -> None:
    assert not is_current(settings, NOVEMBER)
    run = catalog.Run(
        run_id="r", month="2025-11", client="acme", published_at_ms=0, config_hash="",
        landed={}, warnings=[], datasets=[],
    )  # fmt: skip
    catalog.record(settings.published, run)
    assert not is_current(settings, NOVEMBER)


def test_killed_amid_its_work_it_goes_on_where_it_was(settings: Settings) -> None:
    command = [sys.executable, "-m", "pipeline", "month", "backfill", "--jobs", "1"]
    only = ["--from", "2025-10", "--to", "2025-11"]
    with subprocess.Popen(
        [*command, *only],
        env=live.environment(settings, VANE_CONFIG=str(settings.config_dir)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while not catalog.read_runs(settings.published):
            assert process.poll() is None
            time.sleep(0.05)
        subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], check=True)
        assert process.wait(10) == -signal.SIGKILL
    assert len(catalog.read_runs(settings.published)) == 1
    code, said = backfill(settings, *only)
    assert (code, "1 published, 1 up to date, 0 failed" in said) == (0, True), said
    assert len(ask(settings, "select * from published_runs where is_in_force")) == 2


def test_months_are_those_landed_unless_named(settings: Settings) -> None:
    assert landed_months(settings) == (OCTOBER, DECEMBER)
    assert span(Month(2025, 11), Month(2026, 2)) == [
        NOVEMBER,
        DECEMBER,
        Month(2026, 1),
        Month(2026, 2),
    ]
    with pytest.raises(InputError, match="got 2025-12 to 2025-11"):
        span(DECEMBER, NOVEMBER)
    empty = replace(settings, home=settings.home / "none")
    with pytest.raises(InputError, match="vane land"):
        landed_months(empty)


def test_the_call_of_this_module_is_in_november() -> None:
    assert time.gmtime(CALL_MS / 1000)[:2] == (2025, 11)
