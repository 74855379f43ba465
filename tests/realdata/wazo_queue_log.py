"""Runs the acceptance scenarios of wazo-stat on ``vane kpi``'s counting, cell by cell.

A scenario holds rows of the ``queue_log`` table and the statistics that came of them per hour. The
range of hours shown stands in its set-up. Nothing is known here of how the figures come about.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from pipeline.codec.local_time import parse_instant
from pipeline.config_files import load_targets
from pipeline.config_kpis import load_definitions
from pipeline.domain.intervals import Grain, Grid, known_zone
from pipeline.offline.log_files import Chunk
from pipeline.offline.queue_log_kpis import TermsFinder, count_log
from pipeline.offline.queue_log_rows import Range, Row, agent_rows, queue_rows
from pipeline.settings import PROJECT_ROOT

HOUR_MS: Final = 3_600_000
ON: Final = re.compile(
    r'statist\w+ on (?:agent )?"(?P<subject>[^"]+)" on "(?P<day>[^"]+)" on configuration'
)
SPAN: Final = re.compile(r'configuration "[^"]+" from "(\d+):00" to "(\d+):00"')
LAST_HOUR: Final = re.compile(r'"([\d:]+)" minutes (\w+) in the last hour on agent "([^"]+)"')
CELLS: Final = {
    "Received": "received",
    "Answered": "answered",
    "Abandoned": "abandoned",
    "Closed": "closed",
    "Saturated": "saturated",
    "Timeout": "timeout",
    "Login": "login_s",
    "Pause": "pause_s",
    "Wrapup": "wrapup_s",
    "Conversation": "conversation_s",
}
THRESHOLD_S: Final = 60


@dataclass
class Outcome:
    """Cells compared, those that are wrong, and names that this file does not know."""

    compared: int = 0
    wrong: list[str] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


def as_csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    """Return rows as a database's client exports them, with an id."""
    text = io.StringIO()
    names = ["id", "time", "callid", "queuename", "agent", "event"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *(f"data{i}" for i in range(1, 6))])
    for number, row in enumerate(rows, start=1):
        writer.writerow([number, *row.values()])
    return text.getvalue().encode()


def as_lines(rows: Iterable[Mapping[str, str]]) -> bytes:
    """Return rows as Asterisk writes them to its file, in whole seconds."""
    lines = []
    for row in rows:
        at = parse_instant(row["time"], known_zone("UTC")) // 1000
        fields = [row[name].replace("|", "\\|") for name in row if name != "time"]
        lines.append("|".join([str(at), *fields]))
    return "\n".join(lines).encode() + b"\n"


def in_full(rows: list[dict[str, str]], hour: str) -> list[dict[str, str]]:
    """Return rows whose times are minutes and seconds of an hour with whole times."""
    return [
        row | {"time": f"{hour}:{row['time']}" if len(row["time"]) < 16 else row["time"]}
        for row in rows
    ]


def statistics(data: bytes, wanted: Range, *, by: str) -> list[Row]:
    """Return the rows of the wazo profile for a log, totals included."""
    config = PROJECT_ROOT / "config"
    profile = load_definitions(config / "kpis.yaml").by_name["wazo"]
    terms = TermsFinder(load_targets(config / "queues.yaml"), "", "", profile, (THRESHOLD_S,))
    chunk = Chunk("scenario", 1, data.removesuffix(b"\n"), is_cut=False)
    zone = known_zone("UTC")
    counted = count_log([chunk], Grid("UTC", Grain.HOUR), terms, zone=zone, wanted=wanted)
    assert counted.tally.rejected == Counter()
    assert counted.tally.adds_up
    rows = queue_rows if by == "queue" else agent_rows
    return list(rows(counted.book, wanted, totals=True))


def run_scenario(scenario: Mapping[str, Any], *, form: str = "csv", shown: str = "all") -> Outcome:
    """Compare every cell of a scenario with our figures.

    ``shown`` is ``all`` hours of the scenario's range, or those that are ``met``, without a range:
    a row that is not there then stands for nothing, and totals are left out.
    """
    outcome = Outcome()
    steps = [step["step"] for step in scenario["setup"]]
    rows = in_full(scenario["queue_log"], "2012-01-01 08")
    data = as_csv(rows) if form == "csv" else as_lines(rows)
    for step in steps:
        if found := LAST_HOUR.search(step):
            start = _ms(2012, 1, 1, 8)
            wanted = Range()
            if shown == "all":
                wanted = Range(from_ms=start, until_ms=start + HOUR_MS)
            row = _row(statistics(data, wanted, by="agent"), found[3], start)
            _compare(outcome, {found[2].capitalize(): found[1]}, row, step)
    first, after = _hours(steps)
    for expected in scenario["expected"]:
        said = ON.search(expected["assert"])
        assert said is not None, expected["assert"]
        by = "agent" if "on agent" in expected["assert"] else "queue"
        midnight = _ms(*(int(part) for part in said["day"].split("-")))
        wanted = Range(from_ms=midnight + first * HOUR_MS, until_ms=midnight + after * HOUR_MS)
        ours = statistics(data, wanted if shown == "all" else Range(), by=by)
        for cells in expected["rows"]:
            label = cells["interval"]
            if shown == "met" and label == "Total":
                continue
            begins = None if label == "Total" else midnight + int(label.split("h")[0]) * HOUR_MS
            row = _row(ours, said["subject"], begins)
            if shown == "met" and row is None:
                nothing = {"0", "", "00:00:00", label}
                outcome.wrong += [f"{label}: no row" for v in cells.values() if v not in nothing]
                continue
            _compare(outcome, cells, row, f"{said['subject']} {label}")
    return outcome


def _hours(steps: list[str]) -> tuple[int, int]:
    for step in steps:
        if found := SPAN.search(step):
            return int(found[1]), int(found[2])
    return 0, 24


def _ms(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]


def _row(rows: list[Row], subject: str, start: int | None) -> Row | None:
    label = None if start is None else datetime.fromtimestamp(start / 1000, UTC).isoformat()
    for row in rows:
        name = row.get("queue") or row.get("agent", "")
        if row["interval_start"] == label and name in {subject, f"Agent/{subject}"}:
            return row
    return None


def _compare(outcome: Outcome, cells: Mapping[str, str], row: Row | None, where: str) -> None:
    for name, expected in cells.items():
        if name == "interval":
            continue
        ours = _cell(name, row, outcome)
        if ours is None:
            continue
        outcome.compared += 1
        if ours != expected:
            outcome.wrong.append(f"{where}, {name}: expected {expected!r}, got {ours!r}")


def _cell(name: str, row: Row | None, outcome: Outcome) -> str | None:
    """Return our figure as the page of Wazo shows it; None if the name is not known here."""
    if row is None:
        return "(no row)"
    shown: dict[str, Callable[[Row], str]] = {
        "AWT": lambda row: _time(row["average_wait_s"]),
        "Answered rate": lambda row: _percent(row["answered_rate"]),
        "QoS": lambda row: _percent(row["contract_service_level"][str(THRESHOLD_S)]),
        "Blocking": lambda row: str(row["join_empty"] + row["left_empty"]),
        **{title: partial(_plain, name) for title, name in CELLS.items()},
    }
    if name not in shown:
        outcome.unknown[name] += 1
        return None
    return shown[name](row)


def _plain(name: str, row: Row) -> str:
    return _time(row[name]) if name.endswith("_s") else str(row[name])


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{round(100 * share)} %"
