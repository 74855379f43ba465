"""Moves between states by a table: what is not in the table is refused, and nothing changes.

Plain Python: no I/O and no clock. Each kind of record has its table in a file of its own. A move
says all that it does to a record, so that the table is the whole story of a kind's life.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pipeline.errors import MoveRefused

COMMENT: Final = "comment"
"""What may be said with every move; it stands in the audit trail alone."""
OUTCOME: Final = "outcome"
MOST_TEXT: Final = 2_000
MOST_MS: Final = 253_402_300_800_000
"""The year 10000: beyond what a date can say."""

Row: TypeAlias = Mapping[str, Any]
Given: TypeAlias = Mapping[str, str | int]
"""What is said with a move, by column: ``owner``, ``outcome``, ``due_at_ms``, and ``comment``."""


@dataclass(frozen=True, slots=True)
class Move:
    """One row of a table: an action takes any state of ``sources`` to ``target``."""

    sources: frozenset[str]
    target: str | None = None
    """None: the state stays as it is."""
    outcomes: frozenset[str] = field(default=frozenset())
    """Exactly one of these has to be given; empty: an outcome must not be given."""
    needs: frozenset[str] = field(default=frozenset())
    """What else has to be given."""
    by: str | None = None
    """Column that notes who made the move."""
    at: str | None = None
    """Column that notes when, in epoch ms."""
    clears: frozenset[str] = field(default=frozenset())
    """Columns that say nothing any more after the move."""
    via: str | None = None
    """The one way by which it may be made; None: by people."""


@dataclass(frozen=True, slots=True)
class Table:
    """All moves of one kind of record, by the name of the action."""

    kind: str
    initial: str
    moves: Mapping[str, Move]

    def allowed(self, state: str, via: str | None = None) -> list[str]:
        """Return the actions possible in a state, by people or ``via``, in alphabetical order."""
        return sorted(
            name
            for name, move in self.moves.items()
            if state in move.sources and move.via in {None, via}
        )

    def states(self) -> set[str]:
        """Return every state that a record can be in."""
        return {self.initial} | {move.target for move in self.moves.values() if move.target}


def move(table: Table, state: str, action: str, given: Given, via: str | None = None) -> str:
    """Return the state after an action.

    Raises:
        MoveRefused: the table has no such move, or what is given with it is missing, unknown or
            out of place; the message names what is allowed.
    """
    if state not in table.states():
        msg = f"{table.kind}: no such state {state!r}, expected one of {_list(table.states())}"
        raise ValueError(msg)
    allowed = table.allowed(state, via)
    if action not in allowed:
        raise MoveRefused(
            f"{table.kind} is {state}: {action!r} is not possible; allowed: {_list(allowed)}"
        )
    row = table.moves[action]
    if problems := list(_problems(row, given)):
        raise MoveRefused(f"{action} of {table.kind}: {'; '.join(problems)}")
    return str(row.target or state)


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a move, which way, and when (epoch ms)."""

    actor: str
    via: str
    at_ms: int


def changed(table: Table, row: Row, action: str, given: Given, by: By) -> Row:
    """Return the columns that a move changes, with their new values.

    Raises:
        MoveRefused: as ``move``.
    """
    state = move(table, row["state"], action, given, by.via)
    made = table.moves[action]
    new: dict[str, Any] = dict.fromkeys(made.clears)
    new |= {name: value for name, value in given.items() if name != COMMENT}
    new["state"] = state
    if made.by is not None:
        new[made.by] = by.actor
    if made.at is not None:
        new[made.at] = by.at_ms
    return {name: value for name, value in new.items() if row[name] != value}


def _problems(made: Move, given: Given) -> Iterator[str]:
    expected = made.needs | ({OUTCOME} if made.outcomes else set())
    for name in sorted(expected - given.keys()):
        which = f"an outcome of {_list(made.outcomes)}" if name == OUTCOME else f"{name}"
        yield f"expected {which}, got nothing"
    for name in sorted(given.keys() - expected - {COMMENT}):
        yield f"takes no {name}, got {given[name]!r:.80}"
    for name in sorted(given.keys() & (expected | {COMMENT})):
        value = given[name]
        if name == OUTCOME:
            if value not in made.outcomes:
                yield f"expected an outcome of {_list(made.outcomes)}, got {value!r:.80}"
        elif name.endswith("_at_ms"):
            if type(value) is not int or not 0 <= value < MOST_MS:
                yield f"{name}: expected epoch milliseconds, got {value!r:.80}"
        elif not is_text(value):
            yield f"{name}: expected a text of 1 to {MOST_TEXT} characters, got {value!r:.80}"


def is_text(value: object) -> bool:
    """Say whether a value is a text that people wrote: not empty, and no control characters."""
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_TEXT:
        return False
    return all(char.isprintable() or char in "\n\t" for char in value)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
