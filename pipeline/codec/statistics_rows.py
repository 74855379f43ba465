"""Reads the rows that interval statistics are made of: queues, agents, their hours, their calls.

The input is JSON: a mapping of table names to lists of rows, or a list of ``{"table", "row"}``.
Table and column names are those of wazo-stat's database, or our own for the tables; see
``docs/interval-statistics.md``. A row that cannot be read is rejected, counted and named; a column
that is not known is counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from pipeline.codec.local_time import parse_instant, parse_length
from pipeline.domain.events import Rejected
from pipeline.domain.interval_statistics import ENDINGS, AgentHour, QueueCall, QueueHour
from pipeline.errors import InputError

TABLES: Final = {
    "stat_queue": "queues",
    "stat_queue_periodic": "queue_hours",
    "stat_call_on_queue": "calls",
    "stat_agent": "agents",
    "stat_agent_periodic": "agent_hours",
}
"""Wazo's names of the tables, and ours."""

COLUMNS: Final = {
    "queues": {"id", "queue_id", "name", "tenant_uuid", "deleted"},
    "queue_hours": {"id", "queue_id", "stat_queue_id", "time", "tenant_uuid", *ENDINGS},
    "calls": {
        *("id", "callid", "queue_id", "stat_queue_id", "agent_id", "stat_agent_id", "time"),
        *("status", "waittime", "talktime", "ringtime", "tenant_uuid"),
    },
    "agents": {"id", "agent_id", "name", "number", "tenant_uuid", "deleted"},
    "agent_hours": {
        *("id", "agent_id", "stat_agent_id", "stat_queue_id", "time"),
        *("login_time", "pause_time", "wrapup_time"),
    },
}
_UTC: Final = ZoneInfo("UTC")
_MAX_COUNT: Final = 2**53
_DEFAULT_ID: Final = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """A queue or an agent: the id that rows refer to, and how it is shown."""

    row_id: int
    shown_id: int
    name: str | None
    tenant: str | None
    is_deleted: bool = False


@dataclass(slots=True)
class Rows:
    """Everything read, by table; subjects by the id that rows refer to."""

    queues: dict[int, Subject] = field(default_factory=dict)
    agents: dict[int, Subject] = field(default_factory=dict)
    queue_hours: list[QueueHour] = field(default_factory=list)
    agent_hours: list[AgentHour] = field(default_factory=list)
    calls: list[QueueCall] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    unknown_columns: Counter[str] = field(default_factory=Counter)


def read_rows(document: object) -> Rows:
    """Read a document; raise InputError if it is no document of rows at all."""
    found = Rows()
    for table, number, row in _located(document):
        where = f"{table} row {number}"
        try:
            if not isinstance(row, Mapping):
                msg = f"expected a mapping, got {row!r}"
                raise ValueError(msg)  # noqa: TRY301, TRY004 - one end for all that is wrong
            _READERS[table](found, row)
        except ValueError as error:
            raw = json.dumps(row, default=str).encode()
            found.rejected.append(Rejected(reason="bad_row", message=f"{where}: {error}", raw=raw))
            continue
        found.unknown_columns.update(
            f"{table}.{column}" for column in row if column not in COLUMNS[table]
        )
    return found


def _located(document: object) -> Iterator[tuple[str, int, Any]]:
    """Yield (table, number of the row from 1, row)."""
    if isinstance(document, Mapping):
        for name, rows in document.items():
            table = _table(name)
            if not isinstance(rows, list):
                msg = f"{name}: expected a list of rows, got {rows!r}"
                raise InputError(msg)
            yield from ((table, i, row) for i, row in enumerate(rows, 1))
    elif isinstance(document, list):
        for number, item in enumerate(document, 1):
            if not isinstance(item, Mapping) or not {"table", "row"} <= item.keys():
                msg = f'item {number}: expected {{"table": ..., "row": ...}}, got {item!r}'
                raise InputError(msg)
            yield _table(item["table"]), number, item["row"]
    else:
        msg = f"expected a mapping of tables to rows, got {type(document).__name__}"
        raise InputError(msg)


