"""``vane demo``: the whole path on this machine, with the commands a user would type."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.rule import Rule
from rich.table import Table

from pipeline.commands.demo_live import (
    WebhookReceiver,
    fetch_status,
    folded,
    free_port,
    queue_table,
)
from pipeline.errors import TerminalError, TransientError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    epilog="Examples: vane demo | vane demo --scale 0.3 | vane demo --stop",
)
console = Console()

MONTH: Final = "2025-11"
SURGE_DAY: Final = 11
REPLAY_S: Final = 15
PAGE_PORT: Final = 6066


@app.command()
def demo(
    *,
    stop: Annotated[bool, typer.Option("--stop", help="Stop what a demo left running.")] = False,
    scale: Annotated[float, typer.Option(min=0.05, help="Multiplies calls and agents.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed, another month.")] = 1,
) -> None:
    """Broker, worker, a simulated 双11 inside a month, the alert, the closed month, the money.

    Works in VANE_HOME/demo, which it empties first, and leaves broker and worker running so
    that the status page can be looked at.
    """
    home = Path(os.environ.get("VANE_HOME") or ".vane").resolve() / "demo"
    run = _Run(home)
    run.stop()
    if stop:
        console.print("stopped")
        return
    started = time.monotonic()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    days = run.simulate(seed, scale)
    run.vane("kafka", "start")
    run.use_broker()
    run.vane("topics", "apply", quiet=True)
    with WebhookReceiver() as webhook:
        run.start_worker(webhook.url)
        _replay(run, days, webhook)
        _settle_down(run)
    run.heading("Land, close the month, compare")
    run.vane("land")
    run.vane("month", "run", "--month", MONTH)
    run.vane("reconcile", "--month", MONTH)
    _farewell(run, time.monotonic() - started)


class _Run:
    """The demo's home, its environment, and the worker it starts."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = os.environ | {"VANE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        for name in [n for n in self.env if n.startswith("VANE_KAFKA_")]:
            del self.env[name]  # the demo's broker is its own, on loopback
        self.env.pop("VANE_TOPIC_PREFIX", None)
        self.env.pop("VANE_BOOTSTRAP", None)
        self.pid_file = home / "worker.pid"
        self.worker: subprocess.Popen[bytes] | None = None

    def heading(self, text: str) -> None:
        console.print()
        console.print(Rule(text, align="left"))

    def vane(self, *arguments: str, quiet: bool = False) -> None:
        """Run a command as a user would; a failure ends the demo and shows the output."""
        console.print(f"[bold]$ vane {' '.join(arguments)}[/bold]", highlight=False)
        command = [sys.executable, "-m", "pipeline", *arguments]
        out = subprocess.PIPE if quiet else None
        done = subprocess.run(command, env=self.env, stdout=out, stderr=out, check=False)  # noqa: S603
        if done.returncode:
            shown = (done.stdout or b"") + (done.stderr or b"")
            msg = f"vane {' '.join(arguments)} failed\n{shown.decode(errors='replace')}"
            raise TerminalError(msg)

    def use_broker(self) -> None:
        """Take the address of the broker just started."""
        from pipeline.settings import load_settings

        self.env["VANE_BOOTSTRAP"] = load_settings({"VANE_HOME": str(self.home)}).bootstrap

    def simulate(self, seed: int, scale: float) -> list[Path]:
        """Write the days before, of and after 双11; return their folders in order of time."""
        self.heading("A retailer and a bank, November 2025, with 双11 in it")
        common = ("--month", MONTH, "--seed", str(seed), "--scale", str(scale))
        pieces: list[tuple[str, tuple[str, ...]]] = [
            ("before", ("--scenario", "normal-month", "--days", str(SURGE_DAY - 1))),
            ("double11", ("--scenario", "double11")),
            ("after", ("--scenario", "normal-month", "--first-day", str(SURGE_DAY + 1))),
        ]
        folders = []
        for name, options in pieces:
            folder = self.home / "sim" / name
            self.vane("simulate", *options, *common, "--out", str(folder), quiet=True)
            folders.append(folder)
        return folders

    def start_worker(self, webhook: str) -> None:
        """Start a worker that outlives the demo."""
        port = free_port(PAGE_PORT)
        self.env |= {"VANE_WEB_PORT": str(port), "VANE_WEBHOOK_URL": webhook}
        command = [sys.executable, "-m", "pipeline", "worker", "--loglevel", "warning"]
        console.print("[bold]$ vane worker &[/bold]", highlight=False)
        with (self.home / "worker.log").open("wb") as log:
            self.worker = subprocess.Popen(  # noqa: S603
                command, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        self.pid_file.write_text(str(self.worker.pid))

    def stop(self) -> None:
        """Stop worker and broker of an earlier demo, by their records."""
        if self.pid_file.exists():
            pid = int(self.pid_file.read_text())
            cmdline = Path(f"/proc/{pid}/cmdline")
            if cmdline.exists() and b"worker" in cmdline.read_bytes():
                os.kill(pid, signal.SIGTERM)
                _wait(lambda: not cmdline.exists() or not cmdline.read_bytes(), "worker to stop")
            self.pid_file.unlink()
        if (self.home / "kafka").exists():
            command = [sys.executable, "-m", "pipeline", "kafka", "stop"]
            subprocess.run(command, env=self.env, check=False, stdout=subprocess.DEVNULL)  # noqa: S603

    def status(self) -> dict[str, Any] | None:
        """Return the worker's status; raise if it has died."""
        if self.worker is not None and self.worker.poll() is not None:
            log = (self.home / "worker.log").read_text(errors="replace")
            msg = f"the worker ended with {self.worker.returncode}:\n{log[-3000:]}"
            raise TerminalError(msg)
        return fetch_status(int(self.env["VANE_WEB_PORT"]))


def _replay(run: _Run, days: list[Path], webhook: WebhookReceiver) -> None:
    before, surge, after = days
    run.heading("Ten normal days at full speed")
    run.vane("ingest", "--format", "canonical", str(before))
    total = _lines(before)
    _wait(lambda: folded(run.status()) >= total, "the worker to fold ten days", seconds=120)
    run.heading("双11: 15,000 calls were forecast for the retailer, 20,000 come")
    events = _lines(surge)
    rate = max(1000, events // REPLAY_S)
    command = [sys.executable, "-m", "pipeline", "ingest", "--format", "canonical",
               "--rate", str(rate), str(surge / "acd.events.ndjson")]  # fmt: skip
    console.print(f"[bold]$ vane {' '.join(command[3:])}[/bold]", highlight=False)
    with (
        subprocess.Popen(command, env=run.env, stdout=subprocess.DEVNULL) as replay,  # noqa: S603
        Live(console=console, refresh_per_second=4, transient=False) as live,
    ):
        while replay.poll() is None or folded(run.status()) < total + events:
            status = run.status()
            if status is not None:
                live.update(queue_table(status, "meridian", webhook.texts))
            time.sleep(0.25)
    if replay.returncode:
        msg = "the replay of 双11 failed; run the command above by hand to see why"
        raise TerminalError(msg)
    run.heading("The rest of the month at full speed")
    run.vane("ingest", "--format", "canonical", str(surge / "acd.agent-states.ndjson"), quiet=True)
    run.vane("ingest", "--format", "canonical", str(after))
    total += events + _lines(after)
    _wait(lambda: folded(run.status()) >= total, "the worker to fold the month", seconds=180)


def _settle_down(run: _Run) -> None:
    """Show that every record ended in exactly one count."""
    status = run.status() or {"partitions": []}
    ends = ("accepted", "duplicate", "late", "rejected", "quarantined")
    table = Table("end of an input record", "records", title=None)
    for end in ends:
        table.add_row(end, f"{sum(p[end] for p in status['partitions']):,}")
    table.add_row("[bold]offsets folded", f"[bold]{folded(status):,}")
    console.print(table)


def _farewell(run: _Run, seconds: float) -> None:
    run.heading(f"Done in {seconds:.0f} s. Broker and worker still run")
    home = f"VANE_HOME={run.home}"
    port = run.env["VANE_WEB_PORT"]
    for what, how in (
        ("Look", f"http://127.0.0.1:{port}/ (live numbers; /metrics for Prometheus)"),
        ("Ask", f'{home} .venv/bin/vane query "select * from bi_queue_months"'),
        ("Open", f"duckdb -readonly {run.home / 'published' / 'catalog.duckdb'}"),
        ("Stop", ".venv/bin/vane demo --stop"),
    ):
        console.print(f"  [bold]{what:5}[/bold] {how}", highlight=False, soft_wrap=True)


def _lines(folder: Path) -> int:
    with (folder / "acd.events.ndjson").open("rb") as lines:
        return sum(1 for _ in lines)


def _wait(done: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            msg = f"waited {seconds:.0f} s for {what}"
            raise TransientError(msg)
        time.sleep(0.1)
