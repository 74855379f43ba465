"""A growing log is read to the last line through every way it is rotated, each line once."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from pipeline.codec.adapter import Origin
from pipeline.errors import InputError
from pipeline.ingest.follow import follow
from pipeline.ingest.formats import Format, of
from pipeline.ingest.intake import Intake
from pipeline.ingest.lines import Lines
from pipeline.ingest.tally import Tally
from tests.line_reader import LINE_FORMAT, HoldingAdapter, a_line

ORIGIN = Origin(client="acme", source="pbx", customer_key=b"key")
LONGEST_S = 20


class Following:
    """A follower that runs beside the test, which writes the log."""

    def __init__(self, *paths: Path, form: Format = LINE_FORMAT) -> None:
        self.paths = paths
        self.intake = Intake(form, ORIGIN, Tally(), topic=str)
        self.stop = asyncio.Event()
        self.seen: list[str] = []
        self.letters: list[bytes] = []
        self.notes: list[str] = []

    async def run(self) -> None:
        async for piece in follow(self.paths, self.intake, self.stop, self.notes.append, 0.005):
            for message in piece or ():
                if message.topic.endswith(".dlq"):
                    self.letters.append(message.value)
                else:
                    self.seen.append(json.loads(message.value)["contact_id"])

    async def until(self, count: int) -> None:
        async with asyncio.timeout(LONGEST_S):
            while len(self.seen) + len(self.letters) < count:  # noqa: ASYNC110 - files have no events
                await asyncio.sleep(0.002)

    async def looks(self, count: int = 12) -> None:
        """Wait until the follower has had time for some looks more."""
        await asyncio.sleep(0.01 * count)


def following(
    script: Callable[[Following], Awaitable[None]], *paths: Path, form: Format = LINE_FORMAT
) -> Following:
    """Run a script beside a follower, stop it, and return what it has seen."""
    found = Following(*paths, form=form)

    async def both() -> None:
        task = asyncio.create_task(found.run())
        try:
            await script(found)
        finally:
            found.stop.set()
            await task

    asyncio.run(both())
    assert found.intake.tally.adds_up
    return found


def append(file: Path, *numbers: int) -> None:
    with file.open("ab") as log:
        log.write(b"".join(a_line(n) for n in numbers))


def calls(count: int) -> list[str]:
    return [f"c{n}" for n in range(count)]


def test_what_is_added_is_read_and_a_partial_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    append(log, 0)

    async def script(found: Following) -> None:
        await found.until(1)
        append(log, 1)
        await found.until(2)
        with log.open("ab") as file:
            file.write(a_line(2)[:20])
            file.flush()
            await found.looks()
            assert found.seen == calls(2)
            file.write(a_line(2)[20:])
        await found.until(3)

    found = following(script, log)
    assert found.seen == calls(3)
    assert (found.intake.tally.rows, found.letters, found.notes) == (3, [], [])


def test_a_renamed_log_is_read_to_its_end_before_the_new_one(tmp_path: Path) -> None:
    log, older = tmp_path / "queue_log", tmp_path / "queue_log.1"
    append(log, 0)

    async def script(found: Following) -> None:
        await found.until(1)
        with log.open("ab") as writer:  # still writes into the old file after it was renamed
            log.rename(older)
            writer.write(a_line(1))
            writer.flush()
            await found.until(2)
            log.touch()
            writer.write(a_line(2))
        append(log, 3)
        await found.until(4)
        older.rename(tmp_path / "queue_log.2")
        log.rename(older)
        append(log, 4)
        await found.until(5)

    found = following(script, log)
    assert found.seen == calls(5)
    assert found.intake.tally.rotations == 2


def test_a_log_that_is_renamed_packed_and_deleted_at_once_is_read_to_its_end(
    tmp_path: Path,
) -> None:
    log = tmp_path / "queue_log"
    append(log, 0)

    async def script(found: Following) -> None:
        await found.until(1)
        append(log, 1)
        packed = tmp_path / "queue_log.1.gz"
        packed.write_bytes(gzip.compress(log.read_bytes()))
        log.unlink()
        append(log, 2)
        await found.until(3)
        await found.looks()

    found = following(script, log)
    assert found.seen == calls(3)


def test_a_truncated_log_has_its_rest_read_from_the_copy(tmp_path: Path) -> None:
    log, copy = tmp_path / "queue_log", tmp_path / "queue_log.1"
    append(log, *range(3))

    async def script(found: Following) -> None:
        await found.until(3)
        # Written, copied and truncated between two looks: nothing awaits here.
        with log.open("ab") as writer:
            writer.write(a_line(3) + a_line(4))
            writer.flush()
            shutil.copy(log, copy)
            os.truncate(log, 0)
            writer.write(a_line(5))
        await found.until(6)
        await found.looks()

    found = following(script, log)
    assert found.seen == calls(6)
    assert found.intake.tally.rotations == 1


@pytest.mark.parametrize("is_packed", [False, True])
def test_truncation_is_noticed_though_the_log_has_grown_beyond_where_it_was(
    tmp_path: Path, *, is_packed: bool
) -> None:
    log, copy = tmp_path / "queue_log", tmp_path / "queue_log-20251101.gz"
    append(log, 0)

    async def script(found: Following) -> None:
        await found.until(1)
        append(log, 1)
        text = log.read_bytes()
        copy.write_bytes(gzip.compress(text) if is_packed else text)
        os.truncate(log, 0)
        append(log, *range(2, 40))
        await found.until(40)
        await found.looks()

    found = following(script, log)
    assert found.seen == calls(40)


def test_a_writer_that_does_not_append_leaves_a_hole_that_is_passed_over(tmp_path: Path) -> None:
    log, copy = tmp_path / "queue_log", tmp_path / "queue_log.1"
    log.touch()

    async def script(found: Following) -> None:
        with log.open("wb") as writer:  # O_APPEND is not set: it goes on at its own offset
            writer.write(a_line(0))
            writer.flush()
            await found.until(1)
            shutil.copy(log, copy)
            os.truncate(log, 0)
            writer.write(a_line(1))
            writer.flush()
            await found.until(2)

    found = following(script, log)
    assert (found.seen, found.letters) == (calls(2), [])


def test_lines_lost_by_a_truncation_without_a_copy_are_said_to_be(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    append(log, 0, 1)

    async def script(found: Following) -> None:
        await found.until(2)
        os.truncate(log, 0)
        append(log, 2)
        await found.until(3)

    found = following(script, log)
    assert found.seen == calls(3)
    assert found.intake.tally.anomalies == {"truncated_without_copy": 1}
    assert "no copy of it is beside it" in found.notes[0]


def test_a_partial_line_at_a_rotation_is_a_record_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_bytes(a_line(0) + b"17000000")

    async def script(found: Following) -> None:
        await found.until(1)
        log.rename(tmp_path / "queue_log.1")
        append(log, 1)
        await found.until(3)

    found = following(script, log)
    assert found.seen == calls(2)
    assert len(found.letters) == 1


class Writer:
    """Writes a log and rotates it at random, as a daemon with a log rotation of its own does."""

    def __init__(self, log: Path, seed: int) -> None:
        self.log, self.random, self.rotations = log, Random(seed), 0  # noqa: S311 - a test
        self.file = log.open("ab")

    def run(self, lines: int) -> None:
        for n in range(lines):
            text = a_line(n)
            cut = self.random.randrange(len(text))
            self.file.write(text[:cut])
            self.file.flush()
            if self.random.random() < 0.02:
                time.sleep(0.002)
            self.file.write(text[cut:])
            if self.random.random() < 0.01:
                self.file.flush()
                self.random.choice((self.rename, self.rename_and_pack, self.truncate))()
        self.file.close()

    def rename(self) -> None:
        self._shift()
        self.log.rename(f"{self.log}.1")
        self.file.close()
        self.file = self.log.open("ab")

    def rename_and_pack(self) -> None:
        self._shift()
        packed = Path(f"{self.log}.1.gz")
        packed.write_bytes(gzip.compress(self.log.read_bytes(), 1))
        self.rename()
        Path(f"{self.log}.1").unlink()

    def truncate(self) -> None:
        self._shift()
        shutil.copy(self.log, f"{self.log}.1")
        self.file.truncate(0)

    def _shift(self) -> None:
        self.rotations += 1
        for n in range(30, 0, -1):
            for end in ("", ".gz"):
                with suppress(FileNotFoundError):
                    Path(f"{self.log}.{n}{end}").rename(f"{self.log}.{n + 1}{end}")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_folder", [False, True])
def test_a_busy_log_rotated_at_random_loses_no_line(
    tmp_path: Path, seed: int, *, is_folder: bool
) -> None:
    log, lines = tmp_path / "queue_log", 2000
    append(log, 0)
    writer = Writer(log, seed)

    async def script(found: Following) -> None:
        await found.until(1)
        await asyncio.to_thread(writer.run, lines)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                while len(set(found.seen)) < lines:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.02)

    found = following(script, tmp_path if is_folder else log)
    assert writer.rotations > 5
    assert set(found.seen) == set(calls(lines))
    # Rotated several times between two looks, a line may also be seen torn; it is whole elsewhere.
    assert len(found.letters) <= writer.rotations


def test_of_a_folder_everything_is_read_in_order_and_nothing_twice(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    (tmp_path / "queue_log.2.gz").write_bytes(gzip.compress(a_line(0)))
    append(tmp_path / "queue_log.1", 1)
    append(log, 2)

    async def script(found: Following) -> None:
        await found.until(3)
        (tmp_path / "queue_log.2.gz").rename(tmp_path / "queue_log.3.gz")
        packed = tmp_path / "queue_log.2.gz"
        packed.write_bytes(gzip.compress((tmp_path / "queue_log.1").read_bytes()))
        (tmp_path / "queue_log.1").unlink()
        log.rename(tmp_path / "queue_log.1")
        append(log, 3)
        await found.until(4)
        other = tmp_path / "later" / "calls"
        other.parent.mkdir()
        append(other, 4)
        await found.until(5)
        await found.looks()

    assert following(script, tmp_path).seen == calls(5)


def test_files_beside_a_followed_one_are_not_read(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    append(tmp_path / "queue_log.1", 7)
    append(tmp_path / "other", 8)
    append(log, 0)

    async def script(found: Following) -> None:
        await found.until(1)
        await found.looks()

    assert following(script, log).seen == calls(1)


def test_two_logs_are_followed_side_by_side(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    append(one, 0)
    append(other, 1)

    async def script(found: Following) -> None:
        await found.until(2)
        append(one, 2)
        await found.until(3)
        append(other, 3)
        await found.until(4)

    assert following(script, one, other).seen == calls(4)


def test_a_stop_decides_nothing_that_only_the_end_of_the_log_would(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_bytes(b"1700000000|held|sales|in|\n17000")

    async def script(found: Following) -> None:
        await found.until(1)

    found = following(script, log)
    assert found.seen == ["held"]
    assert found.intake.tally.anomalies == {"undecided_at_stop": 1}
    assert found.notes == ["queue_log: 5 bytes of an unfinished record were not taken"]


@pytest.mark.parametrize("is_fresh_per_file", [False, True])
def test_what_is_held_is_told_when_the_log_has_been_quiet_for_long_enough(
    tmp_path: Path, *, is_fresh_per_file: bool
) -> None:
    log = tmp_path / "queue_log"
    log.write_bytes(b"1700000000|held|sales|in|\n")
    form = Format("held", "", Lines, of(HoldingAdapter), is_fresh_per_file=is_fresh_per_file)

    async def script(found: Following) -> None:
        await found.until(2)

    found = following(script, log, form=form)
    assert found.seen == ["held", "held"]
    assert found.intake.tally.anomalies == {}


def test_a_rotated_file_with_a_header_of_its_own_is_counted_once(tmp_path: Path) -> None:
    log = tmp_path / "calls.csv"
    log.write_bytes(b"\n1700000000|c0|sales|in|\n")

    async def script(found: Following) -> None:
        await found.until(1)
        log.rename(tmp_path / "calls.csv.1")
        append(log, 1)
        await found.until(2)
        await found.looks(40)

    found = following(script, log, form=replace(LINE_FORMAT, is_fresh_per_file=True))
    assert found.intake.tally.skipped == {"blank": 1}


def test_a_csv_file_begins_anew_after_its_rotation(tmp_path: Path) -> None:
    log = tmp_path / "calls.csv"
    log.write_bytes(b"1700000000|same|sales|in|\n")

    async def script(found: Following) -> None:
        await found.until(1)
        log.rename(tmp_path / "calls.csv.1")
        log.write_bytes(b"1700000000|same||in|\n")
        await found.until(2)

    found = following(script, log, form=replace(LINE_FORMAT, is_fresh_per_file=True))
    assert found.intake.tally.anomalies == {"queue_unknown": 1}


def test_what_is_not_there_cannot_be_followed(tmp_path: Path) -> None:
    async def script(_found: Following) -> None:
        await asyncio.sleep(0)

    with pytest.raises(InputError, match="gone: expected a file or folder, found nothing"):
        following(script, tmp_path / "gone")
