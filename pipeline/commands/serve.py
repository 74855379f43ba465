"""``vane serve``: the desk by HTTP."""

from __future__ import annotations

import typer

from pipeline.commands.desk_options import store
from pipeline.settings import load_settings

EXAMPLES = """
Examples:

  vane serve

  VANE_SERVE_PORT=8080 vane serve

  curl -H "Authorization: Bearer $(vane desk token create li --role leader)" \\
       http://127.0.0.1:6067/api/v1/alerts

It listens on 127.0.0.1:6067 unless VANE_SERVE_HOST and VANE_SERVE_PORT say otherwise (port 0: any
free one, which the log names). Beyond this machine, put something before it that speaks TLS. What
it offers is described at /api/v1/openapi.json and in docs/desk.md.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def serve_command() -> None:
    """Serve alerts and cases by HTTP."""
    import uvicorn

    from pipeline.web.app import build

    settings = load_settings()
    with store() as engine:
        uvicorn.run(
            build(engine),
            host=settings.serve_host,
            port=settings.serve_port,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
