r"""The fields of an Asterisk ``queue_log`` record: what each verb carries, and how to read one.

A record is ``[time, callid, queue, agent, VERB, arguments …]`` whether it was a line of a file
(``time`` in whole epoch seconds, fields apart by ``|``, a bar within one as ``\|``) or a row of the
database. Reading is lenient where Asterisk and its add-ons are: a trailing ``|`` of ``QueueLog()``,
empty arguments, more arguments than documented. A length of time that is there has to be one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

CALL: Final = 1
QUEUE: Final = 2
AGENT: Final = 3
VERB: Final = 4
BOM: Final = "\ufeff"
FIRST: Final = 5
"""Where the arguments of a verb begin."""

NOBODY: Final = frozenset({"", "NONE"})
NO_CALL: Final = frozenset({"", "NONE", "REALTIME", "MANAGER", "CLI"})
"""What stands for the call where a record is not about one."""

ARGUMENTS: Final[dict[str, tuple[int, int]]] = {
    "ENTERQUEUE": (0, 4),
    "CONNECT": (1, 3),
    "COMPLETEAGENT": (2, 3),
    "COMPLETECALLER": (2, 3),
    "ABANDON": (3, 3),
    "EXITWITHTIMEOUT": (3, 3),
    "EXITEMPTY": (3, 3),
    "EXITWITHKEY": (4, 4),
    "WITHDRAW": (3, 4),
    "RINGNOANSWER": (1, 1),
    "ATTENDEDTRANSFER": (5, 6),
    "BLINDTRANSFER": (4, 5),
    "TRANSFER": (4, 5),
    "AGENTDUMP": (0, 0),
    "SYSCOMPAT": (0, 0),
    "ADDMEMBER": (0, 1),
    "REMOVEMEMBER": (0, 0),
    "PAUSE": (0, 1),
    "UNPAUSE": (0, 1),
    "PAUSEALL": (0, 1),
    "UNPAUSEALL": (0, 1),
    "AGENTLOGIN": (0, 1),
    "AGENTLOGOFF": (0, 3),
    "AGENTCALLBACKLOGIN": (0, 1),
    "AGENTCALLBACKLOGOFF": (0, 3),
    "WRAPUPSTART": (1, 1),
    "FULL": (0, 0),
    "CLOSED": (0, 0),
    "JOINEMPTY": (0, 0),
    "LEAVEEMPTY": (0, 0),
    "DIVERT_CA_RATIO": (0, 0),
    "DIVERT_HOLDTIME": (0, 0),
}
"""Verbs that say something of a call or an agent: (least, most) arguments.

