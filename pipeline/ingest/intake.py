"""From the bytes of inputs to messages: framing, reading, keying, and a count for every record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from pipeline.codec.adapter import Holding, Origin
from pipeline.codec.private_numbers import hide_numbers_in_text
from pipeline.domain.events import Rejected
from pipeline.errors import InputError
from pipeline.ingest.formats import Format
from pipeline.ingest.framed import Framed
from pipeline.ingest.message import Message, Place, Route, dead_letter
from pipeline.ingest.tally import Tally

MOST_BAD_AT_FIRST: Final = 100
"""So many bad records and not one good: the input is of another kind, so stop before all of it."""
BREAKS_CONTRACT: Final = "breaks_contract"
"""Reason for a record whose event the contract of its topic refuses."""
UNDECIDED: Final = "undecided_at_stop"
"""Anomaly: an event that only the end of the input would decide, when reading was stopped."""


class Intake:
    """All inputs of one run, in one format and on behalf of one origin."""

    def __init__(
        self, form: Format, origin: Origin, tally: Tally, *, topic: Callable[[str], str]
    ) -> None:
        """Begin a run; ``topic`` gives the broker's name of a topic of ours."""
        self.form = form
        self.origin = origin
        self.tally = tally
        self.outlets = {
            kind: (topic(outlet.topic), outlet.key, outlet.encode)
            for kind, outlet in form.outlets.items()
        }
        routes = [Route(topic(o.topic), topic(f"{o.topic}.dlq")) for o in form.outlets.values()]
        self.route = routes[0]
        self.topics = {name for route in routes for name in route}
        self._shared: Reading | None = None
        self._open: list[Reading] = []

    def open(self, name: str, *, is_live: bool = False) -> Stream:
        """Begin an input: a file, or with ``is_live`` one that goes on without us."""
        reading = self._shared
        if reading is None:
            reading = Reading(self, name)
            self._open.append(reading)
        if not self.form.is_fresh_per_file:
            self._shared = reading
        return Stream(self, reading, name, is_live=is_live)

    def wait(self, waited_ms: int) -> Iterator[Message]:
        """Take notice that for so long no input had anything new; give what that decides."""
        for reading in self._open:
            yield from reading.wait(waited_ms)

    def forget(self, reading: Reading) -> None:
        """Wait no longer for an input that is over."""
        self._open.remove(reading)

    def finish(self) -> Iterator[Message]:
        """Give what the end of all inputs decides, and add up the counts."""
        if self._shared is not None:
            yield from self._shared.finish()
            self._shared = None

    def stop(self) -> None:
        """Add up the counts; what only the end of the inputs decides stays undecided."""
        if self._shared is not None:
            self._shared.stop()
            self._shared = None


