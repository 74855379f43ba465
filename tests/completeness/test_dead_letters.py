"""Every reason and every hold has its words, in the command and in the runbook."""

from __future__ import annotations

import re

from pipeline.dead_letters.advice import ADVICE, OF_A_READER, OF_NOBODY, advice_on
from pipeline.dead_letters.verdict import Hold
from tests.completeness.registry import ROOT, topics

RUNBOOK = (ROOT / "docs" / "dead-letters.md").read_text(encoding="utf-8")
ROW = re.compile(r"(?m)^\| `([a-z_]+)` \|")


def reasons_of(topic: str) -> set[str]:
    """Return the reason codes that a topic's file lists."""
    (said,) = (
        h["description"]
        for h in topics()[topic]["headers"]
        if h["name"] == "__connect.errors.exception.class.name"
    )
    return set(re.findall(r"\b[a-z]+_[a-z_]+\b", said))


def rows_below(text: str, heading: str) -> set[str]:
    """Return the codes that begin the rows of the table below a heading."""
    return set(
        ROW.findall(text[text.index(heading) :].split("\n\n|", 1)[1].split("\n\n", maxsplit=1)[0])
    )


def rows(heading: str) -> set[str]:
    return rows_below(RUNBOOK, heading)


def test_every_reason_of_the_worker_has_advice() -> None:
    listed = reasons_of("acd.events.dlq") | reasons_of("acd.late") | reasons_of("acd.quarantine")
    assert len(listed) > 10
    assert set(ADVICE) == listed


def test_the_runbook_has_a_row_for_every_reason_and_every_hold() -> None:
    assert ROW.findall("| `bad_key` | x |\n| topic |") == ["bad_key"]
    assert rows("## What each reason means") == set(ADVICE)
    assert rows("**Held.**") == {hold.value for hold in Hold}


def test_other_reasons_are_a_readers_or_nobodys() -> None:
    assert advice_on("bad_value", "decode") is ADVICE["bad_value"]
    assert advice_on("bad_value", "ingest") is OF_A_READER
    assert advice_on("strange", "decode") is OF_NOBODY
