"""``vane month push``: put what is published into an S3 bucket."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from pipeline.batch.push import push
from pipeline.commands.progress import reporting
from pipeline.errors import InputError
from pipeline.settings import Settings, load_settings

PUSH_EXAMPLES: Final = """
Examples:

  vane month push --to s3://contact-centre/vane

  VANE_PUBLISH_URL=s3://contact-centre/vane vane month run --month 2025-11

With VANE_PUBLISH_URL set, run, bill and gc push by themselves. What is there already is not sent
again. Keys and region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and so on; the
address of another maker's S3 from AWS_ENDPOINT_URL_S3.
"""

subcommands = typer.Typer(add_completion=False, rich_markup_mode=None)


@subcommands.command("push", epilog=PUSH_EXAMPLES)
def push_months(
    to: Annotated[
        str | None, typer.Option(help="s3://BUCKET/PREFIX; VANE_PUBLISH_URL if not given.")
    ] = None,
) -> None:
    """Make a bucket hold what is published here: files, catalog, manifests."""
    settings = load_settings()
    url = to or settings.publish_url
    if not url:
        msg = "expected --to s3://BUCKET/PREFIX, or VANE_PUBLISH_URL"
        raise InputError(msg)
    _push(settings, url)


def push_if_asked(settings: Settings) -> None:
    """Push where ``VANE_PUBLISH_URL`` says to."""
    if settings.publish_url:
        _push(settings, settings.publish_url)


def _push(settings: Settings, url: str) -> None:
    with reporting(f"pushing to {url}") as report:
        pushed = push(settings.published, url, report)
    typer.echo(
        f"pushed {pushed.files:,} files, {pushed.bytes / 1e6:,.1f} MB; "
        f"{pushed.known:,} were there already"
    )
