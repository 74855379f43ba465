"""``vane worker``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer

from pipeline import kernel
from pipeline.errors import InputError
from pipeline.settings import load_settings

SHORTEST_S: Final = 0.1
SESSION_S: Final = (6, 90)
"""What brokers allow unless told otherwise, and what the client's own requests may take."""
LOG_FORMATS: Final = ("text", "json")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    epilog="Examples: vane worker | VANE_BOOTSTRAP=kafka:9092 vane worker --loglevel warning",
)


@app.command()
def worker(  # noqa: PLR0913, PLR0917 - one parameter per option
    app_id: Annotated[
        str, typer.Option(help="Consumer group; workers with the same id share the partitions.")
    ] = "vane",
    instance_id: Annotated[
        str | None,
        typer.Option(
            help="Name of this worker in its group, such as its pod's: started again under it "
            "within the session timeout, it has its partitions back and no other one pauses."
        ),
    ] = None,
    snapshot_interval: Annotated[
        float, typer.Option(help="Seconds between snapshots of a partition.")
    ] = 10.0,
    session_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds without a sign of life after which the group gives a worker's "
            "partitions to others, 6 to 90: how long they pause when it dies."
        ),
    ] = 10.0,
    stuck_after: Annotated[
        float,
        typer.Option(
            help="Seconds without progress after which /healthz says so; after twice that the "
            "worker ends with code 1, to be started again."
        ),
    ] = 60.0,
    ready_lag: Annotated[
        float,
        typer.Option(help="Age in seconds of the oldest record not yet folded for /readyz."),
    ] = 30.0,
    shutdown_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds from SIGTERM to the end, snapshots written or not; a second SIGTERM "
            "ends at once."
        ),
    ] = 25.0,
    log_format: Annotated[
        str, typer.Option(help="text, or json: one object per line, on standard output.")
    ] = "text",
    loglevel: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the live side: fold acd.events into kpi.*, alerts and snapshots until stopped.

    The status page is on VANE_WEB_PORT (default 6066) of this machine, with /status.json and
    /metrics beside it, /healthz (is it alive?) and /readyz (is it up to date?). Stop with Ctrl-C
    or SIGTERM; a killed worker loses and repeats nothing.
    """
    settings = load_settings()
    seconds = {
        "--snapshot-interval": snapshot_interval,
        "--stuck-after": stuck_after,
        "--ready-lag": ready_lag,
        "--shutdown-timeout": shutdown_timeout,
    }
    words = {"--loglevel": (loglevel, LOG_LEVELS), "--log-format": (log_format, LOG_FORMATS)}
    _check(seconds, words, session_timeout)
    fold = kernel.use(settings.kernel)  # before anything imports the domain
    from pipeline.streams.app import Membership
    from pipeline.streams.health import Limits
    from pipeline.streams.worker import run  # Faust takes a second to import

    if log_format == "text":
        typer.echo(f"fold: {fold}", err=True)
    run(
        settings,
        membership=Membership(
            app_id=app_id, instance_id=instance_id, session_timeout_s=session_timeout
        ),
        snapshot_interval_s=snapshot_interval,
        loglevel=loglevel,
        log_format=log_format,
        fold=fold,
        limits=Limits(
            stuck_after_s=stuck_after,
            ready_lag_s=ready_lag,
            shutdown_timeout_s=shutdown_timeout,
        ),
    )


def _check(
    seconds: Mapping[str, float], words: Mapping[str, tuple[str, Sequence[str]]], session_s: float
) -> None:
    """Say everything that is wrong with the options at once."""
    wrong = [
        f"{name}: expected {SHORTEST_S} seconds or more, got {value:g}"
        for name, value in seconds.items()
        if not SHORTEST_S <= value < math.inf
    ]
    least, most = SESSION_S
    if not least <= session_s <= most:
        wrong.append(
            f"--session-timeout: expected from {least} to {most} seconds, got {session_s:g}"
        )
    wrong += [
        f"{name}: expected one of {', '.join(known)}, got {word!r}"
        for name, (word, known) in words.items()
        if word not in known
    ]
    if wrong:
        listed = "".join(f"\n  {problem}" for problem in wrong)
        msg = f"options: {len(wrong)} problems{listed}" if len(wrong) > 1 else wrong[0]
        raise InputError(msg)
