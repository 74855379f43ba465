"""Where an operand, or an item of a list, begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.sql_mutation.tokens import Kind, Token, pairs

Edit = tuple[int, int, str]
"""From, to (exclusive), and what stands there instead."""

CLAUSES: Final = frozenset({"where", "on", "having", "when", "qualify"})
_BEFORE: Final = CLAUSES | {
    *("and", "or", "then", "else", "select", "distinct", "by", "as", "from", ",", "(", "["),
}
_AFTER: Final = frozenset(
    {
        *("and", "or", "then", "else", "end", "as", "when", "where", "having", "qualify"),
        *("group", "order", "window", "inner", "left", "full", "cross", "semi", "join", "union"),
        *("limit", "from", "rows", ",", ")", "]"),
    }
)
KEYWORDS: Final = _BEFORE | _AFTER | {"in", "is", "not", "between", "over", "filter", "="}


class Text:
    """Tokens by number; beyond either end there is an empty one."""

    def __init__(self, listed: Sequence[Token], raw: str) -> None:
        self.listed = listed
        self.raw = raw
        self.pairs = pairs(listed)
        self.nothing = Token(Kind.SIGN, "", 0)

    def at(self, number: int) -> Token:
        return self.listed[number] if 0 <= number < len(self.listed) else self.nothing

    def said(self, number: int, *words: str) -> bool:
        return all(self.at(number + i).text == word for i, word in enumerate(words))

    def instead(self, first: int, last: int, text: str) -> Edit:
        """Return an edit of the tokens from one to another, both included."""
        return self.listed[first].start, self.listed[last].end, text

    def without(self, first: int, last: int) -> Edit:
        """Return an edit that leaves tokens out, and the space after them."""
        end = self.at(last + 1).start or self.listed[last].end
        return self.listed[first].start, end, ""

    def is_stop(self, number: int, stops: frozenset[str]) -> bool:
        token = self.at(number)
        return token.kind is Kind.STATEMENT or token.text in stops | {""}

    def last_of_operand(self, first: int) -> int:
        """Return the last token of what begins with one and goes on to the next stop."""
        number = first
        while not self.is_stop(number, _AFTER):
            opened = self.pairs.get(number, number)
            number = max(opened, number) + 1
        return number - 1

    def first_of_operand(self, last: int) -> int:
        """Return the first token of what ends with one and began after the stop before."""
        number = last
        while not self.is_stop(number, _BEFORE):
            opened = self.pairs.get(number, number)
            number = min(opened, number) - 1
        return number + 1

    def items(self, first: int, stops: frozenset[str]) -> list[tuple[int, int]]:
        """Return first and last token of each item of a list with commas, up to a stop."""
        found = []
        number = begun = first
        while not self.is_stop(number, stops):
            if self.said(number, ","):
                found.append((begun, number - 1))
                begun = number + 1
            number = max(self.pairs.get(number, number), number) + 1
        return [*found, (begun, number - 1)] if number > begun else found
