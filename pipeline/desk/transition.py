"""Moves between states by a table: what is not in the table is refused, and nothing changes.

Plain Python: no I/O and no clock. Each kind of record has its table in a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.errors import MoveRefused


@dataclass(frozen=True, slots=True)
class Move:
    """One row of a table: an action takes any state of ``sources`` to ``target``."""

    sources: frozenset[str]
    target: str
    outcomes: frozenset[str] = field(default=frozenset())
    """Exactly one of these has to be given; empty: an outcome must not be given."""


@dataclass(frozen=True, slots=True)
class Table:
    """All moves of one kind of record, by the name of the action."""

    kind: str
    initial: str
    moves: Mapping[str, Move]

    def allowed(self, state: str) -> list[str]:
        """Return the actions possible in a state, in alphabetical order."""
        return sorted(name for name, move in self.moves.items() if state in move.sources)

    def states(self) -> set[str]:
        """Return every state that a record can be in."""
        return {self.initial} | {move.target for move in self.moves.values()}


def move(table: Table, state: str, action: str, outcome: str | None = None) -> str:
    """Return the state after an action.

    Raises:
        MoveRefused: the table has no such move, or the outcome is missing, unknown or out of place;
            the message names what is allowed.
    """
    if state not in table.states():
        msg = f"{table.kind}: no such state {state!r}, expected one of {_list(table.states())}"
        raise ValueError(msg)
    allowed = table.allowed(state)
    if action not in allowed:
        raise MoveRefused(
            f"{table.kind} is {state}: {action!r} is not possible; allowed: {_list(allowed)}"
        )
    row = table.moves[action]
    if row.outcomes and outcome not in row.outcomes:
        expected = f"expected an outcome of {_list(row.outcomes)}"
        raise MoveRefused(f"{action} of {table.kind}: {expected}, got {outcome!r}")
    if not row.outcomes and outcome is not None:
        raise MoveRefused(f"{action} of {table.kind}: takes no outcome, got {outcome!r}")
    return row.target


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
