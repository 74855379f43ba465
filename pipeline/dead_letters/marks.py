"""Which dead letters have been sent again, as ``vane.redriven`` keeps it.

A mark is keyed by the *id* of the dead-letter topic, not its name: in a topic that was made anew
the same offsets are other letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pipeline.dead_letters import log
from pipeline.dead_letters.letter import Place

MARKS: Final = "vane.redriven"


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one dead-letter topic: by mark, where the letter was sent to."""

    topic_id: str
    sent: dict[bytes, str]

    def key(self, place: Place) -> bytes:
        """Return the key of a letter's mark."""
        return f"{self.topic_id}/{place.partition}/{place.offset}".encode()

    def sent_to(self, place: Place) -> str | None:
        """Return topic/partition/offset of what was sent, None if nothing was."""
        return self.sent.get(self.key(place))


def read_marks(reader: Any, topic: str, topic_id: str) -> Marks:  # noqa: ANN401 - untyped client
    """Read all marks of the dead-letter topic with this id; ``topic`` is where marks are kept."""
    marks = Marks(topic_id, {})
    begins = f"{topic_id}/".encode()
    for record in log.read(reader, topic, log.spans(reader, topic), lambda _read, _all: None):
        if (record.key or b"").startswith(begins):
            marks.sent[record.key] = (record.value or b"").decode("utf-8", "backslashreplace")
    return marks
