"""Another configuration beside the live one on a real broker: compared, switched to, rebuilt."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition

from pipeline.batch.land import land
from pipeline.batch.reconcile import reconcile
from pipeline.broker.admin import admin
from pipeline.config_files import load_alert_rules, load_targets
from pipeline.domain.business_time import Month
from pipeline.replay import replay as replaying
from pipeline.replay.comparison import Changed
from pipeline.replay.plan import Plan
from pipeline.settings import Settings
from pipeline.streams import snapshots
from pipeline.streams.publisher import Outgoing
from pipeline.streams.recovery import Basis
from tests.integration import command, live

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

NOVEMBER = Month(2025, 11)


def basis(settings: Settings) -> Basis:
    folder = settings.config_dir
    return Basis(load_targets(folder / "queues.yaml"), load_alert_rules(folder / "alerts.yaml"))


def configured(settings: Settings, folder: Path, changes: dict[str, dict[str, str]]) -> Settings:
    """The same deployment by a configuration with some texts replaced."""
    shutil.copytree(settings.config_dir, folder)
    for name, texts in changes.items():
        path = folder / name
        for old, new in texts.items():
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))
    return replace(settings, config_dir=folder)


@pytest.fixture
def deployed(settings: Settings, tmp_path: Path) -> Settings:
    """A deployment whose rule speaks of few calls already."""
    fewer = {"alerts.yaml": {"min_offered: 20": "min_offered: 5"}}
    return configured(settings, tmp_path / "config", fewer)


@pytest.fixture
def other(deployed: Settings, tmp_path: Path) -> Settings:
    """The same deployment with a shorter threshold and a rule that speaks sooner."""
    changes = {
        "queues.yaml": {"threshold_s: 20": "threshold_s: 7"},
        "alerts.yaml": {"enter_margin_pct: 10": "enter_margin_pct: 5"},
    }
    return configured(deployed, tmp_path / "other", changes)


@pytest.fixture
def lines(tmp_path: Path, deployed: Settings) -> list[bytes]:
    """A simulated day of calls, with some that come late."""
    options = ("--scenario", "double11", "--month", "2025-11", "--scale", "0.08")
    live.vane(deployed, "simulate", *options, "--late-rate", "0.01", "--out", str(tmp_path / "sim"))
    return (tmp_path / "sim" / "acd.events.ndjson").read_bytes().splitlines(keepends=True)


def ingest(settings: Settings, lines: Iterable[bytes], path: Path) -> None:
    path.write_bytes(b"".join(lines))
    live.vane(settings, "ingest", "--format", "canonical", str(path))


def folded_and_stopped(settings: Settings) -> None:
    size = live.log_size(settings)
    with live.running(settings) as worker:
        worker.wait_for(lambda w: w.folded() >= size)
        assert worker.stop() == 0


def goes_on_from(settings: Settings) -> int:
    """Let a worker fold what is there; return how many records it began behind the log's end."""
    size = live.log_size(settings)
    options = ("--loglevel", "info", "--log-format", "json")
    with live.running(settings, *options) as worker:
        worker.wait_for(lambda w: w.folded() >= size)
        assert worker.stop() == 0
        said = [json.loads(line) for line in worker.log.read_text().splitlines() if line[:1] == "{"]
    recovered = [line for line in said if line["event"] == "partition recovered"]
    assert len(recovered) == live.PARTITIONS
    return sum(int(line["behind"]) for line in recovered)


def queue(row: dict[str, str]) -> str:
    return f"{row['client']}/{row['site']}/{row['queue']}"


def counts(panes: live.Panes) -> dict[tuple[str, str, int, str], int]:
    return {(*pane, name): n for pane, fields in panes.items() for name, n in fields.items() if n}


def run(settings: Settings, plan: Plan) -> tuple[replaying.Replayed, list[Changed]]:
    changed: list[Changed] = []
    done = asyncio.run(
        replaying.replay(settings, plan, report=lambda *_: None, on_changed=changed.append)
    )
    return done, changed


