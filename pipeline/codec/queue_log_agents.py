"""Who is logged in and who is on a pause, by the records of a ``queue_log``.

An agent is *logged in* from the first login (``AGENTLOGIN``, ``AGENTCALLBACKLOGIN``) or membership
(``ADDMEMBER``) until the last of them is over. An agent is *on a pause* from ``PAUSEALL`` to
``UNPAUSEALL``, and while paused in every queue it is known to be a member of. A second login or
pause within the first begins nothing, and what nobody began nothing ends. Whoever logs off is on no
pause any more.

Knows nothing of calls; what an agent does on them is the stitcher's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

UNKNOWN_SINCE: Final = -1
"""Start of a login that began before the log did."""


class Span(NamedTuple):
    """A stretch of time that is over, ``[start_ms, end_ms)``, epoch milliseconds."""

    start_ms: int
    end_ms: int


class Presence:
    """One agent's logins, memberships and pauses so far.

    ``logged_in_at`` and ``paused_at`` are when the present stretch began, None if there is none.
    The methods return the stretch that ended, if one did.
    """

    __slots__ = (
        *("first_seen", "logged_in_at", "paused_at", "pause_reason", "last_off", "talking"),
        *("_logins", "_members", "_paused", "_paused_all"),
    )

    def __init__(self, first_seen: int) -> None:
        """Start with nothing known but when the log first speaks of the agent."""
        self.first_seen = first_seen
        self.logged_in_at: int | None = None
        self.paused_at: int | None = None
        self.pause_reason = ""
        self.last_off: int | None = None
        self.talking: object = None
        self._logins: dict[str, None] = {}
        self._members: set[str] = set()
        self._paused: set[str] = set()
        self._paused_all = False

    @property
    def is_member(self) -> bool:
        """Say whether the log has told of a login or membership that is not over."""
        return bool(self._logins or self._members)

    def log_in(self, at: int, where: str) -> None:
        """Take a login from a telephone or channel."""
        self._logins[where] = None
        self._begin_login(at)

    def log_off(self, at: int, where: str, logged_in_ms: int | None) -> tuple[Span | None, bool]:
        """Take a logoff; return the login that ended, and whether one was known.

        Without a known login, the record's own length tells when it began; where the agent was
        seen before that, it began before the log did (``UNKNOWN_SINCE``).
        """
        if self.logged_in_at is None:
            return self._off_unknown(at, logged_in_ms), False
        if where in self._logins:
            del self._logins[where]
        else:
            self._logins.clear()
        return self._end_login(at), True

    def join(self, at: int, queue: str, *, is_paused: bool) -> Span | None:
        """Take an ``ADDMEMBER``; return the pause that ended if the agent takes calls there."""
        self._members.add(queue)
        self._begin_login(at)
        if is_paused:
            self._paused.add(queue)
        return self._settle_pause(at)

    def leave(self, at: int, queue: str) -> tuple[Span | None, Span | None]:
        """Take a ``REMOVEMEMBER``; return the login and the pause that ended."""
        self._members.discard(queue)
        self._paused.discard(queue)
        login = self._end_login(at)
        return login, self._settle_pause(at)

    def pause(self, at: int, queue: str | None, reason: str) -> None:
        """Take a ``PAUSE`` in a queue, or (None) a ``PAUSEALL``."""
        if queue is None:
            self._paused_all = True
        else:
            self._paused.add(queue)
        if reason or self.paused_at is None:
            self.pause_reason = reason
        self._begin_pause(at)

    def unpause(self, at: int, queue: str | None) -> Span | None:
        """Take an ``UNPAUSE`` or ``UNPAUSEALL``; return the pause that ended."""
        if queue is None:
            self._paused_all = False
            self._paused.clear()
        else:
            self._paused.discard(queue)
        return self._settle_pause(at)

    def ended_pause(self, at: int) -> Span | None:
        """Return the pause that a logoff ended."""
        return None if self.is_member else self._drop_pause(at)

    @property
    def is_paused(self) -> bool:
        """Say whether the agent takes calls of no queue it is known to be in."""
        if self._paused_all:
            return True
        return bool(self._paused) and self._paused >= self._members

    def _begin_login(self, at: int) -> None:
        if self.logged_in_at is None:
            self.logged_in_at = at

    def _end_login(self, at: int) -> Span | None:
        if self.is_member or self.logged_in_at is None:
            return None
        began, self.logged_in_at = self.logged_in_at, None
        self.last_off = at
        return Span(began, at) if at > began else None

    def _off_unknown(self, at: int, logged_in_ms: int | None) -> Span | None:
        said = at - logged_in_ms if logged_in_ms else None
        before, self.last_off = self.last_off, at
        if before is not None:
            return None if said is None else _span(max(said, before), at)
        if said is None or self.first_seen < said:
            return Span(UNKNOWN_SINCE, at)
        return _span(said, at)

    def _begin_pause(self, at: int) -> None:
        if self.paused_at is None and self.is_paused:
            self.paused_at = at

    def _settle_pause(self, at: int) -> Span | None:
        """Begin or end the pause as the queues now have it; return one that ended."""
        if self.is_paused:
            self._begin_pause(at)
            return None
        return self._finish_pause(at)

    def _drop_pause(self, at: int) -> Span | None:
        self._paused_all = False
        self._paused.clear()
        return self._finish_pause(at)

    def _finish_pause(self, at: int) -> Span | None:
        if self.paused_at is None:
            return None
        began, self.paused_at = self.paused_at, None
        self.pause_reason = ""
        return _span(began, at)


def _span(start: int, end: int) -> Span | None:
    return Span(start, end) if end > start else None
