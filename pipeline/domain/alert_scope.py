"""Which queues are judged as one: a queue alone, or all of a programme, a site or a client.

A partition knows its own queues only, so something larger than a queue is judged where the
partition holds it whole and nowhere else: half a client in each of two partitions would give two
alerts of one name that are both wrong. What lies together is what has one key (``client/site``, or
``client``), so a site is always whole. A client is, if it has no sites or if all its records come
under the client's own key, which is said in ``whole_clients``. A programme of any other client is
judged at each site.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final, NamedTuple


class Scope(StrEnum):
    """What a rule judges as one."""

    QUEUE = "queue"
    PROGRAMME = "programme"
    SITE = "site"
    CLIENT = "client"


class Place(NamedTuple):
    """What is judged as one; names that do not apply are empty."""

    scope: Scope
    client: str
    site: str = ""
    programme: str = ""
    queue: str = ""

    @property
    def key(self) -> str:
        """Return a text that no other place has; of a queue ``client/site/queue``."""
        if self.scope is Scope.QUEUE:
            return f"{self.client}/{self.site}/{self.queue}"
        return f"{self.scope}:{self.client}/{self.site}/{self.programme}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """Queues of a client that belong together; ``site`` and ``queue`` are patterns."""

    name: str
    client: str
    site: str = "*"
    queue: str = "*"

    def covers(self, client: str, site: str, queue: str) -> bool:
        """Say whether a queue belongs to it."""
        return (
            self.client == client
            and fnmatchcase(site, self.site)
            and fnmatchcase(queue, self.queue)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Which queues belong together, and which clients lie whole in a partition, sites and all."""

    programmes: tuple[Programme, ...] = ()
    whole_clients: frozenset[str] = frozenset()

    def place(self, scope: Scope, client: str, site: str, queue: str) -> Place | None:
        """Return what a queue is a part of; None: nothing of this scope that is held whole."""
        programme = self.programme(client, site, queue)
        is_whole = not site or client in self.whole_clients
        if scope is Scope.QUEUE:
            return Place(scope, client, site, programme, queue)
        if scope is Scope.PROGRAMME:
            return Place(scope, client, "" if is_whole else site, programme) if programme else None
        if scope is Scope.SITE:
            return Place(scope, client, site) if site else None
        return Place(scope, client) if is_whole else None

    def programme(self, client: str, site: str, queue: str) -> str:
        """Return the first programme that a queue belongs to; empty: none."""
        for programme in self.programmes:
            if programme.covers(client, site, queue):
                return programme.name
        return ""


ALONE: Final = Grouping()
"""No queue belongs to another."""
