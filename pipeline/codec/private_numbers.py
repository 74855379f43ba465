"""Hides telephone numbers in bytes that are kept for people: the dead letters of an ingest.

A number is seven digits or more with at most a few signs between two of them that people and
protocols write there: ``+49 (30) 123-4567``, ``sip:+49301234567@host``, ``%2B4930...``. Each is
replaced by ``ref_`` and its ``customer_ref``, the keyed hash that stands for the same number in
events, so that a bad record can still be told to be of the same caller.

What is hidden is decided by shape, not by the field it is in, because the record is one that
could not be read. In doubt it is hidden: an IP address, a long counter, a bare 10-digit number.
Kept are shapes that are no number of a person: dates and times, UUIDs, ARNs, SIDs, 32-digit event
ids, and an epoch or an Asterisk unique id where the record says that it is one (at the beginning
of a ``queue_log`` line, or behind a key such as ``Timestamp`` or ``Uniqueid``).
``docs/ingest.md`` has the rule for people.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from pipeline.domain.events import customer_ref

FEWEST_DIGITS: Final = 7
WITHHELD: Final = "ref_none"
"""Stands for digits that are all nought, which are nobody's number."""

_DIGIT: Final = r"(?:\d|%3\d|\\u003\d)"
_SIGN: Final = (
    r"(?:%2[089bdefBDEF]|%[cC]2%[aA]0|%[eE]2%80%[89aA][0-9a-fA-F]"
    r"|\\u00(?:2[089bdefBDEF]|[aA][0dD])|\\u20[01][0-9a-fA-F]|\\u202[fF]|\\u2212|\\/|\\t"
    r"|[ +().\-/%_*#~\x00\u00a0\u00ad\u2000-\u2015\u202f\u2060\u2212\u3000\uff0b\uff0d"
    r"\udc96\udc97\udca0\udcad])"
)
_NUMBER: Final = rf"{_DIGIT}(?:{_SIGN}{{0,4}}{_DIGIT}){{{FEWEST_DIGITS - 1},}}"

_DATE: Final = r"(?<![\d+])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_COLON: Final = r"(?::|%3[aA])"
_FRACTION: Final = rf"(?:(?:\.\d{{1,6}}|,\d{{3}})(?!{_SIGN}{{0,4}}\d))?"
"""Shorter than a number, and with no digits behind: in CSV a comma separates."""
_CLOCK: Final = rf"[012]\d{_COLON}[0-5]\d(?:{_COLON}[0-6]\d{_FRACTION})?(?!\d)"
_OFFSET: Final = rf"(?:Z|(?:[+-]|%2[bBdD])[01]\d{_COLON}?[0-5]\d(?!{_SIGN}{{0,4}}\d))?"
_EPOCH: Final = r"1(?:\d{9}(?:\.\d{1,9})?|\d{12}|\d{15})"
_NO_LONG_RUN: Final = rf"(?!\w*\d(?:_{{0,4}}\d){{{FEWEST_DIGITS - 1}}})"
_HOST: Final = rf"(?:(?=\w*[A-Za-z]){_NO_LONG_RUN}\w{{1,63}}-){{0,5}}"
_UNIQUE_ID: Final = rf"{_HOST}1\d{{8,9}}\.\d{{1,7}}"
_HEX: Final = "[0-9a-fA-F]"
_WORD_BEGINS: Final = "(?<![0-9A-Za-z])"

_UUID: Final = (
    rf"{_WORD_BEGINS}(?=[0-9-]{{0,35}}[a-fA-F]){_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
    r"(?![0-9A-Za-z-])"
)

_KEPT: Final = (
    r"ref_[0-9a-f]{24}",
    rf"{_DATE}(?:(?:[T ]|%20){_CLOCK}{_OFFSET}|(?!{_SIGN}{{0,4}}\d))",
    _UUID,
    rf"{_WORD_BEGINS}[A-Z]{{2}}(?=[0-9]{{0,31}}[a-f])[0-9a-f]{{32}}(?![0-9A-Za-z])",
    r"(?<=\"event_id\":\")(?=[0-9]{0,31}[a-f])[0-9a-f]{32}(?=\")",
    r"arn:aws[a-z-]{0,20}:[a-z0-9-]{1,40}:[a-z0-9-]{0,40}:\d{12}(?=[:/])",
)
_TIME_KEY: Final = (
    r"(?:(?i:(?:[\w-]*[_-])?(?:time|timestamp|date|epoch|received|at|ms|ts))"
    r"|[\w-]*(?:Time|Timestamp|Date))"
)
_ID_KEY: Final = r"(?i:[\w-]*(?:uniqueid|linkedid))"
_BETWEEN: Final = r"\"?[ \t]*[:=][ \t]*\"?"
_END: Final = rf"(?![\w%]|{_SIGN}{{1,4}}\d)"
_IN_CONTEXT: Final = (
    rf"(?<![\w-]){_TIME_KEY}{_BETWEEN}{_EPOCH}{_END}",
    rf"(?<![\w-]){_ID_KEY}{_BETWEEN}{_UNIQUE_ID}{_END}",
    rf"\A{_EPOCH}\|(?:{_UNIQUE_ID}(?=\|))?",
)
_ANY: Final = re.compile(
    "|".join(f"(?:{kept})" for kept in (*_KEPT, *_IN_CONTEXT)) + rf"|(?P<number>%?{_NUMBER})"
)
_DIGITS: Final = re.compile(r"\d")
_ESCAPED_SPACE: Final = re.compile(r"%20")
_JSON_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_AT_END: Final = re.compile(rf"(?:{_DIGIT}|{_SIGN})+\Z")


def hide_numbers(raw: bytes, key: bytes) -> bytes:
    """Return the bytes with each telephone number replaced; other bytes are as they were.

    Bytes that are not UTF-8 are kept, and end a number.
    """
    return _hide(raw.decode("utf-8", "surrogateescape"), key).encode("utf-8", "surrogateescape")


def hide_numbers_in_text(text: str, key: bytes) -> str:
    """Return a message for people with each telephone number in it replaced."""
    return _hide(text, key)


def without_cut_number(raw: bytes) -> bytes:
    """Return bytes that were cut off somewhere without the digits that they may break off in."""
    text = raw.decode("utf-8", "surrogateescape")
    return _AT_END.sub("", text).encode("utf-8", "surrogateescape")


def _hide(text: str, key: bytes) -> str:
    if len(_DIGITS.findall(text)) < FEWEST_DIGITS:
        return text

    def replacement(found: re.Match[str]) -> str:
        number = found["number"]
        if number is None or not any(c.isdigit() for c in _ESCAPED_SPACE.sub("", number)):
            return found[0]  # of a shape that is kept, or white space many times escaped
        plain = unquote(_JSON_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), number))
        reference = customer_ref(key, plain) or customer_ref(key, number)
        return WITHHELD if reference is None else f"ref_{reference}"

    return _ANY.sub(replacement, text)
