"""What is changed, and into what: tokens in, edits of the text out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.sql_mutation.conditions import conditions
from tests.sql_mutation.phrases import KEYWORDS, Edit, Text
from tests.sql_mutation.tokens import Kind, Token

_EDGES: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "<>": "="}
_ARITHMETIC: Final = {"+": "-", "-": "+", "*": "+", "%": "+"}
_FUNCTIONS: Final = {
    "min": "max",
    "max": "min",
    "sum": "max",
    "greatest": "least",
    "least": "greatest",
    "lag": "lead",
    "lead": "lag",
    "first_value": "last_value",
    "last_value": "first_value",
    "bool_or": "bool_and",
    "bool_and": "bool_or",
    "max_by": "min_by",
    "min_by": "max_by",
}
_JOINS: Final = {"left": "inner", "inner": "left", "semi": "anti"}


def edits(listed: Sequence[Token], raw: str) -> Iterator[Edit]:
    """Yield every edit of a list of tokens of a raw text."""
    text = Text(listed, raw)
    for number in range(len(listed)):
        yield from _signs(text, number)
        yield from _words(text, number)
        yield from _literals(text, number)
        yield from _lists(text, number)
    yield from conditions(text)


def _signs(text: Text, number: int) -> Iterator[Edit]:
    token = text.at(number)
    if token.kind is Kind.EXPRESSION and "div()" in token.text:
        yield text.instead(number, number, "*")
    if token.kind is not Kind.SIGN:
        return
    if token.text in _EDGES:
        yield text.instead(number, number, _EDGES[token.text])
    near = (text.at(number - 1), text.at(number + 1))
    if token.text == "=" and any(t.kind in {Kind.STRING, Kind.NUMBER} for t in near):
        yield text.instead(number, number, "<>")
    if token.text in _ARITHMETIC and _is_value(near[0]) and _is_value(near[1], "("):
        yield text.instead(number, number, _ARITHMETIC[token.text])


def _is_value(token: Token, bracket: str = ")") -> bool:
    if token.kind in {Kind.NUMBER, Kind.EXPRESSION}:
        return True
    if token.kind is Kind.WORD:
        return token.text not in KEYWORDS or token.text in {"end", "case"}
    return token.text == bracket


def _words(text: Text, number: int) -> Iterator[Edit]:  # noqa: C901, PLR0912 - one table, flat
    token = text.at(number)
    if token.kind is not Kind.WORD:
        return
    is_call = text.said(number + 1, "(")
    match token.text:
        case word if is_call and word in _FUNCTIONS:
            yield text.instead(number, number, _FUNCTIONS[word])
        case "coalesce" | "nullif" if is_call and number + 1 in text.pairs:
            yield from _arguments(text, number)
        case "count" if is_call and not text.said(number + 2, "*"):
            if not text.said(number + 2, "distinct"):
                yield text.instead(number + 2, text.pairs[number + 1] - 1, "*")
        case word if word in _JOINS and text.said(number + 1, "join"):
            yield text.instead(number, number, _JOINS[word])
        case "full" if text.said(number + 1, "outer", "join"):
            yield text.instead(number, number + 1, "left")
            yield text.instead(number, number + 1, "right")
        case "union":
            if text.said(number + 1, "all"):
                yield text.instead(number, number + 1, "union")
            else:
                yield text.instead(number, number, "union all")
        case "distinct" if text.said(number - 1, "is") or text.said(number - 2, "is", "not"):
            is_not = text.said(number - 1, "not")
            yield text.instead(number - 1, number, "distinct" if is_not else "is not distinct")
        case "distinct":
            yield text.without(number, number)
        case "is" if text.said(number + 1, "null"):
            yield text.instead(number, number, "is not")
        case "is" if text.said(number + 1, "not", "null"):
            yield text.instead(number, number + 1, "is")
        case "not" if not text.said(number - 1, "is"):
            yield text.without(number, number)
        case "in" | "like" as word if not text.said(number - 1, "not"):
            yield text.instead(number, number, f"not {word}")
        case _:
            return


def _arguments(text: Text, number: int) -> Iterator[Edit]:
    """Yield the first argument of a ``coalesce`` or ``nullif`` alone, and the others alone."""
    items = text.items(number + 2, frozenset({")"}))
    if len(items) == 1:
        return
    (first, last), (second, _) = items[:2]
    alone = text.raw[text.listed[first].start : text.listed[last].end]
    yield text.instead(number, text.pairs[number + 1], f"({alone})")
    if text.at(second).kind is Kind.WORD and text.at(second).text not in {"true", "false"}:
        yield text.without(first, second - 1)


def _literals(text: Text, number: int) -> Iterator[Edit]:
    token, before = text.at(number), text.at(number - 1)
    if token.kind is Kind.WORD and token.text in {"true", "false"}:
        yield text.instead(number, number, "false" if token.text == "true" else "true")
    if token.kind is Kind.STRING and before.text in {"then", "else", "when", "in"}:
        yield text.instead(number, number, "'?'")
    if token.kind is Kind.STRING and before.text in {"(", ","} and _is_listed(text, number):
        yield text.instead(number, number, "'?'")
    if token.kind is not Kind.NUMBER or _says_nothing(text, number):
        return
    whole, point, decimals = token.text.partition(".")
    more = f"{whole}.{int(decimals) + 1}" if point else str(int(whole) + 1)
    yield text.instead(number, number, more)


def _opened_before(text: Text, number: int) -> int:
    """Return the number of the bracket that a token is in; -1 if in none."""
    around = [o for o, c in text.pairs.items() if o < number < c and text.at(o).text == "("]
    return max(around, default=-1)


def _is_listed(text: Text, number: int) -> bool:
    """Say whether a token is an item of ``in (…)``."""
    opened = _opened_before(text, number)
    return opened > 0 and text.said(opened - 1, "in")


def _says_nothing(text: Text, number: int) -> bool:
    """Say whether a number is part of a type, or any value would do in its place."""
    opened = _opened_before(text, number)
    of = text.at(opened - 1).text if opened >= 0 else ""
    only_there = text.said(number - 1, "select") and text.said(number + 1, "from")
    return of in {"decimal", "count"} or only_there


def _lists(text: Text, number: int) -> Iterator[Edit]:
    ends = frozenset({")", "rows", "limit"})
    if text.said(number, "order", "by"):
        items = text.items(number + 2, ends)
        for _, last in items:
            if text.said(last, "desc"):
                yield text.listed[last - 1].end, text.listed[last].end, ""
            else:
                yield text.listed[last].end, text.listed[last].end, " desc"
        yield from _one_less(text, items)
    if text.said(number, "partition", "by"):
        items = text.items(number + 2, ends | {"order"})
        yield text.without(number, items[-1][1])
        yield from _one_less(text, items)
    if text.said(number, "using", "("):
        yield from _one_less(text, text.items(number + 2, ends))


def _one_less(text: Text, items: list[tuple[int, int]]) -> Iterator[Edit]:
    """Yield a list without each of its items."""
    for place, (first, last) in enumerate(items):
        if len(items) == 1:
            return
        if place == 0:
            yield text.listed[first].start, text.listed[items[1][0]].start, ""
        else:
            yield text.listed[items[place - 1][1]].end, text.listed[last].end, ""
