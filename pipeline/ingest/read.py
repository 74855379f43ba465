"""Files and standard input to messages, in pieces, until their end or until one is told to stop."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.errors import InputError
from pipeline.ingest.files import CHUNK, Input, Unpacker
from pipeline.ingest.intake import Intake, Stream
from pipeline.ingest.message import Message
from pipeline.ingest.produce import Pieces

STDIN: Final = Path("-")
Report = Callable[[Input, int], None]
"""Is told the input and the bytes read of it, as stored."""


async def read_inputs(
    inputs: Sequence[Input], intake: Intake, stop: asyncio.Event, report: Report
) -> Pieces:
    """Yield the messages of inputs, one after another.

    An input that cannot be read to its end is noted in the tally, and the rest goes on.
    """
    for one in inputs:
        if stop.is_set():
            break
        stream = intake.open(one.name)
        try:
            with _opened(one.file) as stored:
                async for piece in _pieces(stored, one, stream, stop, report):
                    yield piece
        except (OSError, InputError) as error:
            intake.tally.unread.append(str(error))
        if stop.is_set():
            stream.stop()
            break
        intake.tally.files += 1
        yield stream.finish()
    if stop.is_set():
        intake.stop()
    else:
        yield intake.finish()


def collected(messages: Iterable[Message]) -> tuple[list[Message], InputError | None]:
    """Draw messages until their end, or until the input proves to be of another kind."""
    piece: list[Message] = []
    try:
        piece.extend(messages)
    except InputError as error:
        return piece, error
    return piece, None


async def either(stop: asyncio.Event, awaited: asyncio.Future[object]) -> None:
    """Wait until something is done or one is told to stop."""
    told: asyncio.Future[object] = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({told, awaited}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()


def _opened(file: Path) -> BinaryIO:
    if file == STDIN:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    return file.open("rb", buffering=0)


async def _pieces(
    stored: BinaryIO, one: Input, stream: Stream, stop: asyncio.Event, report: Report
) -> Pieces:
    unpacker = Unpacker(one.name)
    is_slow = not stat.S_ISREG(os.fstat(stored.fileno()).st_mode)
    async for data in _stored(stored, stop, is_slow=is_slow):
        report(one, len(data))
        for text in unpacker.feed(data):
            piece, problem = collected(stream.feed(text))
            yield piece
            if problem is not None:
                raise problem
        if is_slow:
            yield None
    if stop.is_set():
        return
    for text in unpacker.rest():
        yield collected(stream.feed(text))[0]
    unpacker.check_end()  # where it is cut off, so is the record it ends in
    piece, problem = collected(stream.end())
    yield piece
    if problem is not None:
        raise problem


async def _stored(stored: BinaryIO, stop: asyncio.Event, *, is_slow: bool) -> AsyncIterator[bytes]:
    while not stop.is_set():
        if is_slow:
            await _readable(stored.fileno(), stop)
            if stop.is_set():
                return
        data = stored.read(CHUNK)
        if not data:
            return
        yield data
        await asyncio.sleep(0)  # lets a signal be noticed


async def _readable(descriptor: int, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[object] = loop.create_future()
    with suppress(PermissionError):  # a device such as /dev/null is always readable
        loop.add_reader(descriptor, _settle, ready)
        try:
            await either(stop, ready)
        finally:
            loop.remove_reader(descriptor)


def _settle(ready: asyncio.Future[object]) -> None:
    if not ready.done():
        ready.set_result(None)
