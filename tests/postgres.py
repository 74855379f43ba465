"""A real PostgreSQL server out of Debian's package (``make programs``), for tests of the desk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
import pytest

UNPACKED: Final = Path(__file__).parents[1] / ".cache" / "debian" / "root"
ROOTS: Final = (UNPACKED, Path("/"))
USER: Final = "vane"
PASSWORD: Final = "p@ss:word/1"
START_S: Final = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A server on a socket in a folder; nobody else can reach it."""

    folder: Path

    def create(self, schema: str) -> str:
        """Create a schema, which is quicker than a database; return its address."""
        with self.connect() as con:
            con.execute(f'create schema "{schema}"'.encode())
        return f"{self.url()}&options=-csearch_path%3D{schema}"

    def url(self) -> str:
        """Return the address of the database, without the password."""
        return f"postgresql://{USER}@/postgres?host={self.folder}"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect past the desk."""
        return psycopg.connect(
            host=str(self.folder), user=USER, password=PASSWORD, dbname="postgres"
        )


def programs() -> Path:
    """Return the folder of the server's programs; skip the test where there is none."""
    for root in ROOTS:
        found = sorted(root.glob("usr/lib/postgresql/*/bin/initdb"))
        if found:
            return found[-1].parent
    pytest.skip("no PostgreSQL: run `make programs`, which takes it from a Debian package")


def _environment(bin_dir: Path) -> dict[str, str]:
    """Return an environment in which the unpacked server finds the libraries unpacked with it."""
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
    if bin_dir.is_relative_to(UNPACKED):
        folders = {str(path.parent) for path in UNPACKED.glob("usr/lib/*/lib*.so.*")}
        env["LD_LIBRARY_PATH"] = ":".join(sorted(folders))
    return env


def _as_nobody() -> list[str]:
    """Return what runs a command as somebody else: the server refuses to be root's."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("no PostgreSQL as root: there is no setpriv (package util-linux) here")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@contextmanager
def server() -> Iterator[Server]:
    """Run a server as long as the block lasts."""
    bin_dir, nobody = programs(), _as_nobody()
    env = _environment(bin_dir)
    # Not pytest's folder: it is closed to others, and too long a path for a socket.
    folder = Path(tempfile.mkdtemp(prefix="vane-pg-"))
    try:
        (folder / "password").write_text(PASSWORD)
        if nobody:
            for path in (folder, folder / "password"):
                shutil.chown(path, "nobody", "nogroup")
        options = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--encoding=UTF8"]
        initdb = [str(bin_dir / "initdb"), "-D", str(folder / "data"), "-U", USER, "--no-sync"]
        made = subprocess.run(
            [*nobody, *initdb, *options], env=env, capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        postgres = [str(bin_dir / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
        settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "jit=off"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*nobody, *postgres, *settings], env=env, stdout=log, stderr=log
            )
        try:
            _wait(Server(folder), process, folder / "log")
            yield Server(folder)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nobody needs the data any more
            process.wait(START_S)
    finally:
        shutil.rmtree(folder)


def _wait(found: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            found.connect().close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return
