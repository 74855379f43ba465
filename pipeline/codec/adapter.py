"""What every adapter of an ACD's native records is to the rest of the system.

An adapter is pure: native records in, canonical events out, no file, socket or clock. One that
has to stitch (a call whose id changes, a wait that began earlier) keeps its state in the instance;
``finish`` says what is still open at the end of the input. Every native record is accounted for:
it gave events, or a ``Rejected``, or it is counted in ``skipped`` with the reason. Oddities that
did not keep a record from being used are counted in ``anomalies``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from pipeline.codec.names import Names
from pipeline.domain.events import AgentStateEvent, CallEvent, Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """On whose behalf records are read.

    ``source`` names the system (its clock makes ``occurred_at_ms``); ``customer_key`` keys the
    hash that stands for a caller's number; ``zone`` is that of records whose times have none
    (None: such a time is a reason to reject the record); ``names`` gives canonical names.
    ``issued_at_ms`` is when a file of facts was issued, where its name or records do not say.
    ``wrapup_s`` is how long agents wrap up, where the source enforces it and tells nobody; 0 for
    not at all.
    """

    client: str
    source: str
    customer_key: bytes
    site: str = ""
    zone: ZoneInfo | None = None
    names: Names = field(default_factory=Names)
    issued_at_ms: int | None = None
    wrapup_s: int = 0


class Adapter(Protocol):
    """Turns native records of one source into events, in the order they come."""

    skipped: Counter[str]
    """Records that are no event of ours by nature, by reason (``unknown_verb:FOO``, ``blank``)."""
    anomalies: Counter[str]
    """Oddities of records that were used all the same, by short code."""

    def feed(self, record: bytes) -> Iterable[CallEvent | AgentStateEvent | Rejected]:
        """Take one native record (a line without its end, a document, a block). Never raises."""
        ...

    def finish(self) -> Iterable[CallEvent | AgentStateEvent | Rejected]:
        """Say what the end of the input decides; the instance is not fed afterwards."""
        ...


@runtime_checkable
class Holding(Protocol):
    """An adapter that holds things back until a later record decides them, or time does.

    A record moves the source's time on by itself. Where a source is followed and says nothing,
    whoever follows it says how late it must be there by now.
    """

    @property
    def newest_ms(self) -> int:
        """How far the source's records have come, epoch milliseconds; 0 before the first."""
        ...

    def due(self, now_ms: int) -> Iterable[CallEvent | AgentStateEvent]:
        """Give what is decided because the source's time has come to ``now_ms``."""
        ...
