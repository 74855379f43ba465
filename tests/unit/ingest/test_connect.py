"""Live sockets, against servers that speak the documented protocols, and break where they like."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from pipeline.codec.adapter import Origin
from pipeline.domain.events import CallEvent, Rejected
from pipeline.errors import InputError
from pipeline.ingest.ami import AmiSession
from pipeline.ingest.blocks import Blocks
from pipeline.ingest.connect import Address, Patience, listen
from pipeline.ingest.formats import Format, of
from pipeline.ingest.freeswitch import FreeswitchSession
from pipeline.ingest.intake import Intake
from pipeline.ingest.message import Message
from pipeline.ingest.session import Credentials, Session
from pipeline.ingest.tally import Tally
from tests.line_reader import BLOCK_FORMAT, BlockAdapter

KEY = b"key"
CREDENTIALS = Credentials(ami_user="vane", ami_secret="s3cret", freeswitch_password="ClueCon")
QUICK = Patience(first_retry=0.01, longest_retry=0.05, to_connect=2, ask_after=0.1, dead_after=0.3)
LONGEST_S = 20

Script = Callable[["Peer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server that plays one script per connection, and remembers what it was sent."""

    def __init__(
        self, *scripts: Script, form: Format = BLOCK_FORMAT, tls: ssl.SSLContext | None = None
    ) -> None:
        self.scripts = list(scripts)
        self.tls = tls
        self.heard: list[str] = []
        self.connections = 0
        self.messages: list[Message] = []
        self.notes: list[str] = []
        origin = Origin(client="acme", source="pbx", customer_key=KEY)
        self.intake = Intake(form, origin, Tally(), topic=str)
        self.stop = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[min(self.connections, len(self.scripts) - 1)]
        self.connections += 1
        try:
            await script(self, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(m.value) for m in self.messages if m.topic == "acd.events"]

    @property
    def letters(self) -> list[Message]:
        return [m for m in self.messages if m.topic == "acd.events.dlq"]

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONGEST_S):
            while not what():  # noqa: ASYNC110 - many things are waited for
                await asyncio.sleep(0.005)


def talk(
    peer: Peer,
    session: Callable[[], Session],
    until: Callable[[Peer], bool],
    patience: Patience = QUICK,
    tls: ssl.SSLContext | None = None,
) -> Peer:
    """Let the listener and the peer talk until something is so; then stop both."""

    async def listening(port: int) -> None:
        address = Address("127.0.0.1", port)
        note = peer.notes.append
        async for piece in listen(address, session, peer.intake, peer.stop, note, patience, tls):
            peer.messages += piece or ()

    async def both() -> None:
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=peer.tls)
        port = server.sockets[0].getsockname()[1]
        task = asyncio.create_task(listening(port))
        try:
            await peer.until(lambda: until(peer) or task.done())
        finally:
            peer.stop.set()
            server.close()
            await task

    asyncio.run(both())
    assert peer.intake.tally.adds_up
    return peer


ami = partial(AmiSession, CREDENTIALS)
freeswitch = partial(FreeswitchSession, CREDENTIALS)


async def action(peer: Peer, reader: asyncio.StreamReader) -> dict[str, str]:
    """Read one action as Asterisk does: to the blank line."""
    text = (await reader.readuntil(b"\r\n\r\n")).decode()
    peer.heard.append(text)
    return dict(line.split(": ", 1) for line in text.strip().splitlines())


