"""The formats that can be ingested: ONE line here wires an adapter to files, logs and sockets.

A line says how the bytes are cut into records, who turns a record into events, and whether a
file begins anew (a header of its own) or goes on where the one before it ended (a rotated log).
What the adapter gives is sent by its type: call events and agent states to their topics, and
records of another kind to the topic that the line's ``outlets`` name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from pipeline.codec.adapter import Origin
from pipeline.codec.ami import AmiAdapter
from pipeline.codec.anonymous_bank import AnonymousBankAdapter
from pipeline.codec.connect_agents import ConnectAgentAdapter
from pipeline.codec.connect_events import ConnectContactEventAdapter
from pipeline.codec.connect_records import ConnectRecordAdapter
from pipeline.codec.csv_calls import CsvCallsAdapter
from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import CLASSES, TOPICS
from pipeline.codec.facts import of_file
from pipeline.codec.freeswitch import FreeswitchAdapter
from pipeline.codec.genesys import GenesysAdapter
from pipeline.codec.queue_log import QueueLogAdapter, QueueLogTableAdapter
from pipeline.codec.taskrouter import TaskrouterAdapter
from pipeline.domain.events import AgentStateEvent, CallEvent, routing_domain
from pipeline.domain.fact import Fact, FactKind
from pipeline.ingest.ami import AmiSession
from pipeline.ingest.blocks import BlocksOrDocuments
from pipeline.ingest.canonical import (
    AGENT_STATES,
    CALLS,
    CallLine,
    CanonicalLines,
    StateLine,
    bytes_of_line,
    canonical_files,
    key_of_line,
)
from pipeline.ingest.documents import Documents
from pipeline.ingest.files import find_files
from pipeline.ingest.framed import Framer
from pipeline.ingest.freeswitch import FreeswitchSession
from pipeline.ingest.lines import Lines
from pipeline.ingest.session import Credentials, Session


class Reader(Protocol):
    """``pipeline.codec.adapter.Adapter``, and whatever gives records of another kind."""

    skipped: Counter[str]
    anomalies: Counter[str]

    def feed(self, record: bytes) -> Iterable[Any]:
        """Take one native record; give events, other records, or a ``Rejected``."""
        ...

    def finish(self) -> Iterable[Any]:
        """Say what the end of the input decides."""
        ...


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where records of one type go, and as what."""

    topic: str
    """Our name of it, without the deployment's prefix; its dead letters' has ``.dlq`` behind."""
    key: Callable[[Any], bytes]
    encode: Callable[[Any], bytes]


def domain_key(event: CallEvent | AgentStateEvent | Fact) -> bytes:
    """Return the Kafka key of an event or a fact: its routing domain."""
    return routing_domain(event.client, event.site).encode()


EVENTS: Final[Mapping[type, Outlet]] = {
    CallEvent: Outlet(CALLS, domain_key, encode),
    AgentStateEvent: Outlet(AGENT_STATES, domain_key, encode),
}
_CANONICAL: Final[Mapping[type, Outlet]] = {
    CallLine: Outlet(CALLS, key_of_line, bytes_of_line),
    StateLine: Outlet(AGENT_STATES, key_of_line, bytes_of_line),
}


@dataclass(frozen=True, slots=True)
class Format:
    """One format: how its bytes are cut, who reads a record, where its records go."""

    name: str
    holds: str
    """What it is, for people."""
    framing: Callable[[], Framer]
    reader: Callable[[Origin, str], Reader]
    """Makes a reader; it is told the name of the input, which an adapter has no use for."""
    is_fresh_per_file: bool = False
    """Each file has a reader of its own (its header, its sorting), instead of one for all."""
    outlets: Mapping[type, Outlet] = field(default_factory=lambda: EVENTS)
    """By type; the first one's dead letters are those of the format."""
    session: Callable[[Credentials], Session] | None = None
    """How to read it from a live socket (``--connect``)."""
    files: Callable[[Path], list[Path]] = find_files
    """The files of a folder, in order."""
    is_sorted_whole: bool = False
    """Its events come when a file has ended, so it cannot be followed."""
    is_told_wrapup: bool = False
    """Records do not tell how long agents wrap up; ``Origin.wrapup_s`` does (``--wrapup``)."""
    names_itself: bool = False
    """Records say whose they are, and reading needs no ``--client``."""


def of(adapter: Callable[[Origin], Reader]) -> Callable[[Origin, str], Reader]:
    """Return what makes a reader of an adapter's class."""
    return lambda origin, _name: adapter(origin)


def _canonical(_origin: Origin, name: str) -> Reader:
    return CanonicalLines(name)


def _fact(kind: FactKind, holds: str) -> Format:
    outlets = {CLASSES[kind]: Outlet(TOPICS[kind], domain_key, encode)}
    return Format(
        *(str(kind), holds, Lines, partial(of_file, kind)), is_fresh_per_file=True, outlets=outlets
    )


FORMATS: Final[dict[str, Format]] = {
    row.name: row
    for row in (
        Format(
            *("canonical", "Vane's own events, one JSON document per line", Lines, _canonical),
            is_fresh_per_file=True,
            outlets=_CANONICAL,
            files=canonical_files,
            names_itself=True,
        ),
        Format(
            *("anonymous-bank", "the Technion's call-by-call data of 1999", Lines),
            of(AnonymousBankAdapter),
            is_fresh_per_file=True,
            is_sorted_whole=True,
        ),
        Format("queue_log", "Asterisk's queue_log", Lines, of(QueueLogAdapter)),
        Format(
            *("queue_log_table", "the queue_log table as CSV", Lines, of(QueueLogTableAdapter)),
            is_fresh_per_file=True,
        ),
        Format(
            *("ami", "events of Asterisk's manager interface", BlocksOrDocuments),
            of(lambda origin: AmiAdapter(origin, wrapup_s=origin.wrapup_s)),
            session=AmiSession,
            is_told_wrapup=True,
        ),
        Format(
            *("freeswitch", "mod_callcenter's events", BlocksOrDocuments),
            of(lambda origin: FreeswitchAdapter(origin, wrapup_s=origin.wrapup_s)),
            session=FreeswitchSession,
            is_told_wrapup=True,
        ),
        Format(
            "connect-records", "Amazon Connect contact records", Documents, of(ConnectRecordAdapter)
        ),
        Format(
            *("connect-events", "Amazon Connect contact events", Documents),
            of(ConnectContactEventAdapter),
        ),
        Format(
            *("connect-agents", "Amazon Connect's agent event stream", Documents),
            of(ConnectAgentAdapter),
        ),
        Format("genesys", "Genesys Cloud conversation details", Documents, of(GenesysAdapter)),
        Format("taskrouter", "Twilio TaskRouter events", Documents, of(TaskrouterAdapter)),
        Format(
            *("csv-calls", "calls as CSV, one a line", Lines, of(CsvCallsAdapter)),
            is_fresh_per_file=True,
        ),
        _fact(FactKind.FORECAST, "forecast calls per queue and interval"),
        _fact(FactKind.SCHEDULE, "agents' shifts and breaks"),
        _fact(FactKind.QA, "quality evaluations"),
        _fact(FactKind.COMPLAINTS, "complaints and what became of them"),
        _fact(FactKind.INCIDENTS, "incidents and excluded intervals"),
        _fact(FactKind.PEOPLE, "agents and their teams, with validity"),
    )
}
"""By name. A live protocol's line ends with its session, as ``session=AmiSession``."""


def known_formats() -> str:
    """Return the names of all formats, for an error or a help text."""
    return ", ".join(sorted(FORMATS))
