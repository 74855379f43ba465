"""What a field of a wire record must be: one small rule per kind of value.

A rule says whether a decoded JSON value has the right type, whether it is allowed, and in words
what was expected. ``diagnosis.py`` asks in that order, so that a message names the first fault.
"""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """A string; ``least`` is its least length."""

    least: int = 1
    is_optional: bool = False

    def __str__(self) -> str:
        """Say what is expected."""
        return "a non-empty string" if self.least else "a string"

    def has_type_of(self, value: object) -> bool:
        """Say whether a value is a string."""
        return isinstance(value, str)

    def allows(self, value: object) -> bool:
        """Say whether a string is long enough."""
        return len(str(value)) >= self.least


class Whole(NamedTuple):
    """An integer within bounds, both inclusive."""

    least: int
    most: int
    is_optional: bool = False

    def __str__(self) -> str:
        """Say what is expected."""
        return f"an integer from {self.least} to {self.most}"

    def has_type_of(self, value: object) -> bool:
        """Say whether a value is an integer; JSON's true and false are not."""
        return type(value) is int

    def allows(self, value: object) -> bool:
        """Say whether an integer is within bounds."""
        return isinstance(value, int) and self.least <= value <= self.most


class OneOf(NamedTuple):
    """One of some words."""

    words: tuple[str, ...]
    is_optional: bool = False

    def __str__(self) -> str:
        """Say what is expected."""
        return f"one of {', '.join(self.words)}"

    def has_type_of(self, value: object) -> bool:
        """Say whether a value is a string."""
        return isinstance(value, str)

    def allows(self, value: object) -> bool:
        """Say whether a string is one of the words."""
        return value in self.words


class Flag(NamedTuple):
    """True or false."""

    is_optional: bool = False

    def __str__(self) -> str:
        """Say what is expected."""
        return "true or false"

    def has_type_of(self, value: object) -> bool:
        """Say whether a value is a boolean."""
        return isinstance(value, bool)

    def allows(self, value: object) -> bool:  # noqa: ARG002 - both are allowed
        """Say that either is allowed."""
        return True


class Texts(NamedTuple):
    """A list of non-empty strings."""

    is_optional: bool = False

    def __str__(self) -> str:
        """Say what is expected."""
        return "a list of non-empty strings"

    def has_type_of(self, value: object) -> bool:
        """Say whether a value is a list of strings."""
        return isinstance(value, list) and all(isinstance(item, str) for item in value)

    def allows(self, value: object) -> bool:
        """Say whether every string is non-empty."""
        return isinstance(value, list) and all(value)


Rule = Text | Whole | OneOf | Flag | Texts
