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
from pipeline.alerting.record import read_alert
from pipeline.domain.alert_rule import BurnRule
from pipeline.domain.alert_scope import Scope
from pipeline.domain.fold import PartitionFold
from pipeline.settings import PROJECT_ROOT
from pipeline.streams.outgoing import alert_record
from tests.factories import NOON, an_event, history
from tests.integration.alertmanager import Alertmanager, alertmanager
from tests.integration.test_alertmanager import ago, until
from tests.programs import program
from tests.unit.alerting.receiver import an_alert
from tests.unit.domain.test_alert import a_rule

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CONFIG = PROJECT_ROOT / "config" / "alertmanager" / "alertmanager.yml"
PROMETHEUS = PROJECT_ROOT / "config" / "prometheus"


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(program(name)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_alertmanager_takes_its_configuration() -> None:
    done = run("amtool", "check-config", str(CONFIG))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 inhibit rules" in done.stdout


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
        ("a silent queue", {"queue": "", "programme": "retail"}, QUEUE | {"kpi": "feed"}, False),
        ("a programme of all sites", {"queue": "", "programme": "retail", "site": ""}, QUEUE, True),
        ("elsewhere", {"queue": "", "programme": "retail", "site": "south"}, QUEUE, False),
        ("the site", {"queue": ""}, QUEUE, True),
        ("the site's programme", {"queue": ""}, {"queue": "", "programme": "retail"}, True),
        ("another site", {"queue": "", "site": "south"}, QUEUE, False),
        ("the site's other KPI", {"queue": "", "kpi": "aht"}, QUEUE, False),
        ("the site, by ticket", {"queue": "", "severity": "ticket"}, QUEUE, False),
        ("the client's site", {"queue": "", "site": ""}, {"queue": ""}, True),
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


def test_what_a_fold_says_of_a_site_hides_what_it_says_of_its_queues(real: Alertmanager) -> None:
    """Rules of both scopes, a site of whose two queues neither answers in time."""
    started = ago(600)
    noon = started - started % 30_000
    scopes = (Scope.QUEUE, Scope.SITE)
    fold = PartitionFold(history, [a_rule(BurnRule, name=scope, scope=scope) for scope in scopes])
    events = [
        an_event(kind, noon - NOON + 1000 * n + after, contact_id=f"{queue}{n}", **where)
        for n in range(60)
        for queue, wait in (("orders", 25_000), ("returns", 24_000))
        for where in [{"client": "folded", "site": "north", "queue": queue}]
        for kind, after in (("queued", 0), ("answered", wait))
    ]
    events.append(an_event("queued", noon - NOON + 180_000, client="folded", site="north"))
    events.sort(key=lambda event: event.occurred_at_ms)
    fold.fold((i, event.occurred_at_ms, event) for i, event in enumerate(events))
    said = [alert_record(a, revision=1, partition=0)[1] for a in fold.take_outbox().alerts]
    asyncio.run(AlertmanagerSink(real.url).send([read_alert(raw) for raw in said]))

    def states() -> set[tuple[str, str, str]]:
        mine = [a for a in real.alerts() if a["labels"]["client"] == "folded"]
        return {
            (a["labels"]["scope"], a["labels"].get("queue", ""), a["status"]["state"]) for a in mine
        }

    expected = {
        ("site", "", "active"),
        ("queue", "orders", "suppressed"),
        ("queue", "returns", "suppressed"),
    }
    until(lambda: states() == expected, states)


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
