"""A broker that cannot start says why, and leaves no process and no record behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.broker import jars, local, record
from pipeline.broker.jars import JarMismatchError
from pipeline.errors import TerminalError

pytestmark = pytest.mark.integration


def processes_of(home: Path) -> list[int]:
    """Return the ids of live processes that say they are the broker of a home."""
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [number for number in numbers if record.is_ours(number, home)]


def test_data_of_another_node_end_the_start_with_kafka_s_own_words(
    tmp_path: Path, jars_dir: Path
) -> None:
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\ncluster.id=abc\nnode.id=7\n")
    with pytest.raises(local.BrokerDidNotStart) as caught:
        local.start(tmp_path, jars_dir)
    text = str(caught.value)
    assert text.startswith(f"the broker ended with exit code 1; the end of {tmp_path}/kafka/broker")
    assert "configured node id matches" in text
    assert "\tat " not in text
    assert local.running(tmp_path) is None


def test_a_jar_cut_off_ends_the_start_before_any_process(tmp_path: Path, jars_dir: Path) -> None:
    folder = tmp_path / "jars"
    folder.mkdir()
    first, *others = jars.locked()
    (folder / first.file).write_bytes((jars_dir / first.file).read_bytes()[:-1])
    for jar in others:
        (folder / jar.file).symlink_to(jars_dir / jar.file)
    expected = rf"{first.file}: expected sha256 {first.sha256}, found [0-9a-f]{{64}}"
    with pytest.raises(JarMismatchError, match=expected):
        local.start(tmp_path, folder)
    assert not (tmp_path / "kafka" / "server.properties").exists()


def test_too_little_memory_is_said_with_both_figures(
    tmp_path: Path, jars_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "NEEDED_MB", 1 << 30)
    with pytest.raises(TerminalError, match=r"needs 1073741824 MB .* this machine has \d+ MB"):
        local.start(tmp_path, jars_dir)


def test_a_start_given_up_leaves_no_broker_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "kafka", "start"]
    env = os.environ | {"VANE_HOME": str(tmp_path)}
    with subprocess.Popen(
        command,
        env=env,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a shell in the background hands on "ignore"
    ) as starting:
        deadline = time.monotonic() + 60
        while not (brokers := processes_of(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        starting.send_signal(signal.SIGINT)
        assert starting.wait(30) != 0
    assert len(brokers) == 1
    assert processes_of(tmp_path) == []
    assert local.running(tmp_path) is None


def test_a_broker_whose_starter_was_killed_is_taken_up(tmp_path: Path, jars_dir: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "kafka", "start"]
    env = os.environ | {"VANE_HOME": str(tmp_path)}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as starting:
        deadline = time.monotonic() + 60
        while not record.path_of(tmp_path).exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        starting.kill()
    (broker,) = processes_of(tmp_path)
    assert local.start(tmp_path, jars_dir).pid == broker
    assert local.stop(tmp_path) is not None
    assert processes_of(tmp_path) == []
