"""Files of facts for Kafka: keyed, counted, and what is none among the dead letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.codec.adapter import Origin
from pipeline.codec.fact_record import decode_fact
from pipeline.codec.facts import FactAdapter
from pipeline.commands.ingest import Format
from pipeline.domain.events import Rejected
from pipeline.domain.fact import FactKind
from pipeline.ingest.facts import read_facts
from pipeline.ingest.message import Route
from pipeline.ingest.tally import Tally
from tests.unit.ingest.test_command import run

ROUTE = Route("ref.people", "ref.people.dlq")
PEOPLE = """\
agent,team,valid_from,name
ann,"red

one",2025-11-01T00:00Z,Ann
bob,red,someday,Bob

cid,red,2025-11-01T00:00Z,"Cid
"""


def test_every_line_is_a_fact_a_dead_letter_or_skipped_for_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    tally = Tally()
    sizes: list[int] = []
    origin = Origin(client="acme", source="hr", customer_key=b"", site="north")
    adapter = FactAdapter(FactKind.PEOPLE, origin, as_of_ms=1)
    fact, *letters = read_facts(file, adapter, ROUTE, tally, sizes.append)
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
    assert sum(sizes) == file.stat().st_size


def test_a_line_of_several_objects_counts_them(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    row = '{"agent":"a","team":"t","valid_from_ms":1}'
    file.write_text(f'[{row},{row},{{"agent":"b"}}]\n')
    tally = Tally()
    adapter = FactAdapter(
        FactKind.PEOPLE, Origin(client="acme", source="hr", customer_key=b""), as_of_ms=1
    )
    assert len(list(read_facts(file, adapter, ROUTE, tally, lambda _size: None))) == 3
    assert (tally.rows, tally.taken, tally.rejected) == (3, 2, {"missing_field": 1})
    assert tally.adds_up


def test_each_fact_has_a_format_of_its_name() -> None:
    assert set(map(str, FactKind)) <= set(map(str, Format))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--timezone", "Europe/Berlin", "--as-of", "2025-11-01"), "taken                      │"),
        (("--timezone", "Berlin"), "expected a zone such as Europe/Berlin, got 'Berlin'"),
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
    assert says.split("  ", maxsplit=1)[0] in result.output, result.output
