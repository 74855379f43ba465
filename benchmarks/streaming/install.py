"""Gets a peer onto this machine: a virtual environment of its own from hash-pinned requirements.

Everything is kept in ``.cache/peers`` and made once; a changed requirements file makes it anew.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from pipeline.settings import PROJECT_ROOT

CACHE: Final = PROJECT_ROOT / ".cache" / "peers"
REQUIREMENTS: Final = Path(__file__).parent / "requirements"
PYTHON_VERSION: Final = "3.11"
_TIMEOUT_S: Final = 900


class NotInstalledError(Exception):
    """A peer could not be installed, for a reason that goes into the table."""


@cache
def python(name: str) -> Path:
    """Return the Python of a peer's environment, made from ``requirements/<name>.txt`` if need be.

    Raises:
        NotInstalledError: with the last line of what the installer said.
    """
    lock = REQUIREMENTS / f"{name}.txt"
    folder = CACHE / f"venv-{name}"
    program = folder / "bin" / "python"
    made_from = folder / "made-from"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not made_from.is_file() or made_from.read_text() != digest:
        sys.stderr.write(f"installing {name} into {folder.relative_to(PROJECT_ROOT)}\n")
        uv = str(Path(sys.executable).with_name("uv"))
        _run(uv, "venv", "--quiet", "--clear", "--python", PYTHON_VERSION, str(folder))
        _run(uv, "pip", "sync", "--quiet", "--python", str(program), "--require-hashes", str(lock))
        made_from.write_text(digest)
    return program


def version(name: str | None, package: str) -> str:
    """Return the version of a package in a peer's environment, or in our own."""
    program = sys.executable if name is None else str(python(name))
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([program, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(str(error)) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotInstalledError(said[-1] if said else f"{command[0]} ended with {done.returncode}")
