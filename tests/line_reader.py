"""A small adapter of the tests' own: ``epoch|call|queue|verb|number``, as simple as a log can be.

It keeps to the protocol of ``pipeline.codec.adapter`` and stitches just enough to be told apart
from one that does not: a call's queue is named by its first line only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.codec.adapter import Origin
from pipeline.domain.events import (
    AgentState,
    AgentStateEvent,
    CallEvent,
    EventType,
    Rejected,
    customer_ref,
    event_id,
)
from pipeline.ingest.blocks import Blocks
from pipeline.ingest.formats import Format, of
from pipeline.ingest.lines import Lines

TYPES = {"in": EventType.QUEUED, "out": EventType.ABANDONED}


class LineAdapter:
    def __init__(self, origin: Origin) -> None:
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._origin = origin
        self._queues: dict[str, str] = {}

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        if not record.strip():
            self.skipped["blank"] += 1
            return
        fields = record.decode(errors="replace").split("|")
        if len(fields) != 5 or not fields[0].isdecimal():
            message = f"expected epoch and five fields, got {record.decode(errors='replace')!r}"
            yield Rejected(reason="bad_line", message=message, raw=record)
            return
        at, call, queue, verb, number = fields
        if verb == "ready":
            yield self._state(int(at), call)
        elif verb not in TYPES:
            self.skipped[f"unknown_verb:{verb}"] += 1
        else:
            if not queue and call not in self._queues:
                self.anomalies["queue_unknown"] += 1
            queue = self._queues.setdefault(call, queue or "unknown")
            yield self._call(int(at), call, queue, verb, number)

    def finish(self) -> Iterator[CallEvent]:
        """A caller who is still waiting is taken to have left when the log ends."""
        if "held" in self._queues:
            yield self._call(1_700_009_999, "held", self._queues["held"], "out", "")

    def _call(self, at: int, call: str, queue: str, verb: str, number: str) -> CallEvent:
        return CallEvent(
            v=1,
            event_id=event_id(self._origin.source, f"{call}/{verb}"),
            type=TYPES[verb],
            occurred_at_ms=at * 1000,
            client=self._origin.client,
            site=self._origin.site,
            queue=self._origin.names.queue(queue),
            contact_id=call,
            leg=1,
            source=self._origin.source,
            source_position=f"{call}/{verb}",
            customer_ref=customer_ref(self._origin.customer_key, number),
        )

    def _state(self, at: int, agent: str) -> AgentStateEvent:
        return AgentStateEvent(
            v=1,
            event_id=event_id(self._origin.source, f"{agent}/{at}"),
            state=AgentState.AVAILABLE,
            occurred_at_ms=at * 1000,
            client=self._origin.client,
            agent=self._origin.names.agent(agent),
            source=self._origin.source,
            source_position=f"{agent}/{at}",
        )


HELD_FOR_MS = 100


class HoldingAdapter(LineAdapter):
    """One that takes a caller to have left after some time too, not only at the end."""

    newest_ms = 0

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        for event in super().feed(record):
            if isinstance(event, CallEvent):
                self.newest_ms = event.occurred_at_ms
            yield event

    def due(self, now_ms: int) -> list[CallEvent]:
        if now_ms < self.newest_ms + HELD_FOR_MS:
            return []
        found = list(self.finish())
        self._queues.pop("held", None)
        return found


class BlockAdapter:
    """Reads blocks of either protocol that say who called, and when."""

    def __init__(self, origin: Origin) -> None:
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._origin = origin

    def feed(self, record: bytes) -> Iterator[CallEvent | Rejected]:
        lines = record.decode(errors="replace").splitlines()
        told = dict(line.split(": ", 1) for line in lines if ": " in line)
        call = told.get("Uniqueid") or told.get("CC-Member-UUID")
        stamp = (
            told.get("Timestamp") or told.get("Event-Date-Timestamp") or told.get("Vane-Received")
        )
        if call is None or stamp is None:
            message = f"expected a call and a time, got {sorted(told)}"
            yield Rejected(reason="incomplete", message=message, raw=record)
            return
        at_ms = int(stamp) // 1000 if stamp.isdecimal() else int(float(stamp) * 1000)
        yield CallEvent(
            v=1,
            event_id=event_id(self._origin.source, call),
            type=EventType.QUEUED,
            occurred_at_ms=at_ms,
            client=self._origin.client,
            queue="sales",
            contact_id=call,
            leg=1,
            source=self._origin.source,
            source_position=call,
            customer_ref=customer_ref(self._origin.customer_key, told.get("CallerIDNum", "")),
        )

    def finish(self) -> Iterator[CallEvent]:
        yield from ()


BLOCK_FORMAT = Format("test-blocks", "blocks of the tests' own", Blocks, of(BlockAdapter))


LINE_FORMAT = Format("test-lines", "lines of the tests' own", Lines, of(LineAdapter))


def a_line(n: int, verb: str = "in", queue: str = "sales") -> bytes:
    return f"{1_700_000_000 + n}|c{n}|{queue}|{verb}|+49 30 {1_000_000 + n}\n".encode()
