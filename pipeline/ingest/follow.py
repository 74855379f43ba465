"""Growing files to messages, through rotations, until one is told to stop.

Two ways of rotating are survived without losing or repeating a line. *Rename and create*: a file
is known by its inode, so it is read to its end under its new name before the new file is begun.
*Copy and truncate*: when a file turns out to be truncated, its rest is read from the copy beside
it (``x.1``, ``x-20251101.gz``). A line that has not ended waits for its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pipeline.errors import InputError
from pipeline.ingest.files import rotation_of, unpacked
from pipeline.ingest.intake import Intake
from pipeline.ingest.message import Message
from pipeline.ingest.produce import Pieces
from pipeline.ingest.read import collected
from pipeline.ingest.tail import Identity, Tail, is_gzip

Note = Callable[[str], None]
LOOK_EVERY_S: Final = 0.25
_ENDS_AFTER: Final = 8
"""A rotated file has ended when nothing was new in it so many looks in a row."""


async def follow(
    paths: Iterable[Path],
    intake: Intake,
    stop: asyncio.Event,
    note: Note,
    look_every_s: float = LOOK_EVERY_S,
) -> Pieces:
    """Yield the messages of files and of what is added to them, until one is told to stop.

    A file is followed with what it is rotated into from now on; of a folder all files are read,
    each log oldest first, and files that come later too.
    """
    watches = [Watch(path, intake, note) for path in paths]
    while not stop.is_set():
        for watch in watches:
            for piece in watch.look():
                yield piece
                await asyncio.sleep(0)  # lets a signal be noticed
                if stop.is_set():
                    break
        yield None
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), look_every_s)
    for watch in watches:
        watch.close()
    intake.stop()


class Watch:
    """A path, the files it means by now, and how far each was read."""

    def __init__(self, path: Path, intake: Intake, note: Note) -> None:
        """Begin; raises InputError where there is nothing to read."""
        if not path.exists():
            msg = f"{path}: expected a file or folder, found nothing"
            raise InputError(msg)
        self._path = path
        self._is_folder = path.is_dir()
        self._intake = intake
        self._note = note
        self._tails: dict[Identity, Tail] = {}
        self._passed: set[Identity] = set()
        self._is_first_look = True

    def look(self) -> Iterator[list[Message]]:
        """Yield what is new since the last look."""
        there: set[Identity] = set()
        for file in self._files():
            with suppress(FileNotFoundError):  # renamed since it was listed: seen next time
                status = file.stat()
                identity = (status.st_dev, status.st_ino)
                there.add(identity)
                if identity in self._tails:
                    self._tails[identity].path = file
                elif status.st_size and identity not in self._passed:
                    yield from self._begin(file, identity)
                if identity in self._tails:
                    yield from self._grow(self._tails[identity])
        for identity in set(self._tails) - there:
            yield from self._leave(self._tails.pop(identity))
        self._passed &= there  # an inode may be given to another file once its own is gone
        self._is_first_look = False

    def close(self) -> None:
        """Let go of all files; say what waits in them for the end of a line."""
        for tail in self._tails.values():
            if tail.stream.waiting:
                name, waiting = tail.stream.name, tail.stream.waiting
                self._note(f"{name}: {waiting:,} bytes of an unfinished record were not taken")
            tail.stream.stop()
            tail.close()

    def _files(self) -> list[Path]:
        if self._is_folder:
            try:
                return self._intake.form.files(self._path)
            except InputError:
                return []
        family = rotation_of(self._path).family
        with suppress(FileNotFoundError):
            beside = [file for file in self._path.parent.iterdir() if file.is_file()]
            mine = [file for file in beside if rotation_of(file).family == family]
            return sorted(mine, key=lambda file: (file == self._path, rotation_of(file), file.name))
        return []

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self._path)) if self._is_folder else file.name

    def _begin(self, file: Path, identity: Identity) -> Iterator[list[Message]]:
        """Begin a file that is new, or pass it over for good."""
        is_rotated = not rotation_of(file).is_live and file != self._path
        try:
            if is_rotated and self._is_known_already(file):
                self._passed.add(identity)
            elif is_gzip(file):
                self._passed.add(identity)
                yield from self._read_packed(file)
            else:
                self._add(file, identity)
        except (OSError, InputError) as error:
            self._passed.add(identity)
            self._intake.tally.unread.append(str(error))
            self._note(str(error))

    def _add(self, file: Path, identity: Identity) -> None:
        """Begin to follow a file."""
        tail = Tail(file, self._intake.open(self._name(file)))
        if tail.identity != identity:  # replaced between the two calls: seen next time
            tail.close()
            return
        if not self._is_first_look and self._family_of(file):
            self._intake.tally.rotations += 1
            self._note(f"{self._name(file)}: rotated; the new file is followed")
        self._intake.tally.files += 1
        self._tails[identity] = tail

    def _is_known_already(self, file: Path) -> bool:
        """Say whether a rotated file holds what was read, or what was not asked for."""
        if self._is_first_look:
            return not self._is_folder
        return any(tail.rest_in(file) is not None for tail in self._family_of(file))

    def _family_of(self, file: Path) -> list[Tail]:
        family = rotation_of(file).family
        return [t for t in self._tails.values() if rotation_of(t.path).family == family]

    def _read_packed(self, file: Path) -> Iterator[list[Message]]:
        stream = self._intake.open(self._name(file))
        with file.open("rb") as stored:
            for text in unpacked(stored, str(file)):
                yield _whole(stream.feed(text))
        yield _whole(stream.end())
        yield list(stream.finish())
        self._intake.tally.files += 1

    def _grow(self, tail: Tail) -> Iterator[list[Message]]:
        """Yield what is new in a file; begin it anew where it was truncated."""
        if tail.is_truncated():
            yield from self._truncated(tail)
        has_news = False
        for data in tail.news():
            if tail.is_ended:  # rotated long ago, and written to again
                tail.stream, tail.is_ended = self._intake.open(tail.stream.name), False
            has_news = True
            yield _whole(tail.stream.feed(data))
        tail.quiet_looks = 0 if has_news else tail.quiet_looks + 1
        is_rotated = tail.path != self._path and not rotation_of(tail.path).is_live
        if is_rotated and tail.quiet_looks >= _ENDS_AFTER and not tail.is_ended:
            yield from self._end(tail)

    def _truncated(self, tail: Tail) -> Iterator[list[Message]]:
        self._intake.tally.rotations += 1
        name = self._name(tail.path)
        rest = self._rest_of(tail)
        if rest is None:
            self._note(
                f"{name}: truncated, and no copy of it is beside it; lines that were written since "
                "the last look are lost"
            )
            self._intake.tally.anomalies["truncated_without_copy"] += 1
        else:
            self._note(f"{name}: truncated; its rest was read from the copy, the new one follows")
            for data in rest:
                yield _whole(tail.stream.feed(data))
        yield from self._end(tail)
        tail.restart(self._intake.open(name))

    def _rest_of(self, tail: Tail) -> Iterator[bytes] | None:
        """Find the copy that was made before a file was truncated."""
        family = rotation_of(tail.path).family
        folder = tail.path.parent
        with suppress(OSError):
            for file in sorted(folder.iterdir(), key=lambda f: -f.stat().st_mtime_ns):
                if file == tail.path or not file.is_file() or rotation_of(file).family != family:
                    continue
                with suppress(OSError, InputError):
                    rest = tail.rest_in(file)
                    if rest is not None:
                        return rest
        return None

    def _leave(self, tail: Tail) -> Iterator[list[Message]]:
        """Read a file that is gone from its folder to its end: it stays there while it is open."""
        for data in tail.news():
            yield _whole(tail.stream.feed(data))
        if not tail.is_ended:
            yield from self._end(tail)
        tail.close()

    def _end(self, tail: Tail) -> Iterator[list[Message]]:
        tail.is_ended = True
        yield _whole(tail.stream.end())
        yield list(tail.stream.finish())


def _whole(messages: Iterable[Message]) -> list[Message]:
    """Draw messages; an input of another kind ends the run, whoever waits for the messages."""
    piece, problem = collected(messages)
    if problem is not None:
        raise problem
    return piece
