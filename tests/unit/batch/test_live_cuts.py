"""A kill before any write, link, rename or removal: the next run finishes, and nothing is twice."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.batch import live
from pipeline.lake import generation
from pipeline.settings import Settings, load_settings
from tests.landed_live import NOON, LiveSide, answered, ask, show

A_DAY_LATER = NOON + 25 * 3_600_000
PANES = "select pane_start_ms, offered, handled from bi_live_panes order by all"
STEPS = (
    *((os, "fsync"), (os, "link"), (shutil, "rmtree")),
    *((Path, "rename"), (Path, "replace"), (Path, "unlink")),
)


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@contextmanager
def killed_at(number: int) -> Iterator[list[str]]:
    """Die before the given step; a dead process takes no further one, not even to clean up."""
    taken: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        for owner, name in STEPS:
            patched.setattr(owner, name, _dying(getattr(owner, name), name, number, taken))
        yield taken


def _dying(
    step: Callable[..., Any], name: str, number: int, taken: list[str]
) -> Callable[..., Any]:
    def take(*args: Any, **kwargs: Any) -> Any:
        taken.append(name)
        if len(taken) >= number:
            raise Killed
        return step(*args, **kwargs)

    return take


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # the dead leave things there
    return load_settings({"VANE_HOME": str(tmp_path / "home")})


def cuts(settings: Settings, now_ms: int) -> Iterator[int]:
    """Yield once for every step of a run, killed there; each run finds what there is now."""
    before = settings.home.with_name("before")
    shutil.copytree(settings.home, before)
    with killed_at(sys.maxsize) as steps:
        show(settings, now_ms)
    assert len(steps) > 5
    for number in range(1, len(steps) + 1):
        if steps[number - 2 : number] == ["fsync", "fsync"]:
            continue  # between the two are bytes of files that have no name yet
        shutil.rmtree(settings.home)
        shutil.copytree(before, settings.home)
        with killed_at(number), pytest.raises(Killed):
            show(settings, now_ms)
        yield number


def rows_in_files(settings: Settings) -> list[tuple[Any, ...]]:
    """Return how often each landed row is in the files of the generation in force."""
    newest = generation.generations(settings.published)[-1]
    found = []
    for dataset in generation.DATASETS:
        paths = [str(path) for path in generation.files(settings.published, newest, dataset)]
        found += duckdb.execute(
            "select ?, _partition, _offset, count(*) from read_parquet(?) group by all "
            "having count(*) > 1",
            [dataset, paths],
        ).fetchall()
    return found


def assert_finished(
    settings: Settings, shown: list[tuple[int, int, int]], now_ms: int = NOON
) -> None:
    show(settings, now_ms)
    assert ask(settings, PANES) == shown
    assert rows_in_files(settings) == []
    left = [p for p in settings.published.rglob("*") if p.name.endswith((".tmp", ".gone"))]
    assert left == []


def test_a_first_run_cut_anywhere_is_finished_by_the_next(settings: Settings) -> None:
    side = LiveSide(settings)
    side.panes("service-level", {0: answered(3, 2)})
    side.progress(1)
    for _ in cuts(settings, NOON):
        assert_finished(settings, [(NOON, 3, 0)])


def test_an_append_cut_anywhere_is_finished_by_the_next(settings: Settings) -> None:
    side = LiveSide(settings)
    side.panes("service-level", {0: answered(3, 2)})
    side.progress(1)
    show(settings)
    side.panes("service-level", {0: answered(4, 2)}, revision=2)
    side.panes("handle-time", {0: {"handled": 1}}, revision=2)
    side.progress(3)
    for _ in cuts(settings, NOON):
        # Who looks before that sees what was there, or some of what is new: never less.
        assert ask(settings, "select offered from bi_live_panes") in ([(3,)], [(4,)])
        assert_finished(settings, [(NOON, 4, 1)])


def test_a_new_generation_cut_anywhere_is_finished_by_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_FILES", 1)
    side = LiveSide(settings)
    side.panes("service-level", {0: answered(3, 2)})
    side.progress(1)
    show(settings)
    side.panes("service-level", {0: answered(4, 2)}, revision=2)
    show(settings)
    assert generation.generations(settings.published) == [1, 2]
    side.panes("service-level", {0: answered(5, 2)}, revision=3)
    for _ in cuts(settings, A_DAY_LATER):
        assert ask(settings, "select offered from bi_live_panes") in ([(4,)], [(5,)])
        assert_finished(settings, [(NOON, 5, 0)], A_DAY_LATER)
