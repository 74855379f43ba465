"""``config/alertmanager`` and ``config/prometheus``, by the programs they are for."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerting.alertmanager import AlertmanagerSink
from pipeline.settings import PROJECT_ROOT
from tests.integration.alertmanager import Alertmanager, alertmanager
from tests.integration.test_alertmanager import ago, until
from tests.programs import program
from tests.unit.alerting.receiver import an_alert

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CONFIG = PROJECT_ROOT / "config" / "alertmanager" / "alertmanager.yml"
PROMETHEUS = PROJECT_ROOT / "config" / "prometheus"


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(program(name)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_alertmanager_takes_its_configuration() -> None:
    done = run("amtool", "check-config", str(CONFIG))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 inhibit rules" in done.stdout


def test_a_configuration_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    bad = tmp_path / "alertmanager.yml"
    bad.write_text(CONFIG.read_text().replace("receiver: planners", "receiver: nobody"))
    assert run("amtool", "check-config", str(bad)).returncode != 0


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"severity": "page", "client": "acme", "queue": "orders"}, "floor"),
        ({"severity": "ticket", "client": "acme", "queue": "orders"}, "planners"),
        ({"severity": "page", "vane": "worker"}, "engineers"),
        ({"severity": "notice", "client": "acme"}, "floor"),
    ],
)
def test_who_is_told(labels: dict[str, str], expected: str) -> None:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    done = run("amtool", "config", "routes", "test", f"--config.file={CONFIG}", *pairs)
    assert done.stdout.split() == [expected]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """One that runs with our configuration; its receivers are not there."""
    with alertmanager(tmp_path_factory.mktemp("config") / "am", CONFIG.read_text()) as found:
        yield found


Fields = dict[str, Any]
QUEUE: Fields = {"queue": "orders", "programme": "retail"}


@pytest.mark.parametrize(
    ("case", "source", "target", "silent"),
    [
        ("a programme's queue", {"queue": "", "programme": "retail"}, QUEUE, True),
        ("another programme's", {"queue": "", "programme": "bank"}, QUEUE, False),
        ("programme, by ticket", {"queue": "", "programme": "retail", "severity": "ticket"}, QUEUE,
         False),
        ("no programme known", {"queue": "", "programme": "retail"}, {"queue": "orders"}, False),
        ("telephony", {"queue": "", "kpi": "telephony", "severity": "ticket"}, QUEUE, True),
        ("telephony of a programme", {"queue": "", "kpi": "telephony"},
         {"queue": "", "programme": "retail"}, True),
        ("telephony elsewhere", {"queue": "", "kpi": "telephony", "site": "south"}, QUEUE, False),
        ("the client", {"queue": "", "site": ""}, QUEUE, True),
        ("the client's other KPI", {"queue": "", "site": "", "kpi": "aht"}, QUEUE, False),
        ("the queue's ticket", QUEUE, QUEUE | {"severity": "ticket", "kpi": "aht"}, True),
        ("another queue's", QUEUE | {"queue": "care"}, QUEUE | {"severity": "ticket"}, False),
        ("a page by a page", QUEUE, QUEUE | {"kpi": "aht"}, False),
    ],
)  # fmt: skip
def test_what_hides_what(
    real: Alertmanager, case: str, source: Fields, target: Fields, *, silent: bool
) -> None:
    client = case.replace(" ", "-").replace(",", "").replace("'", "")  # a case knows no other

    def alert(name: str, fields: Fields) -> Fields:
        return an_alert(name, client=client, rule=name, at_ms=ago(60)) | fields

    def states() -> dict[str, str]:
        mine = [alert for alert in real.alerts() if alert["labels"]["client"] == client]
        return {a["labels"]["alertname"]: a["status"]["state"] for a in mine}

    send = AlertmanagerSink(real.url).send([alert("source", source), alert("target", target)])
    asyncio.run(send)
    # An alert is neither until its group has been looked at.
    until(lambda: set(states().values()) <= {"active", "suppressed"} and len(states()) == 2, states)
    assert states() == {"source": "active", "target": "suppressed" if silent else "active"}


def test_prometheus_takes_its_configuration_and_the_rules_do_what_they_say() -> None:
    rules = str(PROMETHEUS / "vane.rules.yml")
    for arguments in (
        ("check", "config", str(PROMETHEUS / "prometheus.yml")),
        ("check", "rules", rules),
        ("test", "rules", str(PROMETHEUS / "vane.rules.test.yml")),
    ):
        done = run("promtool", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_that_do_something_else_are_noticed(tmp_path: Path) -> None:
    rules = (PROMETHEUS / "vane.rules.yml").read_text()
    assert "or absent(" in rules
    (tmp_path / "vane.rules.yml").write_text(rules.replace('or absent(up{job="vane"})', ""))
    test = tmp_path / "vane.rules.test.yml"
    test.write_text((PROMETHEUS / "vane.rules.test.yml").read_text())
    done = run("promtool", "test", "rules", str(test))
    assert done.returncode != 0
    assert "no worker at all is told too" in done.stdout + done.stderr


def test_the_json_of_an_alert_is_what_amtool_reads(real: Alertmanager) -> None:
    asyncio.run(AlertmanagerSink(real.url).send([an_alert("seen", client="seen", at_ms=ago(60))]))
    done = run("amtool", f"--alertmanager.url={real.url}", "alert", "query", "-o", "json",
               "client=seen")  # fmt: skip
    (found,) = json.loads(done.stdout)
    assert found["annotations"]["alert_id"] == "seen"
