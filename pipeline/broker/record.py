"""What is known of a local broker process: ``<home>/kafka/broker.json``, and whether it is true.

A record outlives a crash or a reboot, and its process id may then belong to somebody else. So a
process counts as ours only if its command line says that it serves this home.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import InputError


@dataclass(frozen=True, slots=True)
class BrokerRecord:
    """What ``broker.json`` holds."""

    pid: int
    bootstrap: str
    started_at: float
    version: str


def path_of(home: Path) -> Path:
    """Return where the record of a home's broker lies."""
    return home / "kafka" / "broker.json"


def write(home: Path, record: BrokerRecord) -> None:
    """Put a record in its place, whole or not at all."""
    temporary = path_of(home).with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(record)) + "\n")
    temporary.replace(path_of(home))


def running(home: Path) -> BrokerRecord | None:
    """Return the record of the running broker, or None; a stale record is removed.

    Raises:
        InputError: the record is not one.
    """
    path = path_of(home)
    try:
        record = BrokerRecord(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        msg = f"{path}: expected pid, bootstrap, started_at and version; delete it ({error})"
        raise InputError(msg) from error
    if is_ours(record.pid, home):
        return record
    path.unlink(missing_ok=True)
    return None


def mark(home: Path) -> str:
    """Return the argument by which a broker process of this home is known."""
    return f"-Dvane.home={home.resolve()}"


def is_ours(pid: int, home: Path) -> bool:
    """Say whether a live process with this id is the broker of this home, not a later one."""
    return f" {mark(home)} " in _command_line(pid)


def _command_line(pid: int) -> str:
    process = Path(f"/proc/{pid}")
    if Path("/proc/self").exists():
        try:
            raw = (process / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return ""
        return raw.decode(errors="surrogateescape").replace("\0", " ")
    # Systems without /proc, such as macOS.
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return done.stdout
