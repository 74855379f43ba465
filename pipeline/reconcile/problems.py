"""What is wrong with a client's file: all of it is found, the first of each kind are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pipeline.errors import InputError

SHOWN: Final = 10
"""Places shown of each kind of problem."""


@dataclass(slots=True)
class Problems:
    """Problems of one file, by kind."""

    file: str
    _found: dict[str, tuple[int, list[str]]] = field(default_factory=dict)

    def add(self, expected: str, places: Iterable[tuple[int, str]], count: int) -> None:
        """Note ``count`` problems of one kind, the first of them at (line, what was found)."""
        if count:
            shown = [f"{self.file}:{line}: {expected}, got {got}" for line, got in places]
            self._found[expected] = (count, shown[:SHOWN])

    def add_one(self, line: int, text: str) -> None:
        """Note a problem that says itself what was found."""
        self._found[text] = (1, [f"{self.file}:{line}: {text}"])

    def raise_any(self) -> None:
        """Raise if there is a problem.

        Raises:
            InputError: names every kind of problem with file, line, value and what was expected.
        """
        if not self._found:
            return
        lines: list[str] = []
        for count, shown in self._found.values():
            lines += shown
            if count > len(shown):
                lines.append(f"… and {count - len(shown):,} more of this kind")
        total = sum(count for count, _ in self._found.values())
        if total == 1:
            raise InputError(lines[0])
        msg = f"{self.file}: {total:,} problems, nothing was imported\n  " + "\n  ".join(lines)
        raise InputError(msg)
