"""Parts of conditions, changed into what always holds or never does."""

from __future__ import annotations

from collections.abc import Iterator

from tests.sql_mutation.phrases import CLAUSES, Edit, Text
from tests.sql_mutation.tokens import Kind


def conditions(text: Text) -> Iterator[Edit]:
    """Yield each part of a condition as if it always held: of an ``or``, as if it never did."""
    joined: dict[tuple[int, int], set[str]] = {}
    is_window = False
    for number, token in enumerate(text.listed):
        if token.kind is not Kind.WORD:
            continue
        if token.text == "between":
            is_window = True
        elif token.text == "and" and is_window:
            is_window = False
        elif token.text in {"and", "or"}:
            before = (text.first_of_operand(number - 1), number - 1)
            after = (number + 1, text.last_of_operand(number + 1))
            for first, last in (before, after):
                if first <= last:
                    joined.setdefault((first, last), set()).add(token.text)
        elif token.text in CLAUSES:
            yield from _alone(text, number)
    for (first, last), by in joined.items():
        yield text.instead(first, last, "true" if "and" in by else "false")


def _alone(text: Text, number: int) -> Iterator[Edit]:
    """Yield a clause of one condition as if that always held, a branch also as if it never did."""
    first = number + 1
    last = text.last_of_operand(first)
    if last < first or text.at(last + 1).text in {"and", "or"}:
        return
    if text.said(number, "when"):
        if text.at(first).kind is Kind.STRING:  # a value of a simple case
            return
        yield text.instead(first, last, "false")
    yield text.instead(first, last, "true")
