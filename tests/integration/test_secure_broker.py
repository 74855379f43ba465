"""Every component against a broker with TLS, SASL and the access rules of ``docs/security.md``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)

from pipeline.broker.admin import admin
from pipeline.broker.topics import apply_topics
from pipeline.codec.encode import encode
from pipeline.settings import PROJECT_ROOT, Settings, load_settings
from tests.factories import an_event
from tests.integration.command import vane
from tests.integration.live import log_size, running, send
from tests.integration.secure import SecureBroker, secure_broker
from tests.integration.test_worker import record

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

PREFIX = "closed."
ROW = re.compile(
    r"\| (?P<user>vane-\w+) \|.*\| (?P<kind>topic|group) \| `(?P<name>[^`]+)` "
    r"\| (?P<pattern>literal|prefixed) \| (?P<operations>[\w, ]+) \|"
)


def rules_of(text: str, prefix: str) -> list[ACL]:
    """Return the access rules that the table in the docs states."""
    found = []
    for row in filter(None, map(ROW.fullmatch, text.splitlines())):
        resource = ResourcePattern(
            ResourceType[row["kind"].upper()],
            prefix + row["name"],
            ACLResourcePatternType[row["pattern"].upper()],
        )
        for operation in row["operations"].split(", "):
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()
            who = f"User:{row['user']}"
            allow = ACLPermissionType.ALLOW
            found.append(ACL(who, "*", ACLOperation[name], allow, resource))
    return found


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, jars_dir: Path) -> Iterator[SecureBroker]:
    """Yield a broker on which the rules of the docs hold, and no others."""
    with secure_broker(tmp_path_factory.mktemp("secure"), jars_dir) as broker:
        with admin(broker.internal) as client:
            rules = rules_of((PROJECT_ROOT / "docs" / "security.md").read_text("utf-8"), PREFIX)
            assert len(rules) > 20
            client.create_acls(rules)
        yield broker


@pytest.fixture
def inside(closed: SecureBroker, tmp_path: Path) -> Settings:
    """Return settings by which a test looks on, past the closed door."""
    env = {"VANE_HOME": str(tmp_path / "home"), "VANE_BOOTSTRAP": closed.internal}
    return replace(load_settings(env), topic_prefix=PREFIX)


def test_all_components_do_their_work_under_the_rules_of_the_docs_alone(
    closed: SecureBroker, inside: Settings, tmp_path: Path
) -> None:
    def run(user: str, *arguments: str, mechanism: str = "SCRAM-SHA-512") -> str:
        entry = closed.entry(user, mechanism) | {"VANE_TOPIC_PREFIX": PREFIX}
        done = vane(*arguments, home=inside.home, **entry)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    assert "27 created" in run("vane-admin", "topics", "apply")
    assert "27 as described" in run("vane-admin", "topics", "apply", "--check")
    simulated = ("--days", "1", "--scale", "0.05", "--late-rate", "0.01", "--out", str(tmp_path))
    run("vane-ingest", "simulate", *simulated)
    ingest = ("ingest", "--format", "canonical", str(tmp_path))
    run("vane-ingest", *ingest)
    run("vane-ingest", *ingest, mechanism="PLAIN")
    size = log_size(inside)
    with running(inside, **closed.entry("vane-worker")) as worker:
        worker.wait_for(lambda w: w.folded() >= size)
        assert worker.stop() == 0, worker.log.read_text()
        assert "AuthorizationFailed" not in worker.log.read_text()
    with running(inside, **closed.entry("vane-worker")) as worker:  # reads its snapshots
        worker.wait_for(lambda w: w.folded() >= size)
        assert worker.stop() == 0, worker.log.read_text()
    assert "handed over" in run("vane-worker", "replay", "--switch")
    run("vane-lander", "land")
    said = run("vane-lander", "reconcile", "--month", "2025-11")
    assert re.search(r"live = month: [\d,]+ cells, 0 differences", said)
    run("vane-desk", "desk", "migrate")
    assert "offsets read" in run("vane-desk", "desk", "follow", "--once")
    send(inside, [(b"astray", encode(an_event("queued")))], partition=0)
    with running(inside, **closed.entry("vane-worker")) as worker:
        worker.wait_for(lambda w: w.folded() >= size + 1)
        assert worker.stop() == 0, worker.log.read_text()
    assert "bad_key" in run("vane-dlq", "dlq", "list")
    assert "sent: bad_key" in run("vane-dlq", "dlq", "redrive", "--rekey", "client")
    assert "(already_redriven)" in run("vane-dlq", "dlq", "redrive")
    assert "no such" in run("vane-dlq", "dlq", "list", "--topic", "ref.schedule.dlq")


COMMANDS = {
    "topics": ("topics", "apply"),
    "ingest": ("ingest", "--format", "canonical", "-"),
    "land": ("land",),
    "worker": ("worker",),
    "dlq": ("dlq", "list"),
    "replay": ("replay", "--switch"),
}
WRONG = {
    "password": (
        {"VANE_KAFKA_PASSWORD": "guessed"},
        r"user 'vane-admin' by SCRAM-SHA-512: Authentication failed.*",
    ),
    "user": (
        {"VANE_KAFKA_USERNAME": "nobody", "VANE_KAFKA_SASL_MECHANISM": "PLAIN"},
        r"user 'nobody' by PLAIN: Authentication failed.*",
    ),
    "mechanism": ({"VANE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}, r".*we speak SASL_SSL by .*"),
    "no SASL": (
        {
            "VANE_KAFKA_SECURITY_PROTOCOL": "SSL",
            "VANE_KAFKA_USERNAME": "",
            "VANE_KAFKA_PASSWORD": "",
        },
        r"it hangs up; we speak SSL \(VANE_KAFKA_SECURITY_PROTOCOL\)",
    ),
    "no TLS": (
        {"VANE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "VANE_KAFKA_CA_FILE": ""},
        r"it hangs up; we speak SASL_PLAINTEXT by .*",
    ),
}


def assert_refused(done_code: int, said: str, expected: str) -> None:
    assert done_code == 1, said
    lines = [line for line in said.splitlines() if not line.startswith("fold: ")]
    assert len(lines) == 1, said
    assert re.fullmatch(expected, lines[0]), said


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("how", ["password", "CA"])
def test_every_component_says_in_one_line_why_it_is_not_let_in(
    closed: SecureBroker, tmp_path: Path, command: str, how: str
) -> None:
    wrong, reason = WRONG["password"]
    if how == "CA":
        wrong = {"VANE_KAFKA_CA_FILE": str(closed.stranger_ca_file)}
        reason = rf".*certificate.*; trusted is what {closed.stranger_ca_file} says .*"
    entry = closed.entry("vane-admin") | wrong
    done = vane(*COMMANDS[command], home=tmp_path, VANE_WEB_PORT="0", **entry)
    expected = rf"vane: Kafka at {closed.bootstrap} does not let us in: {reason}"
    assert_refused(done.returncode, done.stderr, expected)


@pytest.mark.parametrize("how", sorted(set(WRONG) - {"password"}))
def test_what_is_wrong_is_told_apart(closed: SecureBroker, tmp_path: Path, how: str) -> None:
    wrong, reason = WRONG[how]
    entry = {k: v for k, v in (closed.entry("vane-admin") | wrong).items() if v}
    done = vane("topics", "apply", "--check", home=tmp_path, **entry)
    expected = rf"vane: Kafka at {closed.bootstrap} does not let us in: {reason}"
    assert_refused(done.returncode, done.stderr, expected)


def test_tls_to_a_listener_without_is_told(closed: SecureBroker, tmp_path: Path) -> None:
    entry = closed.entry("vane-admin") | {"VANE_BOOTSTRAP": closed.internal}
    done = vane("topics", "apply", home=tmp_path, **entry)
    expected = rf"vane: Kafka at {closed.internal} does not let us in: (TLS failed|it hangs up).*"
    assert_refused(done.returncode, done.stderr, expected)


def test_what_the_rules_do_not_allow_is_told_in_one_line(
    closed: SecureBroker, tmp_path: Path
) -> None:
    entry = closed.entry("vane-lander") | {"VANE_TOPIC_PREFIX": "others."}
    done = vane("topics", "apply", home=tmp_path, **entry)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "authoriz" in done.stderr.lower()


@pytest.mark.parametrize(
    ("resource", "pattern", "operation"),
    [
        ("kpi.", ACLResourcePatternType.PREFIXED, ACLOperation.WRITE),
        ("acd.events", ACLResourcePatternType.LITERAL, ACLOperation.READ),
    ],
)
def test_a_right_taken_from_a_running_worker_ends_it_in_one_line(
    closed: SecureBroker,
    inside: Settings,
    resource: str,
    pattern: ACLResourcePatternType,
    operation: ACLOperation,
) -> None:
    prefix = f"revoked-{operation.name.lower()}."
    inside = replace(inside, topic_prefix=prefix)
    apply_topics(closed.internal, PROJECT_ROOT / "schemas" / "topics", prefix=prefix)
    rules = rules_of((PROJECT_ROOT / "docs" / "security.md").read_text("utf-8"), prefix)
    with admin(closed.internal) as client:
        client.create_acls([rule for rule in rules if rule.principal == "User:vane-worker"])
    send(inside, [record(an_event("queued", 0))], partition=1)
    with running(inside, **closed.entry("vane-worker")) as worker:
        worker.wait_for(lambda w: w.folded() == 1)
        what = ResourcePattern(ResourceType.TOPIC, prefix + resource, pattern)
        who = ("User:vane-worker", "*", operation, ACLPermissionType.ALLOW)
        with admin(closed.internal) as client:
            client.delete_acls([ACLFilter(*who, what)])
        for i in range(1, 30):
            send(inside, [record(an_event("queued", i, contact_id=f"c{i}"))], partition=1)
            if worker.process.poll() is not None:
                break
            time.sleep(1)
        assert worker.process.wait(60) == 1
        said = worker.log.read_text()
    assert "Traceback" not in said, said
    assert said.splitlines()[-1].startswith(
        f"vane: Kafka at {closed.bootstrap} does not allow it: "
    ), said
    assert f"{prefix}{resource}" in said.splitlines()[-1]
