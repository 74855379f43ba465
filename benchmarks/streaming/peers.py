"""The engines compared: how each is installed, started, and its results read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from benchmarks.streaming import install, java
from benchmarks.streaming.log import GRACE_MS
from benchmarks.streaming.oracle import Attribution, Counts
from benchmarks.streaming.results import Cell, KeyReader, ValueReader
from benchmarks.streaming.window import HOP_MS, SIZE_MS

ENGINES: Final = Path(__file__).parent / "engines"

Emits = Literal["at each event", "at each commit", "when the window closes"]
"""When an engine gives a result out."""


def _cell(key: bytes) -> Cell:
    queue, _, start = key.rpartition(b"|")
    return queue.decode(), int(start)


def _counts(value: bytes) -> Counts:
    read = json.loads(value)
    return read["n"], read["within"]


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine in one set-up."""

    name: str
    title: str
    emits: Emits
    guarantee: str
    """The delivery guarantee that it is set to, in its own words."""
    prepare: Callable[[], list[str]]
    """Installs what is missing; returns the command."""
    version: Callable[[], str]
    """Asked after ``prepare``."""
    env: Mapping[str, str] = field(default_factory=dict)
    topic: Callable[[str, str], str] = lambda output, _app: output
    """(output topic, app id) to the topic its results are read from."""
    before: Callable[[str], list[str] | None] = lambda _state: None
    """State folder to a command that is run once before the first start, if there is one."""
    read_key: KeyReader = _cell
    read_value: ValueReader = _counts
    size_ms: int = SIZE_MS
    """Length of the windows it gives out; Vane's panes are added up by whoever reads them."""
    attribution: Attribution = "outcome"
    grace_ms: int = GRACE_MS
    """How long after its end a window still takes calls, ms of event time."""


def _vane_cell(key: bytes) -> Cell:
    queue, _, start = key.rpartition(b"/")
    return queue.decode(), int(start)


def _pane(value: bytes) -> Counts:
    read = json.loads(value)
    return read["answered"] + read["abandoned"], read["answered_within"]


def _faust_cell(key: bytes) -> Cell:
    queue, (start, _) = json.loads(key)
    return queue, round(start * 1000)


def _python(venv: str, script: str, *arguments: str) -> Callable[[], list[str]]:
    return lambda: [str(install.python(venv)), str(ENGINES / script), *arguments]


def _bytewax() -> list[str]:
    python = str(install.python("bytewax"))
    return [
        python, "-m", "bytewax.run", f"{ENGINES / 'bytewax_flow.py'}:flow", "-w", "2",
        "-r", "{state}", "-s", "1", "-b", "0",
    ]  # fmt: skip


def _bytewax_before(state: str) -> list[str]:
    return [str(install.python("bytewax")), "-m", "bytewax.recovery", state, "4"]


def _pair(value: bytes) -> Counts:
    n, within = value.split(b",")
    return int(n), int(within)


def _flink() -> list[str]:
    connector = [f"file://{path}" for path in java.fetch("flink")]
    return [str(install.python("flink")), str(ENGINES / "flink_sql.py"), *connector]


def _own_version(package: str) -> Callable[[], str]:
    return lambda: install.version(None, package)


def _version(venv: str, package: str) -> Callable[[], str]:
    return lambda: install.version(venv, package)


PEERS: Final[Mapping[str, Peer]] = {
    peer.name: peer
    for peer in (
        Peer(
            "vane", "Vane", "at each event", "exactly once by construction",
            lambda: [sys.executable, "-m", "pipeline", "worker", "--app-id", "{app}",
                     "--loglevel", "warning"],
            _own_version("vane"),
            read_key=_vane_cell,
            read_value=_pane,
            size_ms=HOP_MS,
            attribution="service_level_event",
        ),
        Peer(
            "faust", "Faust's guide", "at each event", "at_least_once",
            lambda: [sys.executable, str(ENGINES / "faust_guide.py"), "worker", "-l", "error"],
            _own_version("faust-streaming"),
            topic=lambda _output, app: f"{app}-service-level-changelog",
            read_key=_faust_cell,
        ),
        Peer(
            "faust-exactly-once", "Faust's guide, exactly once", "at each commit", "exactly_once",
            lambda: [sys.executable, str(ENGINES / "faust_guide.py"), "worker", "-l", "error"],
            _own_version("faust-streaming"),
            env={"PEER_GUARANTEE": "exactly_once"},
            topic=lambda _output, app: f"{app}-service-level-changelog",
            read_key=_faust_cell,
        ),
        Peer(
            "quix", "Quix Streams, final()", "when the window closes", "exactly-once",
            _python("quix", "quix.py"), _version("quix", "quixstreams"),
            env={"PEER_EMIT": "final"},
        ),
        Peer(
            "quix-current", "Quix Streams, current()", "at each commit", "exactly-once",
            _python("quix", "quix.py"), _version("quix", "quixstreams"),
            env={"PEER_EMIT": "current"},
        ),
        Peer(
            "bytewax", "Bytewax", "when the window closes", "at least once",
            _bytewax, _version("bytewax", "bytewax"),
            before=_bytewax_before,
        ),
        Peer(
            "bytewax-joined", "Bytewax, joining legs itself", "when the window closes",
            "at least once", _bytewax, _version("bytewax", "bytewax"),
            env={"PEER_JOIN": "1"},
            before=_bytewax_before,
            # Its join hands a queue's calls on out of order by whole batches, minutes in this log.
            grace_ms=3_600_000,
        ),
        Peer(
            "kafka-streams", "Kafka Streams", "at each commit", "exactly_once_v2",
            java.kafka_streams, lambda: java.locked_version("kafka_streams"),
        ),
        Peer(
            "pathway", "Pathway", "at each commit", "at least once (the free tier's)",
            _python("pathway", "pathway_flow.py"), _version("pathway", "pathway"),
            env={"PATHWAY_THREADS": "2"},
            read_value=_pair,
        ),
        Peer(
            "pathway-joined", "Pathway, joining legs itself", "at each commit",
            "at least once (the free tier's)",
            _python("pathway", "pathway_flow.py"), _version("pathway", "pathway"),
            env={"PATHWAY_THREADS": "2", "PEER_JOIN": "1"},
            read_value=_pair,
        ),
        Peer(
            "flink", "Flink SQL", "when the window closes", "exactly-once",
            _flink, _version("flink", "apache-flink"),
        ),
    )
}  # fmt: skip
"""By name, in the order of the table."""
