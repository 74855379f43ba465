"""What the landed log says of a queue in a window: its legs, its agents, what went wrong.

Files are chosen by their day of event time, so a window of a day reads days and not the log.
Events that were delivered again count once. What a leg is worth, what an agent was doing and which
fact holds is decided by the domain; nothing here decides it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import duckdb

from pipeline.codec.fact_fields import TOPICS
from pipeline.domain.events import (
    AgentState,
    AgentStateEvent,
    CallEvent,
    EventType,
    TransferKind,
)
from pipeline.domain.fact import Fact, FactKind, newest
from pipeline.domain.incident import Cause, Incident, IncidentKind
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.shift import Shift
from pipeline.errors import InputError
from pipeline.lake import manifest
from pipeline.lake.queue_day import QueueKey
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS, SHAPES
from pipeline.lake.warehouse import show_files

_DAY: Final = timedelta(days=1)
_DAY_MS: Final = 86_400_000
LONGEST_LEG_MS: Final = _DAY_MS
"""How long a leg may last: events of those that queued in a window are looked for so far after."""
F = TypeVar("F", bound=Fact)


class WindowLeg(NamedTuple):
    """A leg of the queue, and the queue its contact was in before (empty where in none)."""

    leg: int
    contact_id: str
    came_from: str
    facts: LegFacts


class Rework(NamedTuple):
    """Calls that earlier calls made, by where they came from, and all calls, of a window."""

    calls: int
    made: dict[tuple[str, str], int]
    """(kind, name) to calls: ``("queue", name)`` of transfers and overflows, ``("repeat", queue of
    the contact before)`` of customers who call again."""


class WindowLog:
    """The landed events and facts of one landing folder."""

    def __init__(self, landing: Path) -> None:
        """Look at what there is; nothing is read yet."""
        self._landing = landing
        self._con = duckdb.connect()
        self._con.execute("set TimeZone = 'UTC'")

    def legs(self, key: QueueKey, from_ms: int, to_ms: int) -> list[WindowLeg]:
        """Return the legs that queued, or had events, within ``[from_ms, to_ms)``."""
        self._show("events", CALL_EVENTS, from_ms - LONGEST_LEG_MS, to_ms + LONGEST_LEG_MS)
        rows = self._rows(
            "with mine as (select distinct contact_id from landed.events "
            "where client = $1 and site = $2 and queue = $3 "
            "and occurred_at_ms >= $4 and occurred_at_ms < $5) "
            "select * from landed.events semi join mine using (contact_id) "
            "where client = $1 and site = $2 "
            "qualify row_number() over (partition by event_id order by _partition, _offset) = 1 "
            "order by occurred_at_ms, event_id",
            [*key, from_ms, to_ms],
        )
        found: dict[tuple[str, int], tuple[str, LegFacts]] = {}
        for row in rows:
            event = _event(row)
            place = (event.contact_id, event.leg)
            if place not in found:
                found[place] = (event.queue, LegFacts())
            apply(found[place][1], event)
        return [
            WindowLeg(leg, contact, found.get((contact, leg - 1), ("", None))[0], facts)
            for (contact, leg), (queue, facts) in found.items()
            if queue == key.queue
        ]

    def begins_ms(self) -> int | None:
        """Return the start of the first UTC day that has call events; None if none has."""
        files = manifest.files(manifest.read_batches(self._landing, CALL_EVENTS))
        days = [datetime.fromisoformat(f.event_date).replace(tzinfo=UTC) for f in files]
        return round(min(days).timestamp()) * 1000 if days else None

    def rework(self, key: QueueKey, from_ms: int, to_ms: int, window_ms: int) -> Rework:
        """Return how many of the calls queued in a window were made by earlier ones.

        A leg that is not its contact's first was handed over by another; of first legs, one is a
        repeat whose customer (where known) had another contact within ``window_ms`` before.
        """
        self._show("events", CALL_EVENTS, from_ms - window_ms, to_ms)
        rows = self._rows(
            "with legs as (select contact_id, leg, site, queue, "
            "min(occurred_at_ms) filter (where type = 'queued') as queued_ms, "
            "min(customer_ref) as customer_ref "
            "from landed.events where client = $1 group by contact_id, leg, site, queue "
            "having queued_ms is not null), "
            "contacts as (select contact_id, min(queued_ms) as first_ms, "
            "min(customer_ref) as customer_ref, arg_min(queue, leg) as first_queue "
            "from legs group by contact_id), "
            "repeated as (select contact_id, "
            "first_ms - lag(first_ms) over customer <= $6 as is_repeat, "
            "lag(first_queue) over customer as before_queue "
            "from contacts where customer_ref is not null "
            "window customer as (partition by customer_ref order by first_ms, contact_id)) "
            "select case when legs.leg > 1 then 'queue' when is_repeat then 'repeat' end as kind, "
            "coalesce(case when legs.leg > 1 then before.queue when is_repeat then before_queue "
            "end, '') as name, count(*) as calls "
            "from legs left join repeated using (contact_id) "
            "left join legs as before on before.contact_id = legs.contact_id "
            "and before.leg = legs.leg - 1 "
            "where legs.site = $2 and legs.queue = $3 "
            "and legs.queued_ms >= $4 and legs.queued_ms < $5 group by 1, 2",
            [*key, from_ms, to_ms, window_ms],
        )
        made = {(r["kind"], r["name"]): r["calls"] for r in rows if r["kind"] is not None}
        return Rework(sum(row["calls"] for row in rows), made)

    def weights(self, key: QueueKey, from_ms: int, to_ms: int) -> dict[str, float]:
        """Return, of each agent who answered for the queue, the share that was the queue's."""
        self._show("events", CALL_EVENTS, from_ms, to_ms)
        rows = self._rows(
            "select agent, count(distinct event_id) filter (where queue = $3) as ours, "
            "count(distinct event_id) as all_of_them from landed.events "
            "where client = $1 and site = $2 and type = 'answered' and agent is not null "
            "and occurred_at_ms >= $4 and occurred_at_ms < $5 group by agent having ours > 0",
            [*key, from_ms, to_ms],
        )
        return {row["agent"]: row["ours"] / row["all_of_them"] for row in rows}

    def states(
        self, client: str, site: str, from_ms: int, to_ms: int
    ) -> dict[str, list[AgentStateEvent]]:
        """Return agents' state events in the order of the log, from a day before to a day after.

        A state lasts until the next event, which may come when the window is over.
        """
        self._show("states", AGENT_STATES, from_ms - _DAY_MS, to_ms + _DAY_MS)
        found: dict[str, list[AgentStateEvent]] = {}
        for row in self._rows(
            "select * from landed.states where client = $1 and site = $2 "
            "and occurred_at_ms >= $3 and occurred_at_ms < $4 order by _partition, _offset",
            [client, site, from_ms - _DAY_MS, to_ms + _DAY_MS],
        ):
            said = {f.name: row[f.name] for f in fields(AgentStateEvent)}
            event = AgentStateEvent(**said | {"state": AgentState(row["state"])})
            found.setdefault(event.agent, []).append(event)
        return found

    def shifts(self, client: str, site: str, from_ms: int, to_ms: int) -> dict[str, list[Shift]]:
        """Return agents' shifts in force that touch the window."""
        found: dict[str, list[Shift]] = {}
        for shift in self._facts(FactKind.SCHEDULE, Shift, client, site):
            if shift.start_ms < to_ms and shift.end_ms > from_ms:
                found.setdefault(shift.agent, []).append(shift)
        return found

    def incidents(self, key: QueueKey, from_ms: int, to_ms: int) -> list[Incident]:
        """Return the incidents in force that hit the queue within the window, ascending."""
        found = [
            incident
            for incident in self._facts(FactKind.INCIDENTS, Incident, key.client, key.site)
            if incident.start_ms < to_ms
            and (incident.end_ms is None or incident.end_ms > from_ms)
            and (not incident.queues or key.queue in incident.queues)
        ]
        return sorted(found, key=lambda incident: (incident.start_ms, incident.incident_id))

    def _facts(self, kind: FactKind, of: type[F], client: str, site: str) -> list[F]:
        self._show("facts", TOPICS[kind], None, None)
        found = []
        for row in self._rows(
            "select * from landed.facts where client = $1 and site = $2", [client, site]
        ):
            said = {f.name: row[f.name] for f in fields(of) if row.get(f.name) is not None}
            found.append(of(**said | _worded(said)))
        return newest(found)

    def _show(self, name: str, topic: str, from_ms: int | None, to_ms: int | None) -> None:
        days = None if from_ms is None or to_ms is None else set(_days(from_ms, to_ms))
        batches = manifest.read_batches(self._landing, topic)
        damaged = manifest.damaged(self._landing, batches, days=days)
        if damaged:
            listed = "\n".join(f"  {damage}" for damage in damaged)
            msg = f"landed files are damaged; land them again with: vane land --repair\n{listed}"
            raise InputError(msg)
        paths = [
            self._landing / file.path
            for file in manifest.files(batches)
            if days is None or file.event_date in days
        ]
        show_files(self._con, name, SHAPES[topic], paths)

    def _rows(self, sql: str, values: list[Any]) -> list[dict[str, Any]]:
        found = self._con.execute(sql, values)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _event(row: dict[str, Any]) -> CallEvent:
    said = {f.name: row[f.name] for f in fields(CallEvent)}
    kind = said["transfer_kind"]
    said |= {
        "type": EventType(said["type"]),
        "transfer_kind": None if kind is None else TransferKind(kind),
    }
    return CallEvent(**said)


def _worded(said: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an incident that are words of a list, or lists."""
    found: dict[str, Any] = {}
    if "kind" in said:
        found["kind"] = IncidentKind(said["kind"])
    if "cause" in said:
        found["cause"] = Cause(said["cause"])
    if "queues" in said:
        found["queues"] = tuple(said["queues"])
    return found


def _days(from_ms: int, to_ms: int) -> Iterator[str]:
    day = datetime.fromtimestamp(from_ms // 1000, UTC).date()
    last = datetime.fromtimestamp(to_ms // 1000, UTC).date()
    while day <= last:
        yield day.isoformat()
        day += _DAY
