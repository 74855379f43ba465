"""The small changes that mutation testing makes to a model: one condition, edge or join each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from tests.mutants import Mutant, difference
from tests.sql_mutation.changes import edits
from tests.sql_mutation.phrases import Edit
from tests.sql_mutation.tokens import Kind, fragments, tokens

_NAMED: Final = re.compile(
    r"^(?:with )?(\w+) as \($|\{%-? macro (?:duckdb__)?(\w+)\(", re.MULTILINE
)


def mutants(name: str, text: str) -> Iterator[Mutant]:
    """Yield every mutant of the text of a model or of a file of macros."""
    seen = {text}
    named: Counter[tuple[str, str, str]] = Counter()
    for start, end, instead in sorted(_all_edits(text)):
        changed = text[:start] + instead + text[end:]
        if changed in seen:
            continue
        seen.add(changed)
        before, after = difference(text, changed)
        part = _part_at(text, start)
        named[part, before, after] += 1
        line = text.count("\n", 0, start) + 1
        yield Mutant(name, part, line, changed, before, after, named[part, before, after])


def _all_edits(text: str) -> Iterator[Edit]:
    listed = tokens(text)
    yield from edits(listed, text)
    for token in listed:
        if token.kind in {Kind.EXPRESSION, Kind.STATEMENT}:
            for fragment in fragments(token):
                yield from edits(fragment, text)


def _part_at(text: str, at: int) -> str:
    """Return the name of the innermost common table expression or macro, or ``model``."""
    found: Sequence[re.Match[str]] = [m for m in _NAMED.finditer(text) if m.start() <= at]
    return (found[-1].group(1) or found[-1].group(2)) if found else "model"
