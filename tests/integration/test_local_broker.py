"""The local broker: one per home, found again by its record, and never mistaken for another."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline.broker import local
from pipeline.broker.admin import admin
from pipeline.broker.record import BrokerRecord, path_of
from pipeline.errors import BrokerUnavailable, InputError
from tests.integration.command import vane

pytestmark = pytest.mark.integration


@contextlib.contextmanager
def taken(port: int) -> Iterator[int]:
    """Make sure that a port is taken, by us or by somebody else; 0 takes a free one."""
    with socket.socket() as holder:
        with contextlib.suppress(OSError):
            holder.bind(("127.0.0.1", port))
            holder.listen()
        yield holder.getsockname()[1] or port


def a_record(pid: int) -> BrokerRecord:
    """Return a record of a broker that is not there."""
    return BrokerRecord(pid, "127.0.0.1:1", time.time(), "4.3.1")


def put(home: Path, text: str) -> Path:
    """Write a record's text into a home; return its path."""
    path = path_of(home)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, jars_dir: Path) -> Iterator[Path]:
    """Home of a broker that was started while the default port was taken, by two at once."""
    home = tmp_path_factory.mktemp("中心 home")
    with taken(local.DEFAULT_PORT), ThreadPoolExecutor(2) as pool:
        records = list(pool.map(lambda _: local.start(home, jars_dir), range(2)))
    assert records[0] == records[1]
    yield home
    local.stop(home)


def test_a_taken_default_port_gives_a_free_one(home: Path) -> None:
    record = local.running(home)
    assert record is not None
    assert record.bootstrap != f"127.0.0.1:{local.DEFAULT_PORT}"
    with admin(record.bootstrap) as client:
        assert client.list_topics() == []


def test_starting_again_is_the_same_broker(home: Path, jars_dir: Path) -> None:
    assert local.start(home, jars_dir) == local.running(home)
    done = vane("kafka", "start", home=home)
    assert done.returncode == 0, done.stderr
    assert "already runs" in done.stdout


def test_status_says_where_it_runs(home: Path) -> None:
    record = local.running(home)
    assert record is not None
    done = vane("kafka", "status", home=home)
    assert done.returncode == 0, done.stderr
    assert record.bootstrap in done.stdout
    assert str(record.pid) in done.stdout


def test_commands_find_it_without_being_told(home: Path) -> None:
    done = vane("topics", "apply", "--check", home=home)
    assert done.returncode == 1
    assert "missing  acd.events" in done.stdout


def test_status_of_none_is_exit_1(tmp_path: Path) -> None:
    done = vane("kafka", "status", home=tmp_path)
    assert done.returncode == 1
    assert "not running" in done.stdout
    assert vane("kafka", "stop", home=tmp_path).stdout == "Kafka was not running\n"


def test_an_explicit_port_that_is_taken_is_a_clean_error(tmp_path: Path, jars_dir: Path) -> None:
    with taken(0) as port:
        with pytest.raises(InputError, match=f"port {port} on .*expected it to be free"):
            local.start(tmp_path, jars_dir, port=port)
        done = vane("kafka", "start", "--port", str(port), home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"vane: port {port} ")
    assert "Traceback" not in done.stderr
    assert not path_of(tmp_path).exists()


def test_stop_goes_by_the_record_and_data_outlive_it(tmp_path: Path) -> None:
    assert vane("kafka", "start", home=tmp_path).returncode == 0
    first = local.running(tmp_path)
    assert first is not None
    with admin(first.bootstrap) as client:
        client.create_topics(["kept"], wait_for_metadata=True)
    done = vane("kafka", "stop", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"Kafka stopped (process {first.pid})\n")
    assert not path_of(tmp_path).exists()
    assert vane("kafka", "status", home=tmp_path).returncode == 1
    try:
        assert vane("kafka", "start", home=tmp_path).returncode == 0
        second = local.running(tmp_path)
        assert second is not None
        assert second.pid != first.pid
        with admin(second.bootstrap) as client:
            assert client.list_topics() == ["kept"]
    finally:
        local.stop(tmp_path)


def test_a_process_that_has_the_pid_of_a_dead_broker_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            path = put(tmp_path, json.dumps(asdict(a_record(stranger.pid))))
            assert local.stop(tmp_path) is None
            assert not path.exists()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_the_broker_of_another_home_is_left_alone(home: Path, tmp_path: Path) -> None:
    record = local.running(home)
    assert record is not None
    stolen = put(tmp_path, path_of(home).read_text())
    assert local.stop(tmp_path) is None
    assert not stolen.exists()
    assert local.running(home) == record


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": 1}'])
def test_a_record_that_is_none_is_a_clean_error(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, text)
    done = vane("kafka", "status", home=tmp_path)
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_no_broker_is_said_soon_and_how_to_start_one(tmp_path: Path) -> None:
    with taken(0) as port:
        pass
    with pytest.raises(BrokerUnavailable, match="vane kafka start"), admin(f"127.0.0.1:{port}"):
        pass
    began = time.monotonic()
    done = vane("topics", "apply", home=tmp_path, VANE_BOOTSTRAP=f"127.0.0.1:{port}")
    assert time.monotonic() - began < 20  # the client would try for 30 s; a slow start is in it
    assert done.returncode == 1
    assert "no Kafka broker answers at" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["kafka", "kafka:", "kafka:http"])
def test_an_address_without_a_port_is_a_clean_error(tmp_path: Path, address: str) -> None:
    done = vane("topics", "apply", home=tmp_path, VANE_BOOTSTRAP=address)
    assert done.returncode == 1
    assert "VANE_BOOTSTRAP: expected host:port" in done.stderr