``WRAPUPSTART``, ``FULL``, ``CLOSED``, ``JOINEMPTY``, ``LEAVEEMPTY`` and ``DIVERT_*`` are written by
dialplans (Wazo's) through ``QueueLog()``. ``COMPLETE*``, ``*TRANSFER`` lack their last argument in
old versions.
"""

NO_EVENT: Final = frozenset(
    {
        *("CONFIGRELOAD", "QUEUESTART", "PENALTY", "RINGINUSE", "RINGCANCELED", "OUTCALL"),
        *("DID", "STARTCALL", "CALLSTATUS", "INFO"),
    }
)
"""Verbs known to say nothing that is counted here."""

_VERB: Final = re.compile(r"[A-Z][A-Z_]{1,31}")
_MOST_SECONDS: Final = 10**7
_MOST_EPOCH_S: Final = 253_402_300_799
_EPOCH: Final = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?")
_BAR: Final = re.compile(r"(?<!\\)\|")


class UnusableError(ValueError):
    """A record that says nothing usable; ``reason`` is a code, the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep the code apart."""
        self.reason = reason
        super().__init__(message)


class NoEventError(ValueError):
    """A record that is no event by nature; ``reason`` says of which kind."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        self.reason = reason
        super().__init__(reason)


class Lengths(dict[str, "int | None"]):
    """Milliseconds of a length in whole seconds, by its text; of an empty one None.

    Waits and talks are few distinct texts, so each is read once.
    """

    MOST: Final = 100_000

    def __missing__(self, text: str) -> int | None:
        """Read a text not met yet; raise ValueError if it is no length."""
        found = None
        digits = text.strip()
        if digits:
            if not (digits.isascii() and digits.isdecimal()) or int(digits) > _MOST_SECONDS:
                raise ValueError(text)
            found = int(digits) * 1000
        if len(self) < self.MOST:
            self[text] = found
        return found


def epoch_ms(text: str) -> int:
    """Return milliseconds of epoch seconds, whole or with a fraction; raise ValueError."""
    if text.isascii() and text.isdecimal() and len(text) == 10:  # noqa: PLR2004 - 2001 to 2286
        return int(text) * 1000
    found = _EPOCH.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= _MOST_EPOCH_S or not text.isascii():
        msg = f"expected epoch seconds such as 1546015425, got {text!r}"
        raise ValueError(msg)
    return int(found[1]) * 1000 + int((found[2] or "0").ljust(3, "0")[:3])


def split_line(line: str) -> list[str]:
    r"""Return the fields of a line; ``\|`` is a bar within one."""
    if "\\" not in line:
        return line.split("|")
    return [part.replace("\\|", "|") for part in _BAR.split(line)]


def transfer_lengths(fields: Sequence[str]) -> tuple[str, str]:
    """Return the texts of wait and talk of an ``ATTENDEDTRANSFER``.

    ``LINK`` names two channels where other methods have one word. Of a database row the last
    column holds what is left over, ``calltime|origposition``.
    """
    at = FIRST + (3 if fields[FIRST] == "LINK" else 2)
    return fields[at], fields[at + 1].partition("|")[0]


def read_line(line: str) -> tuple[int, list[str]]:
    """Return time and fields of a line of a file; its arguments are not looked at yet.

    Raises:
        NoEventError: blank, or of a verb that says nothing that is counted.
        UnusableError: it has too few fields, or no time.
    """
    line = line.removesuffix("\r").removeprefix(BOM)
    if not line or line.isspace():
        raise NoEventError("blank")
    fields = split_line(line)
    if len(fields) <= VERB:
        msg = f"expected epoch|callid|queue|agent|EVENT|…, got {len(fields)} field(s)"
        raise UnusableError("missing_fields", msg)
    try:
        at = epoch_ms(fields[0])
    except ValueError as error:
        raise UnusableError("bad_time", str(error)) from error
    check_verb(fields[VERB])
    return at, fields


def check_verb(verb: str) -> None:
    """Raise NoEventError unless a verb says something of a call or an agent."""
    if verb not in ARGUMENTS:
        known = verb in NO_EVENT
        raise NoEventError(f"verb:{verb}" if known else f"unknown_verb:{verb_for_people(verb)}")


def verb_for_people(verb: str) -> str:
    """Return an unknown verb if it looks like one; what may be a number is not repeated."""
    return verb if _VERB.fullmatch(verb) else "(not a verb)"


def problem_of(fields: Sequence[str]) -> UnusableError | None:
    """Return why a record with a known verb cannot be read, None if it can."""
    verb = fields[VERB]
    least, most = ARGUMENTS[verb]
    given = len(fields) - FIRST
    if given < least:
        expected = f"{least}" if least == most else f"{least} to {most}"
        msg = f"{verb}: expected {expected} argument(s), got {given}"
        return UnusableError("missing_fields", msg)
    return _bad_length(verb, fields)


def lengths_at(fields: Sequence[str]) -> tuple[str, ...]:
    """Return the texts of a record's arguments that are lengths of time."""
    verb = fields[VERB]
    if verb == "ATTENDEDTRANSFER":
        return transfer_lengths(fields)
    places = _LENGTHS.get(verb, ())
    return tuple(fields[place] for place in places if place < len(fields))


_LENGTHS: Final[dict[str, tuple[int, ...]]] = {
    "CONNECT": (5, 7),
    "COMPLETEAGENT": (5, 6),
    "COMPLETECALLER": (5, 6),
    "ABANDON": (7,),
    "EXITWITHTIMEOUT": (7,),
    "EXITEMPTY": (7,),
    "EXITWITHKEY": (8,),
    "WITHDRAW": (7,),
    "RINGNOANSWER": (5,),
    "BLINDTRANSFER": (7, 8),
    "TRANSFER": (7, 8),
    "AGENTLOGOFF": (6,),
    "AGENTCALLBACKLOGOFF": (6,),
    "WRAPUPSTART": (5,),
}


def _bad_length(verb: str, fields: Sequence[str]) -> UnusableError | None:
    for text in lengths_at(fields):
        try:
            Lengths()[text]
        except ValueError:
            is_negative = text.strip().startswith("-") and text.strip()[1:].isdecimal()
            reason = "negative_length" if is_negative else "bad_length"
            return UnusableError(reason, f"{verb}: expected a length of 0 or more, got {text!r}")
    return None
