"""``vane serve`` as compose starts it, on a store that ``vane desk`` made; no broker is needed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pipeline.desk.store import engine_of
from pipeline.settings import PROJECT_ROOT
from tests.desk.records import FIRST, a_word, tell
from tests.integration.command import vane

HEAVY = ("duckdb", "polars", "pyarrow", "faust", "dbt", "great_expectations", "numpy")


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the server on a free port; yield it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "serve"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
        env=os.environ | {"VANE_HOME": str(home), "VANE_SERVE_PORT": "0"},
    )
    with process:
        try:
            assert process.stderr is not None
            said = ""
            while (found := re.search(r"running on (http://127\.0\.0\.1:\d+)", said)) is None:
                line = process.stderr.readline()
                assert line, said
                said += line
            yield process, found[1]
        finally:
            process.kill()


def test_it_serves_what_the_commands_made_until_it_is_stopped(tmp_path: Path) -> None:
    refused = vane("serve", home=tmp_path)
    assert refused.returncode == 1
    assert "there is no operational store yet; run: vane desk migrate" in refused.stderr
    assert vane("desk", "migrate", home=tmp_path).returncode == 0
    secret = vane("desk", "token", "create", "li", "--role", "leader", home=tmp_path).stdout.strip()
    store = engine_of(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    tell(store, a_word(1))
    store.dispose()
    with serving(tmp_path) as (process, address):
        assert httpx.get(f"{address}/readyz").json() == {"status": "ok"}
        done = httpx.post(
            f"{address}/api/v1/alerts/{FIRST}/acknowledge",
            headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "1"},
        )
        assert done.json()["acknowledged_by"] == "li"
        assert "Server" not in done.headers
        assert vane("desk", "token", "revoke", "li", home=tmp_path).returncode == 0
        shut = httpx.get(f"{address}/api/v1/alerts", headers={"Authorization": f"Bearer {secret}"})
        assert shut.status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in {0, -signal.SIGTERM}
    assert "acknowledge by li" not in vane("alerts", "list", home=tmp_path).stdout
    assert "acknowledged" in vane("alerts", "list", home=tmp_path).stdout


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    vane("desk", "migrate", home=tmp_path)
    with serving(tmp_path) as (_, address):
        port = address.rpartition(":")[2]
        done = vane("serve", home=tmp_path, VANE_SERVE_PORT=port)
    assert done.returncode != 0
    assert "address already in use" in done.stderr


@pytest.mark.parametrize(
    "module",
    [
        *("pipeline.web.app", "pipeline.desk.follow", "pipeline.desk.migrate"),
        *(f"pipeline.commands.{name}" for name in ("alerts", "cases", "desk", "serve")),
    ],
)
def test_the_image_of_the_desk_does_without_the_packages_of_the_others(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    )
    assert done.stdout == "[]\n"
