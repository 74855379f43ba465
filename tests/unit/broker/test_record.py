"""A broker's record is believed only if a live process says that it is this home's broker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.broker import record
from pipeline.broker.record import BrokerRecord
from pipeline.errors import InputError


def recorded(home: Path, pid: int) -> BrokerRecord:
    found = BrokerRecord(pid, "127.0.0.1:9092", 1.0, "4.3.1")
    record.path_of(home).parent.mkdir(parents=True, exist_ok=True)
    record.write(home, found)
    return found


def test_without_a_record_nothing_runs(tmp_path: Path) -> None:
    assert record.running(tmp_path) is None


def test_a_process_id_that_somebody_else_has_now_is_not_our_broker(tmp_path: Path) -> None:
    recorded(tmp_path, os.getpid())
    assert record.running(tmp_path) is None
    assert not record.path_of(tmp_path).exists()


def test_a_process_that_says_it_serves_this_home_is_ours_and_no_other_homes(
    tmp_path: Path,
) -> None:
    home, longer = tmp_path / "a", tmp_path / "ab"
    command = [sys.executable, "-c", "input('started')", record.mark(home), "kafka.Kafka"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.read(7) == b"started"
        found = recorded(home, process.pid)
        recorded(longer, process.pid)
        assert record.running(home) == found
        assert record.running(longer) is None
        process.stdin.write(b"\n")
    assert record.running(home) is None


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"pid": 1}', '{"pid": 1, "more": 2}'])
def test_a_record_that_is_none_is_named_with_what_it_should_hold(tmp_path: Path, text: str) -> None:
    path = record.path_of(tmp_path)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InputError, match=r"broker\.json: expected pid, bootstrap, started_at"):
        record.running(tmp_path)
