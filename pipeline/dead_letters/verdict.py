"""Whether a dead letter can be sent again, and under which key; if not, why not.

What the worker rejects depends on the record's bytes, its key and the release of Vane, never on
its configuration: so a record is judged here as the worker would judge it, and one that would
only come back is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from pipeline.codec.decode import decode_call_event
from pipeline.codec.judge import judge_call_record
from pipeline.dead_letters.letter import Letter
from pipeline.dead_letters.selection import LATE
from pipeline.domain.events import Rejected, routing_domain

MOST_ATTEMPTS: Final = 3
"""A record that has come back so often is not sent again."""


class Hold(StrEnum):
    """Why a letter is not sent; the value is the code to count by."""

    REDRIVEN = "already_redriven"
    ROW = "row_of_a_file"
    LATE = "late"
    FOREIGN = "unknown_origin"
    SPENT = "too_many_attempts"
    NOT_DUE = "not_due"
    STILL_WRONG = "still_wrong"
    TOO_LARGE = "too_large_to_send"


class Rekey(StrEnum):
    """Under which key an event goes that came under a wrong one: as its source does send."""

    CLIENT = "client"
    SITE = "site"


class Held(NamedTuple):
    """A letter that is not sent, why, and what can be done instead."""

    why: Hold
    message: str


class Sending(NamedTuple):
    """How a letter is sent: to this partition, or None for the one its key belongs to."""

    key: bytes | None
    partition: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What decides beside the letter itself.

    ``input_topic`` is the worker's, as the broker names it, with ``partitions`` partitions;
    ``dead_letter_topic`` is our name of where the letter lies; ``now_ms`` is epoch milliseconds.
    ``force`` sends what this release would reject.
    """

    input_topic: str
    dead_letter_topic: str
    partitions: int
    now_ms: int
    rekey: Rekey | None = None
    force: bool = False


def judge_letter(letter: Letter, terms: Terms) -> Sending | Held:
    """Say how a letter is sent, or why it is not."""
    held = _held_unread(letter, terms)
    if held is not None:
        return held
    event = judge_call_record(letter.key, letter.value)
    if isinstance(event, Rejected):
        return _rejected(letter, event, terms)
    wait_ms = event.occurred_at_ms - terms.now_ms
    if wait_ms > 0:
        hours = wait_ms / 3_600_000
        msg = f"it happens in {hours:,.1f} h only, by this machine's clock; wait until then"
        return Held(Hold.NOT_DUE, msg)
    return _as_it_was(letter)


def _rejected(letter: Letter, found: Rejected, terms: Terms) -> Sending | Held:
    hint = ""
    if found.reason == "bad_key":
        event = decode_call_event(letter.value)
        if terms.rekey is not None and not isinstance(event, Rejected):
            site = event.site if terms.rekey is Rekey.SITE else ""
            return Sending(routing_domain(event.client, site).encode(), None)
        hint = "; --rekey client or --rekey site sends it under the right one"
    if terms.force:
        return _as_it_was(letter)
    return Held(Hold.STILL_WRONG, f"{found.reason}: {found.message}{hint}")


def _as_it_was(letter: Letter) -> Sending:
    # Other events of its leg lie in this partition, whatever partitioner its source has.
    return Sending(letter.key, None if letter.origin is None else letter.origin.partition)


def _held_unread(letter: Letter, terms: Terms) -> Held | None:
    if terms.dead_letter_topic == LATE:
        msg = "the month counts it already, and it would only be late again"
        return Held(Hold.LATE, msg)
    if letter.stage == "ingest":
        msg = "numbers in it are hidden, so it is not what was read; mend the file, ingest it again"
        return Held(Hold.ROW, f"{letter.source}: {msg}")
    origin = letter.origin
    if origin is None or origin.topic != terms.input_topic or origin.partition >= terms.partitions:
        msg = f"expected a record of {terms.input_topic} as its headers tell, got {letter.source}"
        return Held(Hold.FOREIGN, msg)
    if letter.attempt >= MOST_ATTEMPTS:
        msg = f"sent again {letter.attempt} times and come back; at most {MOST_ATTEMPTS}"
        return Held(Hold.SPENT, msg)
    return None
