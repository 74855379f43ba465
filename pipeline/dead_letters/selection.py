"""Which dead letters are meant: of one topic, by reason, age or place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.dead_letters import log
from pipeline.dead_letters.letter import Letter, read_letter
from pipeline.dead_letters.marks import MARKS, Marks, read_marks
from pipeline.errors import InputError
from pipeline.settings import Settings

DEFAULT_TOPIC: Final = "acd.events.dlq"
LATE: Final = "acd.late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Letters of ``topic`` (our name) that have one of the reasons, or any if there are none.

    ``since_ms`` is when they were put there at the earliest, epoch milliseconds; ``only`` names
    them by partition and offset.
    """

    topic: str = DEFAULT_TOPIC
    reasons: frozenset[str] = frozenset()
    since_ms: int | None = None
    only: Sequence[tuple[int, int]] = ()


def marks_of(reader: Any, settings: Settings, selection: Selection) -> Marks:  # noqa: ANN401
    """Return which letters of the selection's topic have been sent again."""
    found = log.topic_id(settings.bootstrap, settings.topic(selection.topic), settings.security)
    return read_marks(reader, settings.topic(MARKS), found)


def letters(
    reader: Any,  # noqa: ANN401 - kafka-python has no types
    settings: Settings,
    selection: Selection,
    report: log.Report,
) -> Iterator[Letter]:
    """Yield the letters that are meant, each partition in order, as far as the topic goes now.

    Raises:
        InputError: the topic does not exist, or holds none at one of the places.
    """
    topic = settings.topic(selection.topic)
    spans = log.spans(reader, topic, selection.since_ms)
    named = set(selection.only)
    if named:
        spans = _around(named, topic, spans)
    for record in log.read(reader, topic, spans, report):
        letter = read_letter(record)
        if named and letter.place[1:] not in named:
            continue
        if not selection.reasons or letter.reason in selection.reasons:
            yield letter


def _around(named: set[tuple[int, int]], topic: str, held: log.Spans) -> log.Spans:
    """Return the least spans with all that is named."""
    offsets: dict[int, list[int]] = defaultdict(list)
    for partition, offset in named:
        if partition not in held:
            msg = f"expected a partition of {topic} out of {sorted(held)}, got {partition}"
            raise InputError(msg)
        span = held[partition]
        if offset not in span:
            there = f"from {span.start} to {span.stop - 1}" if span else "none (it holds nothing)"
            msg = f"expected an offset of {topic} partition {partition}: {there}, got {offset}"
            raise InputError(msg)
        offsets[partition].append(offset)
    return {p: range(min(found), max(found) + 1) for p, found in offsets.items()}
