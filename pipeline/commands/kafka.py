"""``vane kafka``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from pipeline.broker import jars, local
from pipeline.settings import load_settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Start, stop or look at a real Apache Kafka broker on this machine (loopback only).",
    epilog="Examples: vane kafka start | vane kafka start --port 19092 | vane kafka status",
)


@app.command()
def start(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Must be free. Default: 9092, or any free one."),
    ] = None,
) -> None:
    """Start the broker unless it runs; its data lie in VANE_HOME/kafka."""
    settings = load_settings()
    before = local.running(settings.home)
    record = local.start(settings.home, settings.jars, port=port)
    verb = "already runs" if before else "started"
    print(f"Kafka {record.version} {verb} at {record.bootstrap} (process {record.pid})")


@app.command()
def stop() -> None:
    """Stop the broker by its recorded process id; its data stay."""
    record = local.stop(load_settings().home)
    print("Kafka was not running" if record is None else f"Kafka stopped (process {record.pid})")


@app.command()
def status() -> None:
    """Say whether the broker runs, where and since when; exit 1 if it does not."""
    settings = load_settings()
    record = local.running(settings.home)
    if record is None:
        print(f"Kafka is not running (home {settings.home})")
        raise typer.Exit(1)
    minutes = (time.time() - record.started_at) / 60
    print(
        f"Kafka {record.version} runs at {record.bootstrap} "
        f"(process {record.pid}, up {minutes:.0f} min, data in {settings.home / 'kafka'})"
    )


@app.command()
def fetch() -> None:
    """Fetch Kafka's jars and check their sums; does nothing when they are there."""
    folder = jars.fetch(load_settings().jars)
    print(f"Kafka {jars.KAFKA_VERSION}: {len(jars.locked())} jars checked in {folder}")
