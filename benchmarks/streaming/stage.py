"""Where an engine runs: its topics and state, its start, and what it said if it failed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.streaming import feed, tree
from benchmarks.streaming.peers import Peer
from benchmarks.streaming.results import Results
from benchmarks.streaming.window import HOP_MS, SIZE_MS
from pipeline.broker.topics import apply_topics
from pipeline.settings import PROJECT_ROOT

WEB_PORT: Final = "16166"


class PeerFailedError(Exception):
    """An engine ended, or gave no result, for a reason that goes into the table."""


@dataclass(slots=True)
class Stage:
    """Topics, state and environment of one run of one engine."""

    bootstrap: str
    peer: Peer
    command: list[str]
    prefix: str
    home: Path
    config: Path
    """Vane's configuration: every queue's threshold is the benchmark's."""
    app: str = ""
    state: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        """Make topics and the state folder."""
        self.app = f"{self.prefix}{self.peer.name}"
        self.state = self.home / self.app / "state"
        self.state.mkdir(parents=True)
        if self.peer.name == "vane":
            apply_topics(self.bootstrap, PROJECT_ROOT / "schemas" / "topics", prefix=self.prefix)
        else:
            feed.create_topics(self.bootstrap, self.input, self.output)

    @property
    def form(self) -> feed.Form:
        """Return which form of the events the engine reads."""
        return "vane" if self.peer.name == "vane" else "peer"

    @property
    def input(self) -> str:
        """Return the topic with the log."""
        return self.prefix + ("acd.events" if self.form == "vane" else "calls")

    @property
    def output(self) -> str:
        """Return the topic that the engine writes results to."""
        return self.prefix + ("kpi.service-level" if self.form == "vane" else "results")

    def results(self, *, keep_all: bool) -> Results:
        """Return a reader of the engine's results."""
        topic = self.peer.topic(self.output, self.app)
        return Results(self.bootstrap, topic, self.peer.read_key, keep_all)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the engine, which goes on where it was if it ran before."""
        env = os.environ | {
            "PEER_BOOTSTRAP": self.bootstrap, "PEER_INPUT": self.input, "PEER_OUTPUT": self.output,
            "PEER_APP": self.app, "PEER_STATE": str(self.state),
            "PEER_SIZE_MS": str(SIZE_MS), "PEER_HOP_MS": str(HOP_MS),
            "PEER_GRACE_MS": str(self.peer.grace_ms),
        } | dict(self.peer.env)  # fmt: skip
        if self.form == "vane":
            env |= {
                "VANE_HOME": str(self.state), "VANE_BOOTSTRAP": self.bootstrap,
                "VANE_TOPIC_PREFIX": self.prefix, "VANE_CONFIG": str(self.config),
                "VANE_WEB_PORT": WEB_PORT, "PYTHONPATH": str(PROJECT_ROOT),
            }  # fmt: skip
        before = self.peer.before(str(self.state))
        if before is not None and not any(self.state.iterdir()):
            done = subprocess.run(before, env=env, check=False, capture_output=True, text=True)
            if done.returncode:
                raise PeerFailedError(f"{before[-3:]}: {done.stderr.strip()[-200:]}")
        command = [part.format(app=self.app, state=self.state) for part in self.command]
        with (self.state.parent / "log").open("ab") as log:
            return subprocess.Popen(
                command, env=env, cwd=self.state.parent, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def failure(self, what: str) -> PeerFailedError:
        """Return an error with the last line that the engine said."""
        said = (self.state.parent / "log").read_text(errors="replace").strip().splitlines()
        return PeerFailedError(f"{what}: {said[-1][:200] if said else 'it said nothing'}")


@contextmanager
def running(stage: Stage) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Yield a list with the started engine; whatever is last in it is killed afterwards."""
    processes = [stage.start()]
    try:
        yield processes
    finally:
        tree.kill(processes[-1])
