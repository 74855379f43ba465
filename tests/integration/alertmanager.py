"""A real Alertmanager, started by the test, on loopback."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration.live import free_port
from tests.programs import alertmanager_program

NOBODY = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
"""A configuration that tells nobody: tests look at what Alertmanager itself knows."""


class Alertmanager:
    """One process after another at the same address, each with the files of the one before."""

    def __init__(self, folder: Path, config: str) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._program = alertmanager_program()
        (folder / "alertmanager.yml").write_text(config)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder / 'alertmanager.yml'}",
                    f"--storage.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                    "--log.level=warn",
                ],
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + 30
        while not self._ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it takes for firing; none while it is not there."""
        with contextlib.suppress(OSError), self._get("/api/v2/alerts") as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
        return []

    def ids(self) -> set[str]:
        """Return the ids of the transitions that it shows."""
        return {alert["annotations"]["alert_id"] for alert in self.alerts()}

    def _ready(self) -> bool:
        with contextlib.suppress(OSError), self._get("/-/ready") as answer:
            return bool(answer.status == 200)
        return False

    def _get(self, path: str) -> Any:
        return urllib.request.urlopen(f"{self.url}{path}", timeout=5)


@contextlib.contextmanager
def alertmanager(folder: Path, config: str = NOBODY) -> Iterator[Alertmanager]:
    """Yield a running Alertmanager; it is killed afterwards."""
    found = Alertmanager(folder, config)
    found.start()
    try:
        yield found
    finally:
        found.kill()
