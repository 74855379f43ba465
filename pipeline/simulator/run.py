"""A whole simulation: every floor and day of a scenario, written to a folder.

Days are simulated one after the other, so memory holds one day whatever the scenario's length.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import IO, Final
from zoneinfo import ZoneInfo

from pipeline.domain.complaint import Complaint
from pipeline.errors import InputError
from pipeline.simulator.canonical import agent_state_records, call_records
from pipeline.simulator.complaints import Complainers, as_sent
from pipeline.simulator.delivery import Delivery
from pipeline.simulator.floor import simulate_day
from pipeline.simulator.plan import DayPlan, Order
from pipeline.simulator.profile import CLIENTS, HALF_HOUR_MS
from pipeline.simulator.queue_log import as_logged, queue_log_lines
from pipeline.simulator.truth import Truth

CALLS_FILE: Final = "acd.events.ndjson"
AGENT_STATES_FILE: Final = "acd.agent-states.ndjson"
TRUTH_FILE: Final = "truth.json"
FORECAST_FILE: Final = "forecast.csv"
QUEUE_LOG_FOLDER: Final = "queue_log"
COMPLAINTS_FILE: Final = "complaints-{}.ndjson"

Report = Callable[[int], None]
"""Told the number of calls after each floor's day."""


def write_canonical(order: Order, folder: Path, report: Report) -> Truth:
    """Simulate and write canonical events in order of delivery; return the truth."""
    _prepare(folder)
    truth = Truth()
    calls = Delivery(_rng(order, "calls"), order.late_rate)
    states = Delivery(_rng(order, "agent states"), 0.0)
    complainers, cases = Complainers(), list[Complaint]()
    with (
        (folder / CALLS_FILE).open("wb") as calls_file,
        (folder / AGENT_STATES_FILE).open("wb") as states_file,
    ):
        for day in order.dates():
            plans = order.plans(day)
            begins_ms = min(plan.starts_ms for plan in plans)
            _write_lines(calls_file, calls.arrived(begins_ms))
            _write_lines(states_file, states.arrived(begins_ms))
            for plan in plans:
                floor_day = simulate_day(plan)
                truth.add(plan, floor_day.legs)
                truth.add_dialed(plan, floor_day.dialed)
                calls.send(call_records(plan, floor_day))
                states.send(agent_state_records(plan, floor_day))
                if order.complaints:
                    cases += complainers.after(plan, floor_day)
                report(len(floor_day.legs))
        _write_lines(calls_file, calls.flush())
        _write_lines(states_file, states.flush())
    if order.complaints:
        _write_complaints(folder, cases)
    delivery = {"acd.events": calls.counts(), "acd.agent-states": states.counts()}
    _finish(order, folder, truth, {"format": "canonical", "delivery": delivery})
    return truth


def write_queue_log(order: Order, folder: Path, report: Report) -> Truth:
    """Simulate and write one Asterisk queue_log per floor; return the truth in whole seconds."""
    _prepare(folder)
    logs = folder / QUEUE_LOG_FOLDER
    logs.mkdir(exist_ok=True)
    truth = Truth()
    lines = 0
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for day in order.dates():
            for plan in order.plans(day):
                name = f"{plan.client.name}-{plan.site}" if plan.site else plan.client.name
                if name not in files:
                    files[name] = stack.enter_context((logs / f"{name}.log").open("wb"))
                floor_day = simulate_day(plan)
                truth.add(plan, [seen for leg in floor_day.legs if (seen := as_logged(leg))])
                written = queue_log_lines(plan, floor_day)
                _write_lines(files[name], written)
                lines += len(written)
                report(len(floor_day.legs))
    _finish(order, folder, truth, {"format": "queue_log", "lines": lines})
    return truth


def _prepare(folder: Path) -> None:
    """Make the folder; without its truth file it is seen to be unfinished."""
    if folder.exists() and not folder.is_dir():
        msg = f"{folder}: expected a folder to write to, found a file"
        raise InputError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TRUTH_FILE).unlink(missing_ok=True)


def _write_lines(file: IO[bytes], lines: list[str]) -> None:
    if lines:
        file.write("\n".join(lines).encode())
        file.write(b"\n")


def _write_complaints(folder: Path, cases: list[Complaint]) -> None:
    """Write a file per client, as a complaint desk would send it: in order of being known."""
    for client in CLIENTS:
        own = [case for case in cases if case.client == client.name]
        own.sort(key=lambda case: (case.as_of_ms, case.complaint_id))
        with (folder / COMPLAINTS_FILE.format(client.name)).open("w") as file:
            file.writelines(f"{json.dumps(as_sent(case))}\n" for case in own)


def _finish(order: Order, folder: Path, truth: Truth, about: dict[str, object]) -> None:
    _write_forecast(order, folder / FORECAST_FILE)
    content: dict[str, object] = {
        "scenario": str(order.scenario),
        "seed": order.seed,
        "month": f"{order.year:04d}-{order.month:02d}",
        "scale": order.scale,
        **about,
        "threshold_ms": {client.name: client.threshold_ms for client in CLIENTS},
        "queues": truth.rows(),
        "days": truth.day_rows(),
    }
    (folder / TRUTH_FILE).write_text(json.dumps(content, indent=1) + "\n")


def _write_forecast(order: Order, path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("client", "site", "queue", "interval_start", "expected_calls"))
        for day in order.dates():
            for plan in order.plans(day):
                writer.writerows(_forecast_rows(plan))


def _forecast_rows(plan: DayPlan) -> Iterable[tuple[str, str, str, str, str]]:
    zone = ZoneInfo(plan.client.zone)
    for queue in plan.queues:
        for i, calls in enumerate(queue.forecast):
            start = datetime.fromtimestamp((plan.starts_ms + i * HALF_HOUR_MS) // 1000, UTC)
            local = start.astimezone(zone).isoformat()
            yield plan.client.name, plan.site, queue.profile.name, local, f"{calls:.3f}"


def _rng(order: Order, what: str) -> Random:
    return Random(f"{order.seed}/delivery of {what}")  # noqa: S311 - a simulation, not a secret
