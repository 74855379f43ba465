"""``vane recover``: can the day be won, until when, and whom to call in for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from pipeline.commands.queue_options import at_least_0, instant_of, key_of
from pipeline.commands.recover_report import as_json, print_report
from pipeline.config_files import load_targets
from pipeline.config_pool import load_pool
from pipeline.errors import InputError
from pipeline.lake.queue_day import QueueData
from pipeline.offline.crew import sources_of
from pipeline.offline.expectation import Stated
from pipeline.offline.forecast_file import read_forecast
from pipeline.offline.situation import read_situation
from pipeline.settings import load_settings
from pipeline.staffing.curve import Rules
from pipeline.staffing.plan import make_plan
from pipeline.staffing.redials import Redials

EXAMPLES: Final = """
Examples:

  vane recover --client meridian --site sh --queue service --at "2025-11-11 09:30"

  vane recover --client meridian --queue service --at "2025-11-11 09:30" --forecast day.csv
  --offered 2000 --in-time 473 --agents 73 --aht 240 --patience 120 --pool pool.yaml

  vane recover --client meridian --queue service --at "2025-11-11 09:30" --agents 73 --json

What is not stated comes from what vane land has landed, or from published months; every
assumption is printed. Without --pool the plan says how many people it takes, whoever they are.
Exit code 0: the goal can be reached with the wanted probability. 3: it cannot.
What the figures mean, and where they flatter: docs/staffing.md.
"""
CANNOT: Final = 3

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def recover(  # noqa: PLR0913 - one option per input
    *,
    client: Annotated[str, typer.Option(help="Whose queue.")],
    queue: Annotated[str, typer.Option(help="Which queue.")],
    at: Annotated[str, typer.Option(help="Now: 2025-11-11 09:30, by the contract's clock.")],
    site: Annotated[
        str | None, typer.Option(help="Of which site; needed where there are several.")
    ] = None,
    forecast: Annotated[
        Path | None, typer.Option(help="A file of forecasts; else the landed ones.")
    ] = None,
    pool: Annotated[Path | None, typer.Option(help="A YAML file of who can be called in.")] = None,
    people: Annotated[
        int | None, typer.Option(help="So many can be called in, without a --pool file.")
    ] = None,
    ramp_min: Annotated[
        int, typer.Option("--ramp", help="Minutes until --people take calls.")
    ] = 10,
    agents: Annotated[float | None, typer.Option(help="Agents on the queue now.")] = None,
    offered: Annotated[int | None, typer.Option(help="Calls counted today so far ...")] = None,
    in_time: Annotated[int | None, typer.Option(help="... and of them good ones.")] = None,
    waiting: Annotated[int | None, typer.Option(help="Calls that wait right now.")] = None,
    aht: Annotated[float | None, typer.Option(help="Handle time, seconds; else today's.")] = None,
    patience: Annotated[
        float | None, typer.Option(help="Mean patience, seconds; else estimated, else 120.")
    ] = None,
    redials: Annotated[
        float, typer.Option(help="Percent of those who give up that call again.")
    ] = 0.0,
    volume: Annotated[
        float | None, typer.Option(help="The rest's volume over its forecast; else as so far.")
    ] = None,
    shrinkage: Annotated[
        float, typer.Option(help="Percent of the helpers' time that is not on the phones.")
    ] = 0.0,
    occupancy: Annotated[
        float, typer.Option(help="Most occupancy, percent, where there is anybody to call in.")
    ] = 100.0,
    stay_min: Annotated[
        int, typer.Option("--stay", help="Minutes that who comes stays at least.")
    ] = 60,
    confidence: Annotated[float, typer.Option(help="Wanted probability, percent.")] = 95.0,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say until when a day's goal can be reached, and whom to call in when."""
    settings = load_settings()
    targets = load_targets(settings.config_dir / "queues.yaml")
    data = QueueData(settings.landing, settings.published)
    key = key_of(data, client, site, queue)
    zone = targets.zone(*key)
    at_ms = instant_of("--at", at, zone)
    stated = Stated(
        offered=offered,
        in_time=in_time,
        agents=at_least_0("--agents", agents),
        waiting=at_least_0("--waiting", waiting),
        handle_s=aht,
        patience_s=patience,
        redials=_redials(redials),
        volume=at_least_0("--volume", volume),
        forecast=None if forecast is None else read_forecast(forecast, key, zone),
    )
    found = read_situation(key, at_ms, targets=targets, data=data, stated=stated)
    if pool is not None and people is not None:
        msg = "expected --pool or --people, got both"
        raise InputError(msg)
    sources, notes = sources_of(
        found,
        load_pool(pool) if pool is not None else None,
        people=at_least_0("--people", people),
        ramp_s=60.0 * (at_least_0("--ramp", ramp_min) or 0),
        targets=targets,
        data=data,
    )
    plan = make_plan(found.rest, sources, at_ms, _rules(shrinkage, occupancy, confidence, stay_min))
    notes = [*found.notes, *notes]
    if json_:
        print(json.dumps(as_json(found, plan, notes), indent=2, ensure_ascii=False))
    else:
        print_report(found, plan, notes)
    if not plan.is_enough:
        raise typer.Exit(CANNOT)


def _redials(percent: float) -> Redials:
    try:
        return Redials(share=percent / 100)
    except ValueError as error:
        msg = f"--{error}"
        raise InputError(msg) from error


def _rules(shrinkage: float, occupancy: float, confidence: float, stay_min: int) -> Rules:
    try:
        return Rules(
            confidence=confidence / 100,
            shrinkage=shrinkage / 100,
            most_occupancy=occupancy / 100,
            stay_s=60.0 * stay_min,
        )
    except ValueError as error:
        msg = f"--{error}"
        raise InputError(msg) from error
