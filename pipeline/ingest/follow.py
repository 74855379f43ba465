"""Growing files to messages, through rotations, until one is told to stop.

Two ways of rotating are survived without losing or repeating a line. *Rename and create*: a file
is known by its inode, so it is read to its end under its new name before the new file is begun.
*Copy and truncate*: when a file turns out to be truncated, its rest is read from the copy beside
it (``x.1``, ``x-20251101.gz``). A line that has not ended waits for its end.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.errors import InputError
from pipeline.ingest.files import rotation_of
from pipeline.ingest.intake import Intake
from pipeline.ingest.message import Message
from pipeline.ingest.produce import Pieces
from pipeline.ingest.read import collected
from pipeline.ingest.tail import Identity, Tail, identity_of, is_gzip, pieces_of, unpacks

Note = Callable[[str], None]
LOOK_EVERY_S: Final = 0.25
_ENDS_AFTER: Final = 8
"""A rotated file has ended when nothing was new in it so many looks in a row."""
_UNFINISHED_FOR: Final = 40
"""A packed file without its end is read as it is when it has not grown so many looks in a row."""


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
    waited_ms = 0
    while not stop.is_set():
        for watch in watches:
            for piece in watch.look():
                yield piece
                await asyncio.sleep(0)  # lets a signal be noticed
                if stop.is_set():
                    break
        yield _whole(intake.wait(waited_ms))
        yield None
        began = time.monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), look_every_s)
        waited_ms = round(1000 * (time.monotonic() - began))
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
        self._passed: dict[Identity, int] = {}
        self._unfinished: dict[Identity, tuple[int, int]] = {}  # packed: size, looks since it grew
        self._is_first_look = True

    def look(self) -> Iterator[list[Message]]:
        """Yield what is new since the last look."""
        there = self._there()
        self._forget(there)
        for identity in set(self._tails) - set(there):
            yield from self._leave(self._tails[identity], there)
        for identity in set(self._tails) & set(there):
            tail = self._tails[identity]
            tail.path, tail.missed_looks = there[identity], 0
            if tail.is_truncated():
                yield from self._truncated(tail, there)
        for identity, file in there.items():
            with suppress(FileNotFoundError):  # renamed since it was listed: seen next time
                if identity not in self._tails and identity not in self._passed:
                    yield from self._begin(file, identity)
                if identity in self._tails:
                    yield from self._grow(self._tails[identity])
        self._is_first_look = False

    def close(self) -> None:
        """Let go of all files; say what waits in them for the end of a line."""
        for tail in self._tails.values():
            if tail.stream.waiting:
                name, waiting = tail.stream.name, tail.stream.waiting
                self._note(f"{name}: {waiting:,} bytes of an unfinished record were not taken")
            if not tail.is_ended:
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

    def _forget(self, there: dict[Identity, Path]) -> None:
        """Forget files that were passed over and are gone or others: an inode is given anew."""
        for identity, modified_ns in list(self._passed.items()):
            with suppress(FileNotFoundError, KeyError):
                if there[identity].stat().st_mtime_ns == modified_ns:
                    continue
            del self._passed[identity]

    def _pass(self, stored: BinaryIO) -> None:
        """Do not look at a file again, unless it changes."""
        self._passed[identity_of(stored)] = os.fstat(stored.fileno()).st_mtime_ns

    def _there(self) -> dict[Identity, Path]:
        """Return the files that are there now, oldest first, by what they keep when renamed."""
        there: dict[Identity, Path] = {}
        for file in self._files():
            with suppress(FileNotFoundError):
                status = file.stat()
                there[status.st_dev, status.st_ino] = file
        return there

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self._path)) if self._is_folder else file.name

    def _begin(self, file: Path, identity: Identity) -> Iterator[list[Message]]:
        """Begin a file that is new, or pass it over for good."""
        try:
            with file.open("rb") as stored:
                # A name may stand for another file since it was listed: seen next time.
                if identity_of(stored) == identity and os.fstat(stored.fileno()).st_size:
                    yield from self._begin_open(file, stored, identity)
        except FileNotFoundError:
            raise
        except (OSError, InputError) as error:
            self._passed[identity] = file.stat().st_mtime_ns
            self._intake.tally.unread.append(str(error))
            self._note(str(error))

    def _begin_open(
        self, file: Path, stored: BinaryIO, identity: Identity
    ) -> Iterator[list[Message]]:
        is_rotated = not rotation_of(file).is_live and file != self._path
        is_packed = is_gzip(stored)
        if is_packed and not self._is_whole(stored, identity):
            return
        known = self._known_already(file, stored, identity) if is_rotated else None
        if known is True:
            self._pass(stored)
        elif known is False:
            return
        elif is_packed:
            self._pass(stored)
            yield from self._read_packed(stored, self._name(file))
        else:
            self._add(file, identity)

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

    def _known_already(self, file: Path, stored: BinaryIO, identity: Identity) -> bool | None:
        """Say whether a rotated file holds what was read, or was not asked for; None: neither.

        False: it is a copy of what is not read yet, and may be truncated before it is.
        """
        if self._is_first_look:
            return None if self._is_folder else True
        for tail in self._family_of(file):
            size = tail.held(stored)
            if size is not None:
                tail.copies.add(identity)
                return size <= tail.position and not tail.is_truncated()
        return None

    def _is_whole(self, file: BinaryIO, identity: Identity) -> bool:
        """Say whether a packed file is there to its end, or has not grown for long enough."""
        size, looks = self._unfinished.get(identity, (0, 0))
        now = os.fstat(file.fileno()).st_size
        if size == now and looks < _UNFINISHED_FOR:
            self._unfinished[identity] = (size, looks + 1)
            return False
        if looks < _UNFINISHED_FOR and not unpacks(file):
            self._unfinished[identity] = (now, 0)
            return False
        self._unfinished.pop(identity, None)
        return True

    def _family_of(self, file: Path) -> list[Tail]:
        family = rotation_of(file).family
        return [t for t in self._tails.values() if rotation_of(t.path).family == family]

    def _read_packed(self, stored: BinaryIO, name: str) -> Iterator[list[Message]]:
        stream = self._intake.open(name)
        for text in pieces_of(stored):
            yield _whole(stream.feed(text))
        yield _whole(stream.end())
        yield list(stream.finish())
        self._intake.tally.files += 1

    def _grow(self, tail: Tail) -> Iterator[list[Message]]:
        """Yield what is new in a file; end one that was rotated away and grows no more."""
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

    def _truncated(self, tail: Tail, there: dict[Identity, Path]) -> Iterator[list[Message]]:
        """Read the rest of what was truncated, and begin the file anew."""
        self._intake.tally.rotations += 1
        name = self._name(tail.path)
        with ExitStack() as opened:
            rest = self._rest_of(tail, there, opened)
            if rest is None:
                self._note(
                    f"{name}: truncated, and no copy of it is beside it; lines that were written "
                    "since the last look are lost"
                )
                self._intake.tally.anomalies["truncated_without_copy"] += 1
            else:
                self._note(f"{name}: truncated; its rest was read from the copy")
                for data in rest:
                    yield _whole(tail.stream.feed(data))
        yield from self._end(tail)
        tail.restart(self._intake.open(name))

    def _rest_of(
        self, tail: Tail, there: dict[Identity, Path], opened: ExitStack
    ) -> Iterator[bytes] | None:
        """Find the copy that was made before a file was truncated: the oldest not known yet."""
        family = rotation_of(tail.path).family
        for identity, file in {**there, **self._there()}.items():
            is_known = identity in self._tails or identity in self._passed
            may_be = identity in tail.copies or not is_known
            if may_be and rotation_of(file).family == family:
                with suppress(OSError, InputError):
                    stored = opened.enter_context(file.open("rb"))
                    rest = tail.rest_in(stored)
                    if rest is not None and identity_of(stored) == identity:
                        self._pass(stored)
                        return rest
        return None

    def _leave(self, tail: Tail, there: dict[Identity, Path]) -> Iterator[list[Message]]:
        """Go on with a file that is gone from its folder: it is there while it is open.

        It may also just be on its way from one name to the next, so it is not let go at once.
        """
        tail.missed_looks += 1
        if tail.is_truncated():
            yield from self._truncated(tail, there)
        for data in tail.news():
            yield _whole(tail.stream.feed(data))
        if tail.missed_looks >= _ENDS_AFTER:
            if not tail.is_ended:
                yield from self._end(tail)
            tail.close()
            del self._tails[tail.identity]

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
