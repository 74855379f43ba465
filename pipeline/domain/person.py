"""Who an agent was at an instant: team, leader, role, queues. Never a name or a number.

One person is in one team at a time: what begins later ends what was said before. SQL mirrors
``spells`` in ``stg_people``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipeline.domain.fact import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Fact):
    """Valid over ``[valid_from_ms, valid_to_ms)``, epoch milliseconds UTC; None: until further.

    ``agent`` is the id that events name; ``leader`` is the id of the team's leader; ``queues``
    are those the agent may take (skills).
    """

    agent: str
    valid_from_ms: int
    team: str
    leader: str | None = None
    role: str | None = None
    queues: tuple[str, ...] = ()
    valid_to_ms: int | None = None


def spells(people: Iterable[Person]) -> list[Person]:
    """Return one agent's records in force, ascending; each ends where the next begins."""
    ordered = sorted(people, key=lambda person: person.valid_from_ms)
    found = []
    for number, person in enumerate(ordered, start=1):
        following = [later.valid_from_ms for later in ordered[number : number + 1]]
        ends = [end for end in (person.valid_to_ms, *following) if end is not None]
        found.append(replace(person, valid_to_ms=min(ends, default=None)))
    return found