class Reading:
    """A reader and the counts of what it is fed."""

    def __init__(self, intake: Intake, name: str) -> None:
        """Begin with an adapter that has seen nothing."""
        self._intake = intake
        self._reader = intake.form.reader(intake.origin, name)
        self._skipped_seen = 0
        self._place = Place(name, 0, 0)
        self._newest_ms = 0
        self._waited_ms = 0

    def take(self, records: Iterable[Framed], stream: Stream) -> Iterator[Message]:
        """Give the messages of records; each is counted once.

        A record that holds several (a delivery of many) counts once as taken, and once for each
        in it that is skipped or rejected.
        """
        tally, outlets, feed = self._intake.tally, self._intake.outlets, self._reader.feed
        for framed in records:
            tally.rows += 1
            if framed.skip:
                tally.skipped[framed.skip] += 1
                continue
            if framed.oddity:
                tally.anomalies[framed.oddity] += 1
            if framed.fault is not None:
                row = Rejected(
                    reason=framed.fault.reason, message=framed.fault.message, raw=framed.raw
                )
                yield self._dead(row, framed, stream.name)
                stream.note_bad(row, framed.line)
                continue
            given = rejected = 0
            for found in feed(framed.raw):
                outlet = outlets.get(type(found))
                message = None if outlet is None else _message(outlet, found)
                if isinstance(message, Message):
                    given += 1
                    yield message
                else:
                    rejected += 1
                    row = _why_not(found, framed.raw, message)
                    yield self._dead(row, framed, stream.name)
                    stream.note_bad(row, framed.line)
            if given and not rejected:
                tally.taken += 1
                stream.has_good = True
            else:
                self._count(framed, stream, given=given, rejected=rejected)

    def wait(self, waited_ms: int) -> Iterator[Message]:
        """Give what is decided by the source's time, which passes though nothing is read.

        Where that time stands is known from the newest record; since then it was only waited.
        """
        reader = self._reader
        if not isinstance(reader, Holding) or not reader.newest_ms:
            return
        if reader.newest_ms != self._newest_ms:
            self._newest_ms, self._waited_ms = reader.newest_ms, 0
        self._waited_ms += waited_ms
        yield from self._without_record(reader.due(self._newest_ms + self._waited_ms))

    def finish(self) -> Iterator[Message]:
        """Give what the end of the input decides, and add the reader's counts to the tally."""
        self._settle()
        yield from self._without_record(self._reader.finish())
        self._add_up()

    def _without_record(self, told: Iterable[Any]) -> Iterator[Message]:
        name, line, offset = self._place
        at_end = Framed(b"", line, offset)
        for found in told:
            outlet = self._intake.outlets.get(type(found))
            message = None if outlet is None else _message(outlet, found)
            if isinstance(message, Message):
                yield message
            else:
                self._intake.tally.taken -= 1  # it was counted as taken when it came
                row = _why_not(found, b"", message)
                yield self._dead(row, at_end, name)

    def stop(self) -> None:
        """Add the reader's counts to the tally; what it would say at the end is not so."""
        self._settle()
        undecided = sum(1 for found in self._reader.finish() if not isinstance(found, Rejected))
        if undecided:
            self._intake.tally.anomalies[UNDECIDED] += undecided
        self._add_up()

    def _settle(self) -> None:
        """Count what was skipped along with records that gave events all the same."""
        self._intake.tally.rows += self._newly_skipped()

    def _add_up(self) -> None:
        self._intake.forget(self)
        tally = self._intake.tally
        tally.taken -= self._newly_skipped()
        tally.skipped.update(self._reader.skipped)
        tally.anomalies.update(self._reader.anomalies)

    def _count(self, framed: Framed, stream: Stream, *, given: int, rejected: int) -> None:
        tally = self._intake.tally
        skipped = self._newly_skipped()
        is_taken = given > 0 or not (rejected or skipped)
        tally.taken += is_taken
        tally.rows += rejected + skipped + is_taken - 1
        self._place = Place(stream.name, framed.line, framed.offset)
        stream.has_good = stream.has_good or is_taken

    def _newly_skipped(self) -> int:
        seen, self._skipped_seen = self._skipped_seen, self._reader.skipped.total()
        return self._skipped_seen - seen

    def _dead(self, row: Rejected, framed: Framed, name: str) -> Message:
        key = self._intake.origin.customer_key
        place = Place(name, framed.line, framed.offset)
        self._intake.tally.reject(row.reason, place, hide_numbers_in_text(row.message, key))
        return dead_letter(self._intake.route, row, place, key=key, size=framed.size)


class Stream:
    """One input: its bytes in, messages out."""

    def __init__(self, intake: Intake, reading: Reading, name: str, *, is_live: bool) -> None:
        """Begin the input."""
        self.name = name
        self.has_good = is_live
        self._form = intake.form
        self._key = intake.origin.customer_key
        self._reading = reading
        self._framer = intake.form.framing()
        self._bad = 0

    @property
    def waiting(self) -> int:
        """Bytes of a record that is not complete yet."""
        return self._framer.waiting

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take the next bytes; raises InputError where they are of another kind altogether."""
        return self._reading.take(self._framer.feed(data), self)

    def take(self, records: Iterable[Framed]) -> Iterator[Message]:
        """Take records that were framed elsewhere: by a session."""
        return self._reading.take(records, self)

    def end(self) -> Iterator[Message]:
        """Say that the input ended; give what its last bytes were."""
        return self._reading.take(self._framer.end(), self)

    def finish(self) -> Iterator[Message]:
        """Give what the end of the input decides, if its reader is its own."""
        if self._form.is_fresh_per_file:
            yield from self._reading.finish()

    def stop(self) -> None:
        """Say that nobody reads on; what is decided only at the end stays undecided."""
        if self._form.is_fresh_per_file:
            self._reading.stop()

    def note_bad(self, row: Rejected, line: int) -> None:
        """Take notice of a bad record; give up after too many before the first good one."""
        self._bad += 1
        if not self.has_good and self._bad == MOST_BAD_AT_FIRST:
            message = hide_numbers_in_text(row.message, self._key)
            msg = (
                f"{self.name}:{line}: expected {self._form.holds} "
                f"(--format {self._form.name}), found "
                f"{self._bad} records and not one good; the last: {row.reason}: {message}"
            )
            raise InputError(msg)


def _message(outlet: tuple[str, Any, Any], found: object) -> Message | str:
    """Return the message of an event, or what the contract of its topic has against it."""
    topic, key, encode = outlet
    try:
        return Message(topic, key(found), encode(found))
    except ValueError as error:
        return str(error)


def _why_not(found: object, raw: bytes, problem: Message | str | None) -> Rejected:
    """Return the rejection of what no topic takes."""
    if isinstance(found, Rejected):
        return found
    return Rejected(reason=BREAKS_CONTRACT, message=f"{problem or 'no topic'}: {found!r}", raw=raw)
