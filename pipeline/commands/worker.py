"""``vane worker``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import kernel
from pipeline.settings import load_settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    epilog="Examples: vane worker | VANE_BOOTSTRAP=kafka:9092 vane worker --loglevel warning",
)


@app.command()
def worker(
    app_id: Annotated[
        str, typer.Option(help="Consumer group; workers with the same id share the partitions.")
    ] = "vane",
    snapshot_interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between snapshots of a partition.")
    ] = 10.0,
    loglevel: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the live side: fold acd.events into kpi.*, alerts and snapshots until stopped.

    The status page is on VANE_WEB_PORT (default 6066) of this machine, with /status.json and
    /metrics beside it. Stop with Ctrl-C or SIGTERM; a killed worker loses and repeats nothing.
    """
    settings = load_settings()
    fold = kernel.use(settings.kernel)  # before anything imports the domain
    from pipeline.streams.worker import run  # Faust takes a second to import

    typer.echo(f"fold: {fold}", err=True)
    run(settings, app_id=app_id, snapshot_interval_s=snapshot_interval, loglevel=loglevel)
