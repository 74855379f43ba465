"""``vane topics``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.broker.topics import apply_topics, load_topics
from pipeline.settings import load_settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Create and check the topics that schemas/topics/*.yaml describe.",
    epilog="Examples: vane topics apply | vane topics apply --check | vane topics list",
)


@app.command()
def apply(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Create nothing; exit 1 if anything is missing or differs.")
    ] = False,
) -> None:
    """Create missing topics and report what differs; existing topics are never changed."""
    settings = load_settings()
    report = apply_topics(
        settings.bootstrap,
        settings.schemas_dir / "topics",
        prefix=settings.topic_prefix,
        check_only=check,
    )
    for name in report.created:
        print(f"created  {name}")
    for name in report.missing:
        print(f"missing  {name}")
    for name, key, expected, found in report.drift:
        print(f"differs  {name}: {key} is {found}, expected {expected}")
    same = len(report.present) - len({name for name, *_ in report.drift})
    print(f"{len(report.created)} created, {same} as described, {len(report.drift)} settings differ")
    if check and (report.missing or report.drift):
        raise typer.Exit(1)


@app.command(name="list")
def show() -> None:
    """List the topics with their partitions and purpose."""
    for topic in load_topics(load_settings().schemas_dir / "topics"):
        print(f"{topic.name:24} {topic.partitions:3} partitions  {topic.description}")
