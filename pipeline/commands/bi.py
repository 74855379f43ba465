"""``vane bi``: BI tools on the published catalog."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from pipeline.bi import superset as superset_beside
from pipeline.commands.progress import reporting
from pipeline.errors import InputError
from pipeline.lake.catalog import open_catalog
from pipeline.settings import PROJECT_ROOT, Settings, load_settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    epilog="Example: vane bi superset --port 8088. Other tools: docs/bi.md.",
)

EXAMPLES = """
Examples:

  vane bi superset

  vane bi superset --port 9000 --new-password

The first start installs Superset into .cache/superset/venv and makes its home in VANE_HOME/superset
(minutes). The password of the account "admin" is shown once. Provisioned dashboards are written
anew when they change in a release: copy one before you change it.
"""


@app.callback()
def bi() -> None:
    """Open the published catalog in a BI tool."""


@app.command(epilog=EXAMPLES)
def superset(
    *,
    port: Annotated[int, typer.Option(help="Port to serve on.", min=1, max=65535)] = 8088,
    host: Annotated[
        str, typer.Option(help="Address to serve on; put TLS before any but loopback.")
    ] = "127.0.0.1",
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Give the admin a new password.")
    ] = False,
) -> None:
    """Serve Apache Superset with Vane's dashboards, until interrupted."""
    settings = load_settings()
    open_catalog(settings.published).close()
    _expect_free(host, port)
    place = superset_place(settings)
    superset_beside.make_environment(place, lambda line: typer.echo(line, err=True))
    with reporting("setting Superset up") as report:
        password = superset_beside.prepare(place, report, new_password=new_password)
    typer.echo(f"Superset: http://{host}:{port}/")
    if password:
        typer.echo(f"account: {superset_beside.ADMIN}, password (shown once): {password}")
    raise typer.Exit(superset_beside.serve(place, host, port))


def superset_place(settings: Settings) -> superset_beside.Place:
    """Return where Superset's parts are for these settings."""
    return superset_beside.Place(
        environment=PROJECT_ROOT / ".cache" / "superset" / "venv",
        requirements=PROJECT_ROOT / "requirements" / "superset.txt",
        assets=PROJECT_ROOT / "config" / "bi" / "superset",
        home=settings.home / "superset",
        published=settings.published,
    )


def _expect_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        msg = f"--host {host} --port {port}: expected an address to serve on, got: {error.strerror}"
        raise InputError(msg) from error
