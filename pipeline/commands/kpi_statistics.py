"""``vane kpi statistics``: figures per interval from rows in a JSON file, no broker needed."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.codec.statistics_rows import Rows, read_rows
from pipeline.errors import InputError
from pipeline.offline.statistics import (
    agent_statistics,
    queue_statistics,
    queue_wait_statistics,
)

EXAMPLES = """
Examples:

  vane kpi statistics rows.json

  vane kpi statistics rows.json --id 1 --interval hour --timezone Europe/Warsaw
  --from "2025-10-26 00:00" --until "2025-10-27 00:00" --qos-threshold 20

  vane kpi statistics rows.json --of waits --id 1 --qos-thresholds 10,20,30

The rows and the answer are described in docs/interval-statistics.md.
"""
SHOWN_REJECTED = 20


class Subject(StrEnum):
    """What statistics are of."""

    QUEUES = "queues"
    WAITS = "waits"
    AGENTS = "agents"


def statistics_command(  # noqa: PLR0913 - one option per parameter of the API
    rows: Annotated[Path, typer.Argument(help="A JSON file of rows; - is standard input.")],
    *,
    of: Annotated[Subject, typer.Option(help="What to sum up.")] = Subject.QUEUES,
    subject_id: Annotated[
        int | None, typer.Option("--id", help="One queue or agent, by interval; else all.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="First instant; else that of the oldest row.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="First instant after; else tomorrow's midnight.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option(help="15min, 30min, hour, day, week or month; else none.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="IANA zone of clock and calendar.")] = "UTC",
    day_start_time: Annotated[
        str | None, typer.Option(help="HH:MM, calls before left out.")
    ] = None,
    day_end_time: Annotated[
        str | None, typer.Option(help="HH:MM, calls from then left out.")
    ] = None,
    week_days: Annotated[
        str | None, typer.Option(help="Days let in, 1 (Monday) to 7: 1,2,3")
    ] = None,
    qos_threshold: Annotated[
        str | None, typer.Option(help="Longest wait, in seconds, of good service.")
    ] = None,
    qos_thresholds: Annotated[
        str | None, typer.Option(help="With --of waits: seconds to cut waits at: 10,20,30")
    ] = None,
    tenant: Annotated[
        list[str] | None, typer.Option(help="Only of this tenant; repeatable.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="vane or wazo: how ranges are cut and day hours are meant.")
    ] = "vane",
) -> None:
    """Print interval statistics of queues, waits or agents as JSON."""
    parameters = {
        "from": from_,
        "until": until,
        "interval": interval,
        "timezone": timezone,
        "day_start_time": day_start_time,
        "day_end_time": day_end_time,
        "week_days": week_days,
        "qos_threshold": qos_threshold,
        "qos_thresholds": qos_thresholds,
        "tenant_uuids": tenant or None,
        "profile": profile,
    }
    read = read_rows(_load(rows))
    now_ms = int(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 - "until tomorrow" needs today
    if of is Subject.WAITS:
        if subject_id is None:
            msg = "--id: expected the queue whose waits are asked for"
            raise InputError(msg)
        found = queue_wait_statistics(read, parameters, queue_id=subject_id, now_ms=now_ms)
    elif of is Subject.AGENTS:
        found = agent_statistics(read, parameters, agent_id=subject_id, now_ms=now_ms)
    else:
        found = queue_statistics(read, parameters, queue_id=subject_id, now_ms=now_ms)
    text = json.dumps(found, indent=2, ensure_ascii=False)
    # JSON can name half a character; nothing can print one.
    print(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    _report(rows, read)


def _load(path: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        return json.loads(text)
    except json.JSONDecodeError as error:
        msg = f"{path}:{error.lineno}: not valid JSON: {error.msg}"
        raise InputError(msg) from error
    except (OSError, ValueError, RecursionError) as error:  # no UTF-8; a number beyond all bounds
        msg = f"{path}: expected a JSON file of rows: {error}"
        raise InputError(msg) from error


def _report(path: Path, rows: Rows) -> None:
    """Say on standard error what did not go into the figures."""
    for rejected in rows.rejected[:SHOWN_REJECTED]:
        typer.echo(f"{path}: {rejected.message}", err=True)
    if rows.rejected:
        typer.echo(f"{path}: {len(rows.rejected)} row(s) rejected", err=True)
    for column, count in sorted(rows.unknown_columns.items()):
        typer.echo(f"{path}: {column} is no known column; left out of {count} row(s)", err=True)
