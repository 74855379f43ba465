"""``vane topics``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.broker.topics import Drift, apply_topics, load_topics
from pipeline.settings import load_settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Create and check the topics that schemas/topics/*.yaml describe.",
    epilog="Examples: vane topics apply | vane topics apply --check | vane topics list",
)

APPLY_EXAMPLES = (
    "Examples: vane topics apply | vane topics apply --check || echo differs | "
    "VANE_BOOTSTRAP=kafka:9092 vane topics apply --partitions 24"
)


@app.command(epilog=APPLY_EXAMPLES)
def apply(
    partitions: Annotated[
        int | None,
        typer.Option(min=1, help="Partitions of every topic, instead of what the files say."),
    ] = None,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Create nothing; exit 1 if anything is missing or differs."),
    ] = False,
) -> None:
    """Create missing topics and report what differs; existing topics are never changed."""
    settings = load_settings()
    report = apply_topics(
        settings.bootstrap,
        settings.schemas_dir / "topics",
        prefix=settings.topic_prefix,
        partitions=partitions,
        check_only=check,
        security=settings.security,
    )
    for name in report.created:
        print(f"created  {name}")
    for name in report.missing:
        print(f"missing  {name}")
    if report.drift:
        _show(report.drift)
    differing = len({drift.topic for drift in report.drift})
    print(
        f"{len(report.created)} created, {len(report.missing)} missing, "
        f"{len(report.present) - differing} as described, {differing} different"
    )
    if check and (report.missing or report.drift):
        raise typer.Exit(1)


@app.command(name="list")
def show() -> None:
    """List the topics with their partitions and purpose."""
    for topic in load_topics(load_settings().schemas_dir / "topics"):
        print(f"{topic.name:24} {topic.partitions:3} partitions  {topic.description}")


def _show(drift: list[Drift]) -> None:
    table = Table("topic", "setting", "expected", "found", title="not as described")
    for one in drift:
        table.add_row(one.topic, one.setting, one.expected, one.found)
    Console().print(table)
