"""Files of facts for Kafka: keyed, counted, and what is none among the dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.codec.adapter import Origin
from pipeline.codec.fact_record import decode_fact
from pipeline.domain.events import Rejected
from pipeline.domain.fact import FactKind
from pipeline.ingest.formats import FORMATS
from pipeline.ingest.intake import Intake
from pipeline.ingest.message import Message
from pipeline.ingest.tally import Tally
from tests.unit.ingest.test_command import run

PEOPLE = """\
agent,team,valid_from,name
ann,"red

one",2025-11-01T00:00Z,Ann
bob,red,someday,Bob

cid,red,2025-11-01T00:00Z,"Cid
"""
ORIGIN = Origin(client="acme", source="hr", customer_key=b"k", site="north", issued_at_ms=1)


def read(text: str, tally: Tally) -> Iterator[Message]:
    """Give the messages of one file of people."""
    intake = Intake(FORMATS["people"], ORIGIN, tally, topic=str)
    stream = intake.open("people.csv")
    yield from stream.feed(text.encode())
    yield from stream.end()
    yield from stream.finish()
    yield from intake.finish()


def test_every_line_is_a_fact_a_dead_letter_or_skipped_for_a_reason() -> None:
    tally = Tally()
    fact, *letters = read(PEOPLE, tally)
    assert (fact.topic, fact.key) == ("ref.people", b"acme/north")
    assert not isinstance(decode_fact(FactKind.PEOPLE, fact.value), Rejected)
    assert [dict(letter.headers)["dlq.reason"] for letter in letters] == [
        b"bad_value",
        b"malformed_csv",
    ]
    assert [dict(letter.headers)["dlq.line"] for letter in letters] == [b"5", b"7"]
    assert {letter.topic for letter in letters} == {"ref.people.dlq"}
    assert tally.rows == 7
    assert tally.skipped == {"header": 1, "continued_line": 2, "blank": 1}
    assert tally.anomalies == {"unknown_column:name": 1}
    assert tally.adds_up


def test_a_line_of_several_objects_counts_its_bad_ones() -> None:
    row = '{"agent":"a","team":"t","valid_from_ms":1}'
    tally = Tally()
    assert len(list(read(f'[{row},{row},{{"agent":"b"}}]\n', tally))) == 3
    assert tally.rejected == {"missing_field": 1}
    assert tally.adds_up


def test_each_fact_has_a_format_of_its_name() -> None:
    assert set(map(str, FactKind)) <= set(FORMATS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--timezone", "Europe/Berlin", "--as-of", "2025-11-01"), "taken"),
        (("--timezone", "Berlin"), "expected an IANA time zone such as Europe/Berlin, got"),
        (("--as-of", "2025-11-01"), "expected a time with an offset"),
        ((), "rejected: no_as_of"),
    ],
)
def test_the_command_says_when_a_file_was_issued_and_by_which_clock(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("agent,team,valid_from\nann,red,2025-11-01T00:00Z\n")
    result = run("--format", "people", "--client", "acme", "--dry-run", *arguments, file)
    assert says in " ".join(result.output.replace("│", " ").split()), result.output


def test_only_facts_have_an_instant_of_issue(tmp_path: Path) -> None:
    (file := tmp_path / "calls.csv").touch()
    result = run("--format", "csv-calls", "--client", "acme", "--as-of", "2025-11-01", file)
    assert result.exit_code == 2
    assert "--as-of" in result.output