async def ami_login(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Asterisk Call Manager/7.0.3\r\n")
    login = await action(peer, reader)
    assert (login["Action"], login["Username"], login["Secret"]) == ("Login", "vane", "s3cret")
    assert login["Events"] == "on"
    writer.write(
        f"Response: Success\r\nActionID: {login['ActionID']}\r\n"
        "Message: Authentication accepted\r\n\r\n"
        "Event: FullyBooted\r\nPrivilege: system,all\r\nUniqueid: boot\r\n"
        "Timestamp: 1700000000.000001\r\n\r\n".encode()
    )
    assert (await action(peer, reader))["Action"] == "QueueStatus"


def joined(call: str, *more: str) -> bytes:
    lines = ["Event: QueueCallerJoin", f"Uniqueid: {call}", "CallerIDNum: +49301234567", *more]
    return "\r\n".join([*lines, "", ""]).encode()


async def for_ever(peer: Peer, reader: asyncio.StreamReader) -> None:
    """Answer pings until the other side goes."""
    while not reader.at_eof():
        await reader.read(1000)


def test_ami_is_logged_into_and_events_without_a_time_are_stamped_as_they_come() -> None:
    async def script(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await ami_login(peer, reader, writer)
        writer.write(joined("1.1", "Timestamp: 1700000001.5") + joined("1.2"))
        await for_ever(peer, reader)

    peer = talk(Peer(script), ami, lambda p: len(p.events) == 3)
    booted, timed, stamped = peer.events
    assert (booted["contact_id"], timed["occurred_at_ms"]) == ("boot", 1_700_000_001_500)
    assert abs(int(str(stamped["occurred_at_ms"])) - int(time.time() * 1000)) < 60_000
    tally = peer.intake.tally
    assert tally.anomalies == {"stamped_on_arrival": 1}
    assert tally.skipped == {"reply": 1}
    assert (tally.rows, tally.taken, tally.connects, tally.gaps) == (4, 3, 1, [])
    assert "+49" not in str(peer.messages)


class HoldingBlocks(BlockAdapter):
    """Tells of the newest call once more when 100 ms have passed."""

    newest_ms = 0

    def feed(self, record: bytes) -> Iterator[CallEvent | Rejected]:
        for event in super().feed(record):
            if isinstance(event, CallEvent):
                self.newest_ms, self.held = event.occurred_at_ms, [event]
            yield event

    def due(self, now_ms: int) -> list[CallEvent]:
        told, self.held = (self.held, []) if now_ms >= self.newest_ms + 100 else ([], self.held)
        return told


def test_what_is_held_is_told_though_the_source_says_nothing_more() -> None:
    async def script(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await ami_login(peer, reader, writer)
        writer.write(joined("1.1", "Timestamp: 1700000001.5"))
        await for_ever(peer, reader)

    patience = replace(QUICK, dead_after=20)
    peer = Peer(script, form=Format("held", "", Blocks, of(HoldingBlocks)))
    talk(peer, ami, lambda p: len(p.events) == 3, patience)
    assert [e["contact_id"] for e in peer.events] == ["boot", "1.1", "1.1"]
    assert "undecided_at_stop" not in peer.intake.tally.anomalies


def test_a_cut_in_the_middle_of_a_block_is_counted_and_the_gap_is_measured() -> None:
    async def cut(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ami_login(peer, reader, writer)
        writer.write(joined("1.1") + joined("1.2")[:-10])
        await writer.drain()

    async def whole(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ami_login(peer, reader, writer)
        writer.write(joined("1.3"))
        await for_ever(peer, reader)

    peer = talk(Peer(cut, whole), ami, lambda p: len(p.events) == 4)
    assert [e["contact_id"] for e in peer.events] == ["boot", "1.1", "boot", "1.3"]
    (letter,) = peer.letters
    headers = dict(letter.headers)
    assert headers["dlq.reason"] == b"cut_off"
    assert headers["dlq.file"].startswith(b"127.0.0.1:")
    assert letter.value.startswith(b"Event: QueueCallerJoin\r\nUniqueid: 1.2")
    assert b"30123" not in letter.value
    tally = peer.intake.tally
    assert tally.rejected == {"cut_off": 1}
    assert tally.connects == 2
    (gap,) = tally.gaps
    assert 0 < gap.until_ms - gap.from_ms < 10_000
    assert any("connected again; events of" in note for note in peer.notes)


def test_bytes_that_come_one_by_one_make_the_same_events() -> None:
    async def script(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await ami_login(peer, reader, writer)
        for byte in joined("1.1") + joined("1.2"):
            writer.write(bytes([byte]))
            await writer.drain()
        await for_ever(peer, reader)

    peer = talk(Peer(script), ami, lambda p: len(p.events) == 3)
    assert [e["contact_id"] for e in peer.events] == ["boot", "1.1", "1.2"]
    assert peer.letters == []


def test_a_silent_peer_is_pinged_and_given_up_when_it_does_not_answer() -> None:
    async def silent(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await ami_login(peer, reader, writer)
        while True:  # until the other side gives up
            await action(peer, reader)

    async def living(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await ami_login(peer, reader, writer)
        for _ in range(5):
            ping = await action(peer, reader)
            assert ping["Action"] == "Ping"
            reply = f"Response: Success\r\nActionID: {ping['ActionID']}\r\nPing: Pong\r\n\r\n"
            writer.write(reply.encode())
        writer.write(joined("1.9"))
        await for_ever(peer, reader)

    peer = talk(Peer(silent, living), ami, lambda p: p.events[-1:] != [] and _last(p) == "1.9")
    assert sum("Ping" in text for text in peer.heard) >= 6
    assert any("nothing heard" in note for note in peer.notes)
    assert peer.connections == 2


def _last(peer: Peer) -> object:
    return peer.events[-1]["contact_id"]


def test_a_refused_login_is_said_and_not_tried_again() -> None:
    async def script(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"Asterisk Call Manager/7.0.3\r\n")
        login = await action(peer, reader)
        refusal = f"Response: Error\r\nActionID: {login['ActionID']}\r\n"
        writer.write(refusal.encode() + b"Message: Authentication failed\r\n\r\n")

    with pytest.raises(InputError, match=r"refused the login of 'vane' \(Authentication failed\)"):
        talk(Peer(script), ami, lambda p: p.connections > 1)


def test_a_login_refused_after_a_restart_is_tried_again() -> None:
    async def once(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ami_login(peer, reader, writer)
        await writer.drain()

    async def starting(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"Asterisk Call Manager/7.0.3\r\n")
        login = await action(peer, reader)
        refusal = f"Response: Error\r\nActionID: {login['ActionID']}\r\nMessage: not yet\r\n\r\n"
        writer.write(refusal.encode())

    async def ready(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ami_login(peer, reader, writer)
        await for_ever(peer, reader)

    peer = talk(Peer(once, starting, ready), ami, lambda p: p.intake.tally.connects == 2)
    assert len(peer.intake.tally.gaps) == 1


def test_waits_grow_until_something_was_heard() -> None:
    patience = Patience(first_retry=1, longest_retry=8)
    waits = [patience.retry(failures) for failures in (1, 2, 3, 4, 5, 50)]
    for wait, longest in zip(waits, (1, 2, 4, 8, 8, 8), strict=True):
        assert 0.75 * longest <= wait <= longest


def test_a_peer_that_is_not_there_yet_is_tried_until_it_is() -> None:
    async def run() -> Peer:
        probe = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
        port = probe.sockets[0].getsockname()[1]
        probe.close()
        await probe.wait_closed()

        async def script(
            peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await ami_login(peer, reader, writer)
            await for_ever(peer, reader)

        peer = Peer(script)

        async def listening() -> None:
            address = Address("127.0.0.1", port)
            async for piece in listen(
                address, ami, peer.intake, peer.stop, peer.notes.append, QUICK
            ):
                peer.messages += piece or ()

        task = asyncio.create_task(listening())
        await peer.until(lambda: len(peer.notes) > 2)
        server = await asyncio.start_server(peer.serve, "127.0.0.1", port)
        await peer.until(lambda: len(peer.events) == 1)
        peer.stop.set()
        server.close()
        await task
        return peer

    peer = asyncio.run(run())
    assert "next attempt in" in peer.notes[0]
    assert peer.intake.tally.gaps == []  # never heard before, so nothing is known to be missed


async def command(peer: Peer, reader: asyncio.StreamReader) -> str:
    text = (await reader.readuntil(b"\n\n")).decode().strip()
    peer.heard.append(text)
    return text


async def freeswitch_login(
    peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"Content-Type: auth/request\n\n")
    assert await command(peer, reader) == "auth ClueCon"
    writer.write(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
    assert (
        await command(peer, reader)
        == "event plain CUSTOM callcenter::info CHANNEL_HOLD CHANNEL_UNHOLD"
    )
    writer.write(b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n")


def info(call: str) -> bytes:
    event = (
        "Event-Subclass: callcenter%3A%3Ainfo\nEvent-Name: CUSTOM\n"
        f"Event-Date-Timestamp: 1700000000123456\nCC-Member-UUID: {call}\n\n"
    ).encode()
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(event), event)


def test_freeswitch_is_subscribed_to_and_its_envelopes_are_opened() -> None:
    async def script(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await freeswitch_login(peer, reader, writer)
        writer.write(info("a") + info("b"))
        while (await command(peer, reader)) == "api uptime":
            writer.write(b"Content-Type: api/response\nContent-Length: 4\n\n1234")
            writer.write(info("c"))

    peer = talk(Peer(script), freeswitch, lambda p: len(p.events) >= 4)
    assert [e["contact_id"] for e in peer.events][:4] == ["a", "b", "c", "c"]
    assert peer.events[0]["occurred_at_ms"] == 1_700_000_000_123
    assert peer.letters == []
    assert peer.intake.tally.skipped["reply"] >= 4


def test_an_event_of_freeswitch_without_a_time_is_stamped_as_it_comes() -> None:
    session = freeswitch()
    timeless = info("a").replace(b"Event-Date-Timestamp", b"Event-Date-Nonsense0")
    (found,) = session.receive(timeless, now_ms=1_700_000_000_042)
    assert found.raw.startswith(b"Vane-Received: 1700000000.042000\r\nEvent-Subclass:")
    assert found.oddity == "stamped_on_arrival"
    (timed,) = session.receive(info("a"), now_ms=1)
    assert timed.oddity == ""


def test_freeswitch_is_joined_again_after_a_cut_in_an_envelope() -> None:
    async def cut(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await freeswitch_login(peer, reader, writer)
        writer.write(info("a") + info("b")[:-20])
        await writer.drain()

    async def goodbye(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await freeswitch_login(peer, reader, writer)
        text = b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
        writer.write(info("c"))
        writer.write(
            b"Content-Type: text/disconnect-notice\nContent-Length: %d\n\n%s" % (len(text), text)
        )
        await writer.drain()

    async def whole(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await freeswitch_login(peer, reader, writer)
        writer.write(info("d"))
        await for_ever(peer, reader)

    peer = talk(Peer(cut, goodbye, whole), freeswitch, lambda p: len(p.events) == 3)
    assert [e["contact_id"] for e in peer.events] == ["a", "c", "d"]
    assert peer.intake.tally.rejected == {"cut_off": 1}
    assert (peer.intake.tally.connects, len(peer.intake.tally.gaps)) == (3, 2)


INVALID = b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: -ERR invalid\n\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n",
            "refuses this machine's address",
        ),
        (
            INVALID,
            r"refused the password \(-ERR invalid\)",
        ),
    ],
)
def test_freeswitch_that_lets_us_not_in_is_quoted(answer: bytes, said: str) -> None:
    async def script(
        peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(answer)
        await writer.drain()

    with pytest.raises(InputError, match=said):
        talk(Peer(script), freeswitch, lambda p: p.connections > 1)


def test_what_a_session_needs_is_asked_for_by_name() -> None:
    with pytest.raises(InputError, match="VANE_AMI_USER and VANE_AMI_SECRET"):
        AmiSession(replace_secret(""))
    with pytest.raises(InputError, match="VANE_FREESWITCH_PASSWORD"):
        FreeswitchSession(Credentials())


def replace_secret(secret: str) -> Credentials:
    return CREDENTIALS._replace(ami_secret=secret)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("pbx:5038", "pbx", 5038), ("[::1]:8021", "::1", 8021), ("10.0.0.1:1", "10.0.0.1", 1)],
)
def test_an_address_is_host_and_port(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == (host, port)
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize("text", ["pbx", ":5038", "pbx:", "pbx:0", "pbx:65536", "pbx:x", "pbx:٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected HOST:PORT such as pbx:5038"):
        Address.parse(text)


def test_a_host_that_has_no_address_is_refused_at_the_first_attempt() -> None:
    async def run() -> None:
        peer = Peer()
        address = Address("no-such-host.invalid", 5038)
        async for _ in listen(address, ami, peer.intake, peer.stop, peer.notes.append, QUICK):
            peer.stop.set()

    with pytest.raises(InputError, match=r"has an address, got 'no-such-host\.invalid'"):
        asyncio.run(run())
