"""Why a queue did not take a call, in four words whatever the source's own word is.

The source's word stays on the leg (``refused_reason``); counts need few, fixed kinds. SQL has the
same words in ``dbt_like_sql/macros/refusal.sql``; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Refusal(StrEnum):
    """A kind of refusal."""

    FULL = "full"
    CLOSED = "closed"
    EMPTY = "empty"
    OTHER = "other"


WORDS: Final[Mapping[Refusal, tuple[str, ...]]] = MappingProxyType(
    {
        Refusal.FULL: ("full", "queue_full", "saturated"),
        Refusal.CLOSED: ("closed", "queue_closed", "out_of_hours"),
        Refusal.EMPTY: ("empty", "join_empty", "joinempty", "no_agents", "nobody_logged_in"),
    }
)
"""The sources' words for each kind, in lower case; any other word is ``other``."""

_KIND: Final = {word: kind for kind, words in WORDS.items() for word in words}


def refusal_of(reason: str) -> Refusal:
    """Return the kind of a ``refused`` event's reason; case does not matter."""
    return _KIND.get(reason.lower(), Refusal.OTHER)
