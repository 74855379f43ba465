"""What people write to say which dead letters they mean: topics, places and times."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from pipeline.broker.topics import load_topics
from pipeline.dead_letters.selection import LATE
from pipeline.errors import InputError
from pipeline.settings import Settings

_ALSO: Final = ("acd.quarantine", LATE)
_PLACE: Final = re.compile(r"([0-9]{1,9}):([0-9]{1,18})", re.ASCII)
_AGO: Final = re.compile(r"([0-9]{1,6})([mhd])", re.ASCII)
_UNIT_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def topic_of(settings: Settings, name: str) -> str:
    """Return the name if it is one of our topics that holds what was not taken."""
    known = [topic.name for topic in load_topics(settings.schemas_dir / "topics")]
    found = [topic for topic in known if topic.endswith(".dlq") or topic in _ALSO]
    if name not in found:
        msg = f"--topic: expected one of {', '.join(found)}, got {name!r}"
        raise InputError(msg)
    return name


def places_of(written: Iterable[str]) -> list[tuple[int, int]]:
    """Return partition and offset of each ``PARTITION:OFFSET``."""
    places = []
    for text in written:
        found = _PLACE.fullmatch(text)
        if found is None:
            msg = f"expected PARTITION:OFFSET such as 2:17, got {text!r}"
            raise InputError(msg)
        places.append((int(found[1]), int(found[2])))
    return places


def since_ms_of(text: str | None, now_ms: int) -> int | None:
    """Return the instant in epoch milliseconds that a length of time or an ISO time means."""
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return max(0, now_ms - int(ago[1]) * _UNIT_MS[ago[2]])
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"--since: expected 90m, 24h, 7d, 2025-11-11 or 2025-11-11T08:00, got {text!r}"
        raise InputError(msg) from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
