"""A live socket to messages: connect, keep alive, and connect again when it breaks.

What the source says while we are away is lost to us: neither AMI nor FreeSWITCH's event socket
repeats anything. So every absence is a ``Gap``: from the last byte that was received (the
connection may have been dead from then on, whenever that was noticed) to the moment when we are
logged in and subscribed again. A record that a connection broke off in is rejected as ``cut_off``.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from pipeline.errors import InputError
from pipeline.ingest.framed import Framed
from pipeline.ingest.intake import Intake, Stream
from pipeline.ingest.message import Message
from pipeline.ingest.produce import Pieces
from pipeline.ingest.session import Session
from pipeline.ingest.tally import Gap
from pipeline.ingest.tls import why_refused

Note = Callable[[str], None]
_MOST_READ: Final = 65_536


class Address(NamedTuple):
    """Where a source listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``HOST:PORT`` or ``[IPv6]:PORT``."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        is_port = port.isascii() and port.isdigit() and 0 < int(port) < 65536  # noqa: PLR2004 - TCP's
        if not colon or not host or not is_port:
            msg = f"--connect: expected HOST:PORT such as pbx:5038, got {text!r}"
            raise InputError(msg)
        return cls(host, int(port))


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for what, in seconds."""

    first_retry: float = 0.5
    longest_retry: float = 30.0
    to_connect: float = 10.0
    ask_after: float = 15.0
    """Silence after which the other side is asked whether it lives."""
    dead_after: float = 45.0
    """Silence after which the connection is given up."""

    def retry(self, failures: int) -> float:
        """Return the wait before the next attempt: doubled each time, a quarter of it by chance."""
        longest = min(self.longest_retry, self.first_retry * 2.0 ** min(failures - 1, 16))
        return longest * (0.75 + random.random() / 4)  # noqa: S311 - spreads many clients


class _Broken(Exception):  # noqa: N818 - what became of a connection, not an error of ours
    """The connection ended; the message says how."""


class _Refused(Exception):  # noqa: N818 - as above
    """The other side does not let us in."""


async def listen(
    address: Address,
    session: Callable[[], Session],
    intake: Intake,
    stop: asyncio.Event,
    note: Note,
    patience: Patience = Patience(),
    tls: ssl.SSLContext | None = None,
) -> Pieces:
    """Yield the messages of a live source until one is told to stop; in the clear without ``tls``.

    Raises:
        InputError: the source refuses us at the first time; later it may be starting up.
    """
    line = _Line(address, session, intake, note, patience, tls)
    failures = 0
    while not stop.is_set():
        was_heard = line.heard_ms
        try:
            async for piece in line.hear(stop):
                yield piece
        except _Refused as refused:
            if not intake.tally.connects:
                raise InputError(f"{address}: {refused}") from refused
            problem = str(refused)
        except (OSError, _Broken) as error:
            problem = str(error) or type(error).__name__
        else:
            break
        yield line.cut_off()
        yield None
        failures = 1 if line.heard_ms != was_heard and line.was_ready else failures + 1
        wait = patience.retry(failures)
        note(f"{address}: {problem}; next attempt in {wait:.1f} s")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait)
    line.close()
    intake.stop()


class _Line:
    """The source over all its connections."""

    def __init__(
        self,
        address: Address,
        session: Callable[[], Session],
        intake: Intake,
        note: Note,
        patience: Patience,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.heard_ms: int | None = None
        self.was_ready = False
        self._attempts = 0
        self._address = address
        self._make = session
        self._intake = intake
        self._note = note
        self._patience = patience
        self._tls = tls
        self._session: Session | None = None
        self._stream: Stream = intake.open(str(address), is_live=True)

    async def hear(self, stop: asyncio.Event) -> AsyncIterator[Iterable[Message] | None]:
        """Connect, and yield what is said until the connection breaks or one is told to stop."""
        self.was_ready = False
        session = self._session = self._make()
        reader, writer = await self._connected()
        silence = 0.0
        try:
            while not stop.is_set():
                began = time.monotonic()
                data = await self._received(reader, stop)
                waited_ms = round(1000 * (time.monotonic() - began))
                if data is None:
                    silence += self._patience.ask_after
                    if silence >= self._patience.dead_after:
                        raise _Broken(f"nothing heard for {silence:.0f} s")
                    session.ask_for_life()
                elif data:
                    silence = 0.0
                    yield self._taken(session, data)
                elif not stop.is_set():
                    raise _Broken("the other side closed the connection")
                if session.refusal:
                    raise _Refused(session.refusal)
                yield list(self._intake.wait(waited_ms))
                yield None
                writer.write(session.to_send())
                await writer.drain()
        finally:
            writer.transport.abort()  # close() would wait for a peer that may be gone

    def cut_off(self) -> list[Message]:
        """Return what the end of a connection leaves: a record that it broke off in."""
        session, self._session = self._session, None
        return [] if session is None else list(self._stream.take(session.end()))

    def close(self) -> None:
        """Say that nobody listens on."""
        self._stream.stop()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._address
        self._attempts += 1
        try:
            opening = asyncio.open_connection(host, port, ssl=self._tls)
            reader, writer = await asyncio.wait_for(opening, self._patience.to_connect)
        except TimeoutError as error:
            raise _Broken(f"no answer in {self._patience.to_connect:.0f} s") from error
        except ssl.SSLEOFError:  # it went away in the handshake, as it may when it restarts
            raise
        except ssl.SSLError as error:
            raise _Refused(why_refused(error)) from error
        except socket.gaierror as error:
            if self._attempts == 1:  # later it is the network's fault, not the name's
                msg = f"--connect: expected a host that has an address, got {host!r}"
                raise InputError(msg) from error
            raise
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return reader, writer

    async def _received(self, reader: asyncio.StreamReader, stop: asyncio.Event) -> bytes | None:
        """Return what came, nothing at the end of the connection, None after a silence."""
        reading = asyncio.ensure_future(reader.read(_MOST_READ))
        told = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait(
                {reading, told},
                timeout=self._patience.ask_after,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if reading.done():
                return reading.result()
            return b"" if told.done() else None
        finally:
            told.cancel()
            if not reading.done():
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading

    def _taken(self, session: Session, data: bytes) -> list[Message]:
        now_ms = time.time_ns() // 1_000_000
        was_ready = session.is_ready
        records: list[Framed] = session.receive(data, now_ms=now_ms)
        if session.is_ready and not was_ready:
            self._begin(now_ms)
        if session.is_ready:
            self.heard_ms = now_ms
        return list(self._stream.take(records))

    def _begin(self, now_ms: int) -> None:
        tally = self._intake.tally
        self.was_ready = True
        tally.connects += 1
        if self.heard_ms is None:
            self._note(f"{self._address}: connected")
            return
        tally.gaps.append(Gap(from_ms=self.heard_ms, until_ms=now_ms))
        lost_s = (now_ms - self.heard_ms) / 1000
        self._note(f"{self._address}: connected again; events of {lost_s:.1f} s are lost")
