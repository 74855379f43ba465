"""A model's text as tokens: SQL words and signs, with Jinja as it stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a token is."""

    EXPRESSION = "expression"
    """``{{ … }}``: stands for a value, or for a list of names."""
    STATEMENT = "statement"
    """``{% … %}``"""
    STRING = "string"
    NUMBER = "number"
    WORD = "word"
    SIGN = "sign"


_PATTERNS: Final = (
    (None, r"\{#.*?#\}|--[^\n]*|\s+"),
    (Kind.EXPRESSION, r"\{\{.*?\}\}"),
    (Kind.STATEMENT, r"\{%.*?%\}"),
    (Kind.STRING, r"'(?:[^']|'')*'"),
    (Kind.NUMBER, r"\d+(?:\.\d+)?"),
    (Kind.WORD, r"\w+"),
    (Kind.SIGN, r"<=|>=|<>|!=|:=|\|\||//|.(?!\s*\Z)|."),
)
_TOKEN: Final = re.compile(
    "|".join(f"(?P<{kind or 'nothing'}>{pattern})" for kind, pattern in _PATTERNS), re.DOTALL
)
_OPENS: Final = {"(": ")", "[": "]", "case": "end"}


@dataclass(frozen=True, slots=True)
class Token:
    """One token, and where it stands."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Return where it ends."""
        return self.start + len(self.text)


def tokens(text: str, start: int = 0) -> list[Token]:
    """Return the tokens of a text, without comments and white space."""
    return [
        Token(Kind(found.lastgroup), found.group(), start + found.start())
        for found in _TOKEN.finditer(text)
        if found.lastgroup is not None and found.lastgroup != "nothing"
    ]


def pairs(listed: Sequence[Token]) -> dict[int, int]:
    """Return of each bracket, and of ``case`` and ``end``, the number of the other one."""
    found: dict[int, int] = {}
    waiting: list[tuple[str, int]] = []
    for number, token in enumerate(listed):
        if token.text in _OPENS and token.kind in {Kind.SIGN, Kind.WORD}:
            waiting.append((_OPENS[token.text], number))
        elif waiting and token.text == waiting[-1][0]:
            opened = waiting.pop()[1]
            found |= {opened: number, number: opened}
    return found


_IN_JINJA: Final = re.compile(
    r"""'(?P<single>[^'\n]*)'|"(?P<double>[^"\n]*)"|\b(?P<number>\d+)\b"""
)
_ARGUMENT: Final = re.compile(r"[\s(]")


def fragments(token: Token) -> Iterator[list[Token]]:
    """Yield what is SQL in a Jinja token: each argument that is more than a name, and numbers."""
    for found in _IN_JINJA.finditer(token.text):
        if found.group("number"):
            is_index = "[" in token.text[: found.start()].rpartition("]")[2]
            if token.kind is Kind.EXPRESSION and not is_index:
                yield [Token(Kind.NUMBER, found.group(), token.start + found.start())]
            continue
        argument = found.group("single") or found.group("double") or ""
        whole = argument.count("(") == argument.count(")") and argument.count("'") % 2 == 0
        if whole and _ARGUMENT.search(argument):
            yield tokens(argument, token.start + found.start() + 1)