def _table(name: object) -> str:
    found = TABLES.get(str(name), str(name))
    if found not in COLUMNS:
        msg = f"expected a table of {', '.join([*TABLES, *COLUMNS])}, got {name!r}"
        raise InputError(msg)
    return found


def _queue(rows: Rows, row: Mapping[str, Any]) -> None:
    shown = _id(row, "queue_id")
    row_id = _id(row, "id", default=shown)
    name = _text(row, "name")
    rows.queues[row_id] = Subject(row_id, shown, name, _text(row, "tenant_uuid"), _flag(row))


def _agent(rows: Rows, row: Mapping[str, Any]) -> None:
    shown = _id(row, "agent_id")
    row_id = _id(row, "id", default=shown)
    name = _text(row, "name")
    # Wazo keeps agents by the name of their channel: Agent/1001 is number 1001.
    number = _text(row, "number") or (name and name.rpartition("/")[2])
    rows.agents[row_id] = Subject(row_id, shown, number, _text(row, "tenant_uuid"), _flag(row))


def _queue_hour(rows: Rows, row: Mapping[str, Any]) -> None:
    queue = _id(row, "stat_queue_id", "queue_id")
    counts = tuple(_count(row, name) for name in ENDINGS)
    hour = QueueHour(_time(row), queue, counts)
    _imply_queue(rows, row, queue)
    rows.queue_hours.append(hour)


def _call(rows: Rows, row: Mapping[str, Any]) -> None:
    queue = _id(row, "stat_queue_id", "queue_id")
    has_agent = row.get("stat_agent_id", row.get("agent_id")) is not None
    call = QueueCall(
        at_ms=_time(row),
        queue=queue,
        status=_text(row, "status") or "answered",
        wait_ms=_count(row, "waittime") * 1000,
        talk_ms=_count(row, "talktime") * 1000,
        agent=_id(row, "stat_agent_id", "agent_id") if has_agent else None,
    )
    _imply_queue(rows, row, queue)
    rows.calls.append(call)


def _agent_hour(rows: Rows, row: Mapping[str, Any]) -> None:
    lengths = {}
    for name in ("login_time", "pause_time", "wrapup_time"):
        try:
            value = row.get(name)
            lengths[name] = 0 if value is None else parse_length(value)
        except ValueError as error:
            msg = f"{name}: {error}"
            raise ValueError(msg) from error
    hour = AgentHour(
        at_ms=_time(row),
        agent=_id(row, "stat_agent_id", "agent_id"),
        queue=None if row.get("stat_queue_id") is None else _id(row, "stat_queue_id"),
        login_ms=lengths["login_time"],
        pause_ms=lengths["pause_time"],
        wrapup_ms=lengths["wrapup_time"],
    )
    rows.agent_hours.append(hour)


_READERS: Final = {
    "queues": _queue,
    "agents": _agent,
    "queue_hours": _queue_hour,
    "calls": _call,
    "agent_hours": _agent_hour,
}


def _imply_queue(rows: Rows, row: Mapping[str, Any], queue: int) -> None:
    """Know a queue by its rows alone, as long as no row of its own says more."""
    rows.queues.setdefault(queue, Subject(queue, queue, None, _text(row, "tenant_uuid")))


def _id(row: Mapping[str, Any], *names: str, default: int = _DEFAULT_ID) -> int:
    for name in names:
        if (value := row.get(name)) is not None:
            return _whole(name, value)
    return default


def _count(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    return 0 if value is None else _whole(name, value)


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_COUNT:
        msg = f"{name}: expected a whole number from 0 on, got {value!r}"
        raise ValueError(msg)
    return value


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        msg = f"{name}: expected text, got {value!r}"
        raise ValueError(msg)
    return value


def _flag(row: Mapping[str, Any]) -> bool:
    value = row.get("deleted", False)
    if not isinstance(value, bool):
        msg = f"deleted: expected true or false, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 - as all that is wrong with a row
    return value


def _time(row: Mapping[str, Any]) -> int:
    value = row.get("time")
    if not isinstance(value, str):
        msg = f"time: expected a date and time such as 2020-10-06T13:00:00+00:00, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 - as all that is wrong with a row
    try:
        return parse_instant(value, _UTC)
    except ValueError as error:
        msg = f"time: {error}"
        raise ValueError(msg) from error
