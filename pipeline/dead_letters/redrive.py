"""Sends dead letters back to the topic they came from, each once.

A letter's mark is written after the letter was acknowledged. Killed in between, the next run
sends it again, and the worker counts that as a duplicate: what it knows of a leg is merged, not
added up. One Kafka transaction around both would close the gap and open a worse one: its marker
takes an offset of the input, of which every one must be a record.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from pipeline.codec.provenance import REDRIVE_ATTEMPT, REDRIVE_FROM
from pipeline.dead_letters import log
from pipeline.dead_letters.letter import Letter, Place
from pipeline.dead_letters.marks import MARKS, Marks
from pipeline.dead_letters.selection import Selection, letters, marks_of
from pipeline.dead_letters.verdict import Held, Hold, Rekey, Sending, Terms, judge_letter
from pipeline.settings import Settings

INPUT: Final = "acd.events"
MOST_EXAMPLES: Final = 2
"""Letters shown that were held, of each why and reason."""

_REQUEST_BYTES: Final = 32 << 20
_TOGETHER: Final = 500
_TOGETHER_BYTES: Final = 8 << 20
"""So much is sent before its marks are written."""

Due = tuple[Letter, Sending]


@dataclass(slots=True)
class Redriven:
    """What became of every letter that was meant: sent (by reason) or held (by why)."""

    sent: Counter[str] = field(default_factory=Counter)
    held: Counter[Hold] = field(default_factory=Counter)
    examples: dict[tuple[Hold, str], list[tuple[Letter, str]]] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Return how many letters were meant."""
        return self.sent.total() + self.held.total()

    def hold(self, letter: Letter, held: Held) -> None:
        """Count a letter that is not sent; remember the first of a kind, to show."""
        self.held[held.why] += 1
        shown = self.examples.setdefault((held.why, letter.reason), [])
        if len(shown) < MOST_EXAMPLES:
            shown.append((letter, held.message))


def redrive(
    settings: Settings,
    selection: Selection,
    *,
    rekey: Rekey | None = None,
    force: bool = False,
    dry_run: bool = False,
    report: log.Report,
) -> Redriven:
    """Send the letters that are meant and can be taken; with ``dry_run`` only say which.

    Raises:
        BrokerUnavailable: no broker answers, or it stopped answering; running again is safe.
        AccessDenied: it does not let us in, or not read or write there.
        InputError: a topic does not exist, or holds no letter at one of the places.
    """
    done = Redriven()
    with log.consumer(settings.bootstrap, settings.security) as reader:
        marks = marks_of(reader, settings, selection)
        terms = Terms(
            input_topic=settings.topic(INPUT),
            dead_letter_topic=selection.topic,
            partitions=len(log.spans(reader, settings.topic(INPUT))),
            now_ms=int(time.time() * 1000),
            rekey=rekey,
            force=force,
        )
        meant = letters(reader, settings, selection, report)
        due = _due(meant, terms, marks, done)
        if dry_run:
            done.sent.update(letter.reason for letter, _ in due)
        else:
            with _sender(settings, marks) as send:
                for batch in _batches(due):
                    send(batch, done)
    return done


def _due(meant: Iterable[Letter], terms: Terms, marks: Marks, done: Redriven) -> Iterator[Due]:
    for letter in meant:
        sent_to = marks.sent_to(letter.place)
        if sent_to is not None:
            done.hold(letter, Held(Hold.REDRIVEN, f"sent before, to {sent_to}"))
            continue
        verdict = judge_letter(letter, terms)
        if isinstance(verdict, Held):
            done.hold(letter, verdict)
        else:
            yield letter, verdict


def _batches(due: Iterable[Due]) -> Iterator[list[Due]]:
    batch: list[Due] = []
    size = 0
    for letter, sending in due:
        batch.append((letter, sending))
        size += len(letter.value)
        if len(batch) >= _TOGETHER or size >= _TOGETHER_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


Send = Callable[[list[Due], Redriven], None]


@contextmanager
def _sender(settings: Settings, marks: Marks) -> Iterator[Send]:
    """Yield a function that sends letters, waits for each, and marks those that are there."""
    producer = KafkaProducer(
        bootstrap_servers=settings.bootstrap,
        client_id="vane-dlq",
        acks="all",
        enable_idempotence=True,
        max_request_size=_REQUEST_BYTES,
        **settings.security.client_arguments(),
    )

    def send(batch: list[Due], done: Redriven) -> None:
        topic = settings.topic(INPUT)
        on_their_way = [(due[0], _send(producer, topic, *due)) for due in batch]
        producer.flush()
        sent, failed = [], None
        for letter, future in on_their_way:
            try:
                sent.append((letter, future.get()))
            except MessageSizeTooLargeError as error:
                done.hold(letter, Held(Hold.TOO_LARGE, str(error)))
            except KafkaError as error:
                failed = error
        _mark(producer, settings.topic(MARKS), marks, sent)
        done.sent.update(letter.reason for letter, _ in sent)
        if failed is not None:
            raise failed

    try:
        yield send
    finally:
        producer.close()


def _send(producer: Any, topic: str, letter: Letter, sending: Sending) -> Any:  # noqa: ANN401
    headers = [
        (REDRIVE_FROM, str(letter.place).encode()),
        (REDRIVE_ATTEMPT, str(letter.attempt + 1).encode()),
    ]
    return producer.send(
        topic, letter.value, key=sending.key, partition=sending.partition, headers=headers
    )


def _mark(producer: Any, topic: str, marks: Marks, sent: list[tuple[Letter, Any]]) -> None:  # noqa: ANN401
    written = []
    for letter, metadata in sent:
        key = marks.key(letter.place)
        value = str(Place(metadata.topic, metadata.partition, metadata.offset))
        marks.sent[key] = value
        written.append(producer.send(topic, value.encode(), key=key))
    producer.flush()
    for future in written:
        future.get()
