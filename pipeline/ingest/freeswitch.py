r"""A session with FreeSWITCH's event socket: authenticate, subscribe to the call centre's events.

The server asks with ``auth/request``; we send ``auth PASSWORD``, then
``event plain CUSTOM callcenter::info CHANNEL_HOLD CHANNEL_UNHOLD``. Events come in envelopes with a
``Content-Length``.
There is no ping: an ``api uptime`` is answered by a living server, whatever it may say.
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.errors import InputError
from pipeline.ingest.blocks import REPLY, Blocks
from pipeline.ingest.framed import Framed
from pipeline.ingest.session import Credentials, stamped

SUBSCRIPTION: Final = b"event plain CUSTOM callcenter::info CHANNEL_HOLD CHANNEL_UNHOLD\n\n"
_TYPE: Final = re.compile(rb"^Content-Type:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_TIMESTAMP: Final = re.compile(rb"^Event-Date-Timestamp:", re.IGNORECASE | re.MULTILINE)
_REPLY: Final = re.compile(rb"^Reply-Text:[ \t]*(.*?)\r?$", re.IGNORECASE | re.MULTILINE)


class FreeswitchSession:
    """Authenticates with ``VANE_FREESWITCH_PASSWORD`` and gives the blocks of events."""

    def __init__(self, credentials: Credentials) -> None:
        """Begin a connection; nothing is sent before the server has asked."""
        if not credentials.freeswitch_password:
            msg = (
                "expected VANE_FREESWITCH_PASSWORD, the password in event_socket.conf "
                "(ClueCon, if nobody has changed it)"
            )
            raise InputError(msg)
        self.is_ready = False
        self.refusal = ""
        self._password = credentials.freeswitch_password.encode()
        self._blocks = Blocks(is_live=True)
        self._out = b""
        self._asked: list[bytes] = []

    def receive(self, data: bytes, *, now_ms: int) -> list[Framed]:
        """Take what came, and answer what it asks."""
        return [self._judged(block, now_ms) for block in self._blocks.feed(data)]

    def to_send(self) -> bytes:
        """Return the commands that are due."""
        out, self._out = self._out, b""
        return out

    def ask_for_life(self) -> None:
        """Ask for something that is always answered."""
        self._out += b"api uptime\n\n"

    def end(self) -> list[Framed]:
        """Return the block that the connection broke off in."""
        return self._blocks.end()

    def _judged(self, block: Framed, now_ms: int) -> Framed:
        if block.skip == REPLY:
            self._hear(block.raw)
            return block
        if block.fault is not None or _TIMESTAMP.search(block.raw):
            return block
        return stamped(block, now_ms=now_ms)

    def _hear(self, raw: bytes) -> None:
        kind = _TYPE.search(raw)
        if kind is None:
            return
        if kind[1] == b"auth/request":
            self._ask(b"auth", b"auth %s\n\n" % self._password)
        elif kind[1] == b"text/rude-rejection":
            self.refusal = (
                "FreeSWITCH refuses this machine's address; expected it in the list that "
                "apply-inbound-acl of event_socket.conf names"
            )
        elif kind[1] == b"command/reply" and self._asked:
            reply = _REPLY.search(raw)
            told = b"" if reply is None else reply[1]
            self._go_on(self._asked.pop(0), told)

    def _ask(self, what: bytes, command: bytes) -> None:
        self._asked.append(what)
        self._out += command

    def _go_on(self, answered: bytes, told: bytes) -> None:
        if not told.startswith(b"+OK"):
            shown = told.decode(errors="replace") or "nothing"
            command = "the password" if answered == b"auth" else "the subscription to events"
            self.refusal = (
                f"FreeSWITCH refused {command} ({shown}); expected VANE_FREESWITCH_PASSWORD as in "
                "event_socket.conf"
            )
        elif answered == b"auth":
            self._ask(b"event", SUBSCRIPTION)
        else:
            self.is_ready = True
