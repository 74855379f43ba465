"""``vane cause``: why a queue's service level fell in a window of time."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from pipeline.commands.cause_report import as_json, print_report
from pipeline.commands.queue_options import at_least_0, instant_of, key_of
from pipeline.config_agent_time import load_agent_time
from pipeline.config_files import load_targets
from pipeline.errors import InputError
from pipeline.lake.queue_day import QueueData
from pipeline.lake.window_log import WindowLog
from pipeline.offline.causes import find_causes
from pipeline.offline.forecast_file import read_forecast
from pipeline.offline.window_plan import StatedPlan
from pipeline.settings import load_settings

EXAMPLES: Final = """
Examples:

  vane cause --client meridian --site sh --queue service --from "2025-11-11 09:00"
  --to "2025-11-11 12:00"

  vane cause --client meridian --queue service --from 2025-11-11T00:00 --to 2025-11-12T00:00
  --forecast day.csv --planned-agents 73 --agents 66

  vane cause --client meridian --queue service --from 2025-11-11T09:00 --to 2025-11-11T10:00
  --format json

Points of service level lost to volume (environment), agents (people), handle time (material),
transfers and repeats (method) and faults (machine); they and the remainder add up to the fall
from plan. What is not stated comes from what vane land has landed, or from published months;
every assumption is printed. Exit code 0: explained. 3: there is nothing to explain, with the
reason. What the figures mean: docs/cause.md.
"""
NOTHING: Final = 3


class Format(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def cause(  # noqa: PLR0913 - one option per input
    *,
    client: Annotated[str, typer.Option(help="Whose queue.")],
    queue: Annotated[str, typer.Option(help="Which queue.")],
    from_: Annotated[
        str, typer.Option("--from", help="Begin: 2025-11-11 09:00, by the contract's clock.")
    ],
    to: Annotated[str, typer.Option(help="End, itself left out.")],
    site: Annotated[
        str | None, typer.Option(help="Of which site; needed where there are several.")
    ] = None,
    forecast: Annotated[
        Path | None, typer.Option(help="A file of forecasts; else the landed ones.")
    ] = None,
    planned_agents: Annotated[
        float | None, typer.Option(help="Agents planned; else by the forecast or the schedule.")
    ] = None,
    agents: Annotated[
        float | None, typer.Option(help="Agents there were on average; else by landed states.")
    ] = None,
    patience: Annotated[
        float | None, typer.Option(help="Mean patience, seconds; else estimated, else 120.")
    ] = None,
    rework: Annotated[
        float | None,
        typer.Option(help="Percent of calls planned to be transfers in or repeats; else as usual."),
    ] = None,
    top: Annotated[int, typer.Option(help="How many agents, queues or hours per cause.")] = 3,
    format_: Annotated[
        Format, typer.Option("--format", help="For people or for programs.")
    ] = Format.TABLE,
) -> None:
    """Say why a queue's service level is below plan, in points by cause."""
    settings = load_settings()
    targets = load_targets(settings.config_dir / "queues.yaml")
    times = load_agent_time(settings.config_dir / "agent_time.yaml")
    data = QueueData(settings.landing, settings.published)
    key = key_of(data, client, site, queue)
    zone = targets.zone(*key)
    found = find_causes(
        key,
        (instant_of("--from", from_, zone), instant_of("--to", to, zone)),
        targets=targets,
        times=times,
        data=data,
        log=WindowLog(settings.landing),
        stated=StatedPlan(
            forecast=None if forecast is None else read_forecast(forecast, key, zone),
            agents=at_least_0("--agents", agents),
            planned_agents=at_least_0("--planned-agents", planned_agents),
            patience_s=patience,
            rework=_share("--rework", rework),
        ),
    )
    most = at_least_0("--top", top) or 0
    if format_ is Format.JSON:
        print(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        print_report(found, most)
    if found.explanation.reason is not None:
        raise typer.Exit(NOTHING)


def _share(name: str, percent: float | None) -> float | None:
    if percent is not None and not 0 <= percent < 100:  # noqa: PLR2004 - percent
        msg = f"{name}: expected 0 to below 100 percent, got {percent:g}"
        raise InputError(msg)
    return None if percent is None else percent / 100
