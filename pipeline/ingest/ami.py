r"""A session with Asterisk's manager interface (AMI): log in, ask for all events, keep alive.

The server greets with one line; we send ``Login`` with ``Events: on``. Replies carry the
``ActionID`` of what they answer. An event has no time of its own unless ``manager.conf`` says
``timestampevents = yes``; one without gets the time when it comes, as ``Vane-Received``.
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.errors import InputError
from pipeline.ingest.blocks import REPLY, Blocks
from pipeline.ingest.framed import Framed
from pipeline.ingest.session import Credentials, stamped

_LOGIN: Final = b"vane-login"
_HEADER: Final = re.compile(rb"^([A-Za-z]+):[ \t]*(.*?)\r?$", re.MULTILINE)
_TIMESTAMP: Final = re.compile(rb"^Timestamp:", re.IGNORECASE | re.MULTILINE)


class AmiSession:
    """Logs in as ``VANE_AMI_USER`` and gives the blocks of events."""

    def __init__(self, credentials: Credentials) -> None:
        """Begin a connection; nothing is sent before the server has greeted."""
        if not credentials.ami_user or not credentials.ami_secret:
            msg = "expected VANE_AMI_USER and VANE_AMI_SECRET, a user of Asterisk's manager.conf"
            raise InputError(msg)
        self.is_ready = False
        self.refusal = ""
        self._credentials = credentials
        self._blocks = Blocks(is_live=True)
        self._out = b""
        self._has_greeted = False
        self._pings = 0

    def receive(self, data: bytes, *, now_ms: int) -> list[Framed]:
        """Take what came; the first of it makes us log in."""
        if not self._has_greeted and data:
            self._has_greeted = True
            self._out += _action(
                *(b"Login", _LOGIN),
                (b"Username", self._credentials.ami_user.encode()),
                (b"Secret", self._credentials.ami_secret.encode()),
                (b"Events", b"on"),
            )
        return [self._judged(block, now_ms) for block in self._blocks.feed(data)]

    def to_send(self) -> bytes:
        """Return the actions that are due."""
        out, self._out = self._out, b""
        return out

    def ask_for_life(self) -> None:
        """Ping."""
        self._pings += 1
        self._out += _action(b"Ping", b"vane-ping-%d" % self._pings)

    def end(self) -> list[Framed]:
        """Return the block that the connection broke off in."""
        return self._blocks.end()

    def _judged(self, block: Framed, now_ms: int) -> Framed:
        if block.skip == REPLY:
            self._hear(dict(_HEADER.findall(block.raw)))
            return block
        if block.fault is not None or _TIMESTAMP.search(block.raw):
            return block
        return stamped(block, now_ms=now_ms)

    def _hear(self, reply: dict[bytes, bytes]) -> None:
        if reply.get(b"ActionID") != _LOGIN:
            return
        if reply.get(b"Response") == b"Success":
            self.is_ready = True
            # Who waits and who serves already: the answers are events, too.
            self._out += _action(b"QueueStatus", b"vane-queues")
        else:
            told = reply.get(b"Message", b"nothing").decode(errors="replace")
            self.refusal = (
                f"Asterisk refused the login of {self._credentials.ami_user!r} ({told}); expected "
                "VANE_AMI_USER and VANE_AMI_SECRET as in manager.conf, with "
                "read = agent,call,dialplan"
            )


def _action(name: bytes, action_id: bytes, *fields: tuple[bytes, bytes]) -> bytes:
    lines = [(b"Action", name), (b"ActionID", action_id), *fields]
    return b"".join(b"%s: %s\r\n" % line for line in lines) + b"\r\n"
