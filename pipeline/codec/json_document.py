"""A JSON document of a vendor's API, read field by field, with a fault that names the field.

Vendors add fields at will, so only what is asked for is looked at. A field that is absent, null
or empty is not known; one of another type than documented makes the whole record unusable.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pipeline.codec.timestamp import Clock
from pipeline.domain.events import AgentStateEvent, CallEvent, Rejected

Event = CallEvent | AgentStateEvent

MAX_BYTES: Final = 16 << 20
"""A longer document is refused unread; a conversation of a day has well under 1 MiB."""
MOST_SECONDS: Final = 10**9
_SHOWN: Final = 60
_SCANNER: Final = json.JSONDecoder()


class UnusableError(ValueError):
    """A record gives no events: a reason code to count by, and a message for people."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep both."""
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Part:
    """An object within a document: its fields, where it stands, and who reads its times."""

    fields: Mapping[str, object]
    clock: Clock
    path: str = ""
    keep_case: bool = field(default=True, kw_only=True)

    def get(self, name: str) -> object:
        """Return a field as it is; None if it is absent."""
        return self.fields.get(name)

    def text(self, name: str) -> str:
        """Return a text, or the empty text where it is not known; whole numbers are texts too."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise self.fault(name, "wrong_type", "a text")

    def required(self, name: str) -> str:
        """Return a text that must be there."""
        found = self.text(name)
        if not found:
            raise UnusableError("missing_field", f"{self._at(name)}: expected a text, got nothing")
        return found

    def instant(self, name: str) -> int | None:
        """Return epoch milliseconds, or None where it is not known."""
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        try:
            return self.clock.read(value)
        except ValueError as error:
            raise UnusableError("bad_time", f"{self._at(name)}: {error}") from error

    def length_ms(self, name: str, unit_ms: int = 1000) -> int | None:
        """Return a length of time in milliseconds, of a number of units; None if not known."""
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                raise self.fault(name, "wrong_type", "a number") from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fault(name, "wrong_type", "a number")
        if not 0 <= value * unit_ms <= MOST_SECONDS * 1000:
            raise self.fault(name, "bad_value", "a length of time from 0 on")
        return round(value * unit_ms)

    def part(self, name: str) -> Part:
        """Return an object within this one; an empty one where it is not known."""
        value = self.fields.get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self.fault(name, "wrong_type", "an object")
        return self._within(value, name)

    def parts(self, name: str) -> list[Part]:
        """Return the objects of a list; none where it is not known."""
        value = self.fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.fault(name, "wrong_type", "a list of objects")
        return [self._within(item, f"{name}[{i}]") for i, item in enumerate(value)]

    def fault(self, name: str, reason: str, expected: str) -> UnusableError:
        """Return what is wrong with a field."""
        found = repr(self.fields.get(name))[:_SHOWN]
        return UnusableError(reason, f"{self._at(name)}: expected {expected}, got {found}")

    def _within(self, fields: Mapping[str, object], name: str) -> Part:
        if not self.keep_case:
            fields = folded(fields)
        return Part(fields, self.clock, f"{self._at(name)}.", keep_case=self.keep_case)

    def _at(self, name: str) -> str:
        return f"{self.path}{name}"


def folded(fields: Mapping[str, object]) -> dict[str, object]:
    """Return fields by their names in lower case without underscores."""
    return {name.lower().replace("_", ""): value for name, value in fields.items()}


def documents(raw: bytes, page: str = "") -> list[dict[str, object]]:
    """Return the objects of a document: itself, those of a list, or those of a page of them.

    ``page`` names the field whose list makes an object a page (as APIs answer).

    Raises:
        UnusableError: it is not JSON in UTF-8, or has something else than objects.
    """
    if len(raw) > MAX_BYTES:
        raise UnusableError("too_large", f"expected at most {MAX_BYTES} bytes, got {len(raw)}")
    try:
        found = msgspec.json.decode(raw)
    except RecursionError as error:
        raise UnusableError("malformed_json", "expected JSON, got one nested too deep") from error
    except ValueError as error:
        raise UnusableError("malformed_json", f"expected JSON in UTF-8: {error}") from error
    if page and isinstance(found, dict) and isinstance(found.get(page), list):
        found = found[page]
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(item, dict) for item in listed):
        raise UnusableError("not_an_object", "expected an object, or a list of objects")
    return listed


def feed_documents(
    raw: bytes,
    skipped: Counter[str],
    read: Callable[[dict[str, object]], Iterable[Event]],
    *,
    page: str = "",
) -> Iterator[Event | Rejected]:
    """Yield what the objects of a document give; one that cannot be used does not stop the rest.

    Of a list each object is a record of its own: it gives events, is rejected, or is counted.
    """
    if not raw.strip():
        skipped["blank"] += 1
        return
    found, fault = _found(raw, page)
    if not found and fault is None:
        skipped["empty_list"] += 1
    for item in found:
        try:
            events = list(read(item))
        except UnusableError as error:
            own = raw if len(found) == 1 else msgspec.json.encode(item)
            yield Rejected(reason=error.reason, message=str(error), raw=own)
        else:
            yield from events
    if fault is not None:
        yield fault


def _found(raw: bytes, page: str) -> tuple[list[dict[str, object]], Rejected | None]:
    """Return the objects of a document, and what is wrong with the rest of it."""
    try:
        return documents(raw, page), None
    except UnusableError as error:
        found, rest = _run_together(raw, page)
        reason = "cut_off" if found else error.reason
        message = f"expected an object after {len(found)} others: {error}" if found else str(error)
        return found, Rejected(reason=reason, message=message, raw=rest) if rest else None


def _run_together(raw: bytes, page: str) -> tuple[list[dict[str, object]], bytes]:
    """Return the objects that stand one after the other, as Firehose writes them, and the rest."""
    found: list[dict[str, object]] = []
    try:
        text, at = raw.decode(), 0
    except UnicodeDecodeError:
        return found, raw
    while text[at : at + 1] == "{":
        try:
            end = _SCANNER.raw_decode(text, at)[1]
            found += documents(text[at:end].encode(), page)
        except (ValueError, RecursionError):  # UnusableError is a ValueError
            break
        at = end
        while text[at : at + 1].isspace():
            at += 1
    return found, text[at:].encode()
