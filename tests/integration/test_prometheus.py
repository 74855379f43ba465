"""A real Prometheus beside a worker: silence is told of, and is not taken for good news."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.settings import PROJECT_ROOT, Settings
from tests.integration import live
from tests.integration.alertmanager import alertmanager
from tests.integration.test_alertmanager import ago, tell, until
from tests.programs import program
from tests.unit.alerting.receiver import an_alert

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

CONFIG = PROJECT_ROOT / "config" / "prometheus"
SOONER = {
    "scrape_interval: 15s": "scrape_interval: 1s",
    "evaluation_interval: 15s": "evaluation_interval: 1s",
}


@contextlib.contextmanager
def prometheus(folder: Path, *, alerts_to: str, watches: str) -> Iterator[None]:
    """Run one with our configuration and rules, but for addresses and patience."""
    folder.mkdir()
    text = (CONFIG / "prometheus.yml").read_text()
    for old, new in {**SOONER, "127.0.0.1:9093": alerts_to, "127.0.0.1:6066": watches}.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "prometheus.yml").write_text(text)
    rules = (CONFIG / "vane.rules.yml").read_text()
    (folder / "vane.rules.yml").write_text(rules.replace("for: 1m", "for: 1s"))
    command = [
        str(program("prometheus")),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{live.free_port()}",
    ]
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        process.kill()
        process.wait(10)


def test_a_worker_that_is_killed_is_told_of_and_its_alerts_stand(
    settings: Settings, tmp_path: Path
) -> None:
    with alertmanager(tmp_path / "am") as receiver:

        def names() -> set[str]:
            return {alert["labels"]["alertname"] for alert in receiver.alerts()}

        with live.running(settings, VANE_ALERTMANAGER_URL=receiver.url) as worker:
            addresses = {
                "alerts_to": receiver.url.removeprefix("http://"),
                "watches": f"127.0.0.1:{worker.port}",
            }
            with prometheus(tmp_path / "prometheus", **addresses):
                tell(settings, an_alert("a1", at_ms=ago(60)))
                worker.wait_for(lambda _: "service-level-drop" in names())
                assert "VaneWorkerAway" not in names()
                worker.kill()
                until(lambda: "VaneWorkerAway" in names(), names)
                assert "service-level-drop" in names()
                (away,) = [a for a in receiver.alerts() if "vane" in a["labels"]]
                assert away["labels"]["vane"] == "worker"
