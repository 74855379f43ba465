"""The agents that a ``queue_log`` speaks of, by the records of logins, memberships and pauses."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.codec.queue_log_agents import Presence, Span
from pipeline.codec.queue_log_fields import NOBODY, Lengths, UnusableError

Fields = list[str]
Spent = Callable[[str, str, int, int], None]
"""Told (agent, what, from, to) of a login, pause or wrap-up that is over."""


class Roster:
    """The agents by name, and the handlers of the verbs that are about them alone."""

    def __init__(self, lengths: Lengths, *, note: Callable[[str], None], spent: Spent) -> None:
        """Start without agents; ``note`` is told the code of an oddity."""
        self.agents: dict[str, Presence] = {}
        self._lengths, self._note, self._spent = lengths, note, spent
        self.handlers: dict[str, Callable[[int, Fields], Presence]] = {
            "ADDMEMBER": self._add_member,
            "REMOVEMEMBER": self._remove_member,
            "PAUSE": self._pause,
            "PAUSEALL": self._pause_all,
            "UNPAUSE": self._unpause,
            "UNPAUSEALL": self._unpause_all,
            "AGENTLOGIN": self._log_in,
            "AGENTCALLBACKLOGIN": self._log_in,
            "AGENTLOGOFF": self._log_off,
            "AGENTCALLBACKLOGOFF": self._log_off,
        }

    def agent(self, name: str, at: int) -> Presence:
        """Return an agent who is seen at an instant; raise UnusableError if it is nobody."""
        presence = self.agents.get(name)
        if presence is None:
            if name in NOBODY:
                msg = f"expected the agent, got {name!r}"
                raise UnusableError("no_agent", msg)
            presence = self.agents[name] = Presence(at)
        elif at < presence.first_seen:
            presence.first_seen = at
        return presence

    def wrapped_up(self, agent: str, at: int, length_ms: int) -> None:
        """Count wrap-up that begins now and is as long as its record says."""
        self._spent(agent, "wrapup", at, at + length_ms)

    def _was(self, agent: str, what: str, span: Span | None) -> None:
        if span is not None:
            self._spent(agent, what, span.start_ms, span.end_ms)

    def _add_member(self, at: int, fields: Fields) -> Presence:
        presence = self.agent(fields[3], at)
        is_paused = len(fields) > 5 and fields[5].upper() == "PAUSED"  # noqa: PLR2004 - first
        self._was(fields[3], "pause", presence.join(at, fields[2], is_paused=is_paused))
        return presence

    def _remove_member(self, at: int, fields: Fields) -> Presence:
        presence = self.agent(fields[3], at)
        login, pause = presence.leave(at, fields[2])
        self._was(fields[3], "login", login)
        self._was(fields[3], "pause", pause)
        return presence

    def _pause(self, at: int, fields: Fields) -> Presence:
        presence = self.agent(fields[3], at)
        presence.pause(at, fields[2], _reason(fields))
        return presence

    def _pause_all(self, at: int, fields: Fields) -> Presence:
        presence = self.agent(fields[3], at)
        presence.pause(at, None, _reason(fields))
        return presence

    def _unpause(self, at: int, fields: Fields) -> Presence:
        presence = self.agent(fields[3], at)
        self._was(fields[3], "pause", presence.unpause(at, fields[2]))
        return presence

    def _unpause_all(self, at: int, fields: Fields) -> Presence:
        presence = self.agent(fields[3], at)
        self._was(fields[3], "pause", presence.unpause(at, None))
        return presence

    def _log_in(self, at: int, fields: Fields) -> Presence:
        presence = self.agent(fields[3], at)
        presence.log_in(at, fields[5] if len(fields) > 5 else "")  # noqa: PLR2004 - first
        return presence

    def _log_off(self, at: int, fields: Fields) -> Presence:
        length = self._lengths[fields[6]] if len(fields) > 6 else None  # noqa: PLR2004 - second
        presence = self.agent(fields[3], at)
        where = fields[5] if len(fields) > 5 else ""  # noqa: PLR2004 - first
        login, is_known = presence.log_off(at, where, length)
        if not is_known:
            self._note("logoff_without_login")
        self._was(fields[3], "login", login)
        self._was(fields[3], "pause", presence.ended_pause(at))
        return presence


def _reason(fields: Fields) -> str:
    return fields[5] if len(fields) > 5 else ""  # noqa: PLR2004 - first argument