def test_it_compares_as_two_separate_folds_would_and_publishes_nothing(
    deployed: Settings,
    other: Settings,
    lines: list[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ingest(deployed, [b'{"v":1}\n', *lines], tmp_path / "all")
    before = counts(live.clean_fold(deployed, deployed.config_dir).panes)
    after = counts(live.clean_fold(other, other.config_dir).panes)
    expected = {
        (key, before.get(key, 0), after.get(key, 0))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }
    assert len(expected) > 100

    path = tmp_path / "changes.csv"
    arguments = ("replay", "--config", str(other.config_dir), "--changes", str(path))
    rows = [json.loads(line) for line in live.vane(deployed, *arguments, "--json").splitlines()]
    with path.open() as file:
        written = [
            (
                (r["kpi"], queue(r), int(r["pane_start_ms"]), r["field"]),
                int(r["before"]),
                int(r["after"]),
            )
            for r in csv.DictReader(file)
        ]
    assert len(written) == len(set(written)) == sum(row["changed"] for row in rows)
    assert set(written) == expected
    assert all(row["offered"][0] == row["offered"][1] for row in rows)
    assert any(row["numerator"][0] > row["numerator"][1] for row in rows)
    assert [live.read_topic(deployed, t) for t in ("kpi.progress", "vane.snapshots")] == [[], []]

    # The landed files give the same, and so does letting go of panes on the way.
    land(deployed)
    monkeypatch.setattr(replaying, "SETTLE_EVERY", 3_000)
    plan = Plan(before=basis(deployed), after=basis(other), from_landing=True)
    _, changed = run(deployed, plan)
    found = [
        ((c.kpi, f"{c.client}/{c.site}/{c.queue}", c.pane_start_ms, c.field), c.before, c.after)
        for c in changed
    ]
    assert len(found) == len(written)
    assert set(found) == expected


def test_after_the_switch_a_worker_goes_on_and_all_numbers_are_of_the_new_configuration(
    deployed: Settings, other: Settings, lines: list[bytes], tmp_path: Path
) -> None:
    half = len(lines) // 2
    ingest(deployed, lines[:half], tmp_path / "first")
    first = live.log_size(deployed)
    with live.running(deployed) as old:
        old.wait_for(lambda w: w.folded() >= first)
        was, would = (live.clean_fold(s, s.config_dir).alert_ids for s in (deployed, other))
        done, _ = run(deployed, Plan(before=basis(deployed), after=basis(other)))
        known, firing = done.comparison.firing
        new = {alert.alert_id for where, alert in firing.items() if where not in known}
        said = live.vane(deployed, "replay", "--config", str(other.config_dir), "--switch")
        assert f"workers started with VANE_CONFIG={other.config_dir} go on from here" in said
        ingest(deployed, lines[half:], tmp_path / "second")
        size = live.log_size(deployed)
        old.wait_for(lambda w: w.folded() >= size)
        assert old.stop() == 0
    assert goes_on_from(other) == size - first
    clean = live.clean_fold(other, other.config_dir)
    panes = live.live_panes(other, basis(other).config_hash)
    assert live.differing(panes, clean.panes) == []
    land(other)
    found = reconcile(other, NOVEMBER, report=lambda _: None)
    assert (found.difference_count, found.not_folded, found.not_landed) == (0, 0, 0)
    # Of the past only what still fires is told, unless it is known; what came since as ever.
    told = {alert["alert_id"] for alert in alerts(other)}
    past, since = would - was, clean.alert_ids - would
    assert since
    assert since <= told
    assert past - new
    assert past & told == past & new


def alerts(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in live.read_topic(settings, "kpi.alerts")]


def test_cut_short_before_its_snapshot_a_worker_folds_again_itself(
    deployed: Settings,
    other: Settings,
    lines: list[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ingest(deployed, lines, tmp_path / "all")
    folded_and_stopped(deployed)

    record = snapshots.record

    def cut(partition: int, state: dict[str, Any], **labels: str) -> Outgoing:
        if state["next_offset"]:
            raise InterruptedError
        return record(partition, state, **labels)

    plan = Plan(before=basis(deployed), after=basis(other), switch=True)
    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "record", cut)
        with pytest.raises(InterruptedError):
            run(deployed, plan)
    assert live.live_panes(deployed, basis(other).config_hash)
    size = live.log_size(deployed)
    assert goes_on_from(other) == size
    clean = live.clean_fold(other, other.config_dir)
    assert live.differing(live.live_panes(other, basis(other).config_hash), clean.panes) == []
    run(deployed, plan)  # again, and to its end
    assert live.differing(live.live_panes(other, basis(other).config_hash), clean.panes) == []


def test_lost_state_is_rebuilt_from_the_landed_files(
    deployed: Settings, lines: list[bytes], tmp_path: Path
) -> None:
    third = len(lines) // 3
    ingest(deployed, lines[:third], tmp_path / "first")
    folded_and_stopped(deployed)
    ingest(deployed, [b"poison\n", *lines[third : 2 * third]], tmp_path / "second")
    land(deployed)
    landed = live.log_size(deployed)
    ingest(deployed, lines[2 * third :], tmp_path / "third")
    clean = live.clean_fold(deployed, deployed.config_dir)
    trim(deployed)
    with live.running(deployed) as stopped:
        assert stopped.process.wait(60) == 1
        said = stopped.log.read_text()
    assert "records are gone" in said
    assert "vane replay --from-landing --switch" in said

    refused = command.vane(
        "replay",
        "--switch",
        home=deployed.home,
        VANE_CONFIG=str(deployed.config_dir),
        VANE_BOOTSTRAP=deployed.bootstrap,
        VANE_TOPIC_PREFIX=deployed.topic_prefix,
    )
    assert refused.returncode == 1
    assert "the live numbers begin at offset 0, but what is left begins at" in refused.stderr
    assert " --from-offset 1:" in refused.stderr

    said = live.vane(deployed, "replay", "--from-landing", "--switch")
    size = live.log_size(deployed)
    assert f"{size:,} records of {live.PARTITIONS} partitions folded again" in said
    assert landed < size
    assert goes_on_from(deployed) == 0
    assert live.differing(live.live_panes(deployed), clean.panes) == []
    assert {a["alert_id"] for a in alerts(deployed)} == clean.alert_ids
    progress = live.newest_progress(deployed)
    for partition, fold in clean.folds.items():
        ends = {end: getattr(fold.counters, end) for end in live.ENDS}
        assert {end: progress[partition][end] for end in live.ENDS} == ends


def trim(settings: Settings) -> None:
    """Delete the first half of every partition's log."""
    with admin(settings.bootstrap) as client:
        ends: dict[int, int] = {}
        for record in live.read_topic(settings, "acd.events"):
            ends[record.partition] = record.offset + 1
        topic = settings.topic("acd.events")
        client.delete_records({TopicPartition(topic, p): end // 2 for p, end in ends.items()})
