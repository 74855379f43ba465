"""What a session with a live source is: bytes in, records and bytes to send out. No socket.

``ami.py`` and ``freeswitch.py`` know the two protocols; ``connect.py`` knows the network.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from pipeline.ingest.framed import Framed

STAMPED: Final = "stamped_on_arrival"
"""Oddity of a record that had no time of its own."""


class Credentials(NamedTuple):
    """What sessions log in with; empty where the environment does not say."""

    ami_user: str = ""
    ami_secret: str = ""
    freeswitch_password: str = ""


class Session(Protocol):
    """One connection, from the first byte received to the last."""

    is_ready: bool
    """Logged in and subscribed: from here on nothing is missed."""
    refusal: str
    """Why the other side does not let us in; empty while it has not said so."""

    def receive(self, data: bytes, *, now_ms: int) -> list[Framed]:
        """Take the bytes that came at an instant; give the records they complete."""
        ...

    def to_send(self) -> bytes:
        """Return what is to be sent now, once."""
        ...

    def ask_for_life(self) -> None:
        """Let something be sent that a living other side answers."""
        ...

    def end(self) -> list[Framed]:
        """Return what the end of the connection leaves: a record that was cut off."""
        ...


def stamped(block: Framed, *, now_ms: int) -> Framed:
    """Return a block of ``Key: value`` lines with the time when it came, as ``Vane-Received``.

    That is epoch seconds and a fraction, by our clock: what adapters take in the last place.
    """
    stamp = b"Vane-Received: %d.%03d000\r\n" % divmod(now_ms, 1000)
    return block._replace(raw=stamp + block.raw, oddity=STAMPED)
