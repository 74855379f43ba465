"""Apache Superset beside Vane: its own environment, its own home, and the catalog as its data.

Superset's packages and Vane's do not go together, so it runs by an interpreter of its own. What
it needs to know is in three files of its home: ``provision.json``, ``secret`` and ``superset.db``.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import InputError, TerminalError
from pipeline.lake.catalog import CATALOG

SCRIPTS: Final = Path(__file__).resolve().parent / "in_superset"
ADMIN: Final = "admin"
NEWEST: Final = (3, 13)
"""Superset runs on Pythons before this."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where Superset's parts are."""

    environment: Path
    """The Python environment; made on first use."""
    requirements: Path
    """Hash-pinned packages of that environment."""
    assets: Path
    """Database, datasets, charts and dashboards in Superset's export format."""
    home: Path
    """Metadata database, secret and settings."""
    published: Path
    """The folder with the catalog."""

    @property
    def python(self) -> Path:
        """Return the environment's interpreter."""
        return self.environment / "bin" / "python"


def make_environment(place: Place, report: Report) -> None:
    """Install the pinned packages, unless they are the ones that are installed.

    Raises:
        TerminalError: the packages could not be installed.
    """
    wanted = hashlib.sha256(place.requirements.read_bytes()).hexdigest()
    mark = place.environment / ".installed"
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    uv, sync = _uv(), ["pip", "sync", "--require-hashes", "--python", str(place.python)]
    report(f"Superset's environment: {place.environment} (once; some 150 packages)")
    mark.unlink(missing_ok=True)
    steps = (
        [uv, "venv", "--quiet", "--clear", "--python", _interpreter(), str(place.environment)],
        [uv, *sync, str(place.requirements)],
    )
    for step in steps:
        if subprocess.run(step, check=False, env=_uv_environment()).returncode:  # noqa: S603
            msg = (
                f"{place.requirements}: expected its packages to install in {place.environment}; "
                "what failed is said above"
            )
            raise TerminalError(msg)
    mark.write_text(wanted, encoding="utf-8")


def prepare(place: Place, report: Report, *, new_password: bool = False) -> str | None:
    """Bring the home up to date; return the admin's password if it is new.

    Nothing is done if home, packages, assets and catalog are those of the last time.

    Raises:
        TerminalError: Superset refused; the end of its log is in the message.
    """
    place.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_secret(place.home / "secret")
    mark = place.home / "prepared"
    said = {
        "catalog": str(place.published / CATALOG),
        "published": str(place.published),
        "assets": str(place.assets),
    }
    state = _state(place, said)
    is_current = mark.is_file() and mark.read_text(encoding="utf-8") == state
    if is_current and not new_password:
        return None
    is_first = not mark.is_file()
    password = secrets.token_urlsafe(15) if new_password or is_first else ""
    settings = place.home / "provision.json"
    settings.write_text(json.dumps(said, indent=2), encoding="utf-8")
    report("Superset: metadata, roles, account, dashboards")
    done = subprocess.run(  # noqa: S603 - our own command
        [place.python, SCRIPTS / "setup.py", settings],
        input=f"{password}\n",
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    (place.home / "setup.log").write_text(done.stdout, encoding="utf-8")
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-15:])
        msg = f"{place.home / 'setup.log'}: Superset could not be set up:\n{end}"
        raise TerminalError(msg)
    mark.write_text(state, encoding="utf-8")
    return password or None


def serve(place: Place, host: str, port: int) -> int:
    """Serve until interrupted; return the exit code."""
    command = [str(place.python), "-m", "gunicorn", "--bind", f"{host}:{port}"]
    # One process: DuckDB keeps one version of the catalog per process, threads share it.
    command += ["--workers", "1", "--worker-class", "gthread", "--threads", "8"]
    command += ["--timeout", "120", "--log-level", "warning", "superset.app:create_app()"]
    server = subprocess.Popen(command, env=environment(place), cwd=place.home)  # noqa: S603
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()
        return server.wait()


def environment(place: Place) -> dict[str, str]:
    """Return the variables of a process of Superset: none of Vane's secrets among them."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return kept | {
        "SUPERSET_CONFIG_PATH": str(SCRIPTS / "config.py"),
        "SUPERSET_HOME": str(place.home),
        "VANE_SUPERSET_HOME": str(place.home),
        "FLASK_APP": "superset.app:create_app()",
        "SCARF_ANALYTICS": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _interpreter() -> str:
    """Return this interpreter, or what to look for if Superset does not run on it."""
    return sys.executable if sys.version_info < NEWEST else f">=3.11,<{NEWEST[0]}.{NEWEST[1]}"


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if not found:
        msg = "expected uv beside Python; run: make setup"
        raise InputError(msg)
    return found


def _uv_environment() -> dict[str, str]:
    # An interpreter is looked for on this machine and nowhere else.
    return os.environ | {"UV_PYTHON_DOWNLOADS": "never"}


def _write_secret(path: Path) -> None:
    if path.is_file():
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(secrets.token_urlsafe(48))


def _state(place: Place, said: dict[str, str]) -> str:
    """Return a hash of all that the home was prepared from."""
    digest = hashlib.sha256(json.dumps(said).encode())
    for path in [place.requirements, *sorted(SCRIPTS.glob("*.py"))]:
        digest.update(path.read_bytes())
    for path in sorted(place.assets.rglob("*.yaml")):
        digest.update(str(path.relative_to(place.assets)).encode() + path.read_bytes())
    return digest.hexdigest()
