"""Agents' memberships, pauses and phones, from Asterisk's manager events about queue members."""

from __future__ import annotations

from pipeline.codec.ami_calls import AGENT_NAMES, Told
from pipeline.codec.ami_members import IDLE, Members, Membership
from pipeline.codec.headers import Headers, needed, whole
from pipeline.codec.names import Names


class AmiAgents:
    """Rules as those of ``AmiCalls``; each event tells of one agent in one queue."""

    def __init__(self, members: Members, names: Names) -> None:
        """Tell of members by their canonical names."""
        self._members = members
        self._names = names

    def told(self, headers: Headers, at_ms: int) -> Told:
        """QueueMemberAdded, -Pause, -Status and the like, and QueueMember of a snapshot."""
        agent, queue = self._agent(headers), self._names.queue(needed(headers, "queue"))
        wrapup_s, device = whole(headers, "wrapuptime"), whole(headers, "status")
        member = self._members.get(agent)
        if member.queues is None:
            member.queues = {}
        membership = member.queues.setdefault(queue, Membership())
        if headers.get("paused"):
            membership.is_paused = headers["paused"] != "0"
            reason = headers.get("pausedreason") or headers.get("reason") or ""
            membership.reason = reason if membership.is_paused else ""
        if wrapup_s is not None:
            membership.wrapup_s = wrapup_s
        if device is not None:
            member.device = device or IDLE
        return self._members.say(agent, at_ms) or "no_change"

    def removed(self, headers: Headers, at_ms: int) -> Told:
        """QueueMemberRemoved: whoever has left the last queue is logged out."""
        agent, queue = self._agent(headers), self._names.queue(needed(headers, "queue"))
        member = self._members.get(agent)
        if member.queues is None:
            member.queues = {}
        member.queues.pop(queue, None)
        return self._members.say(agent, at_ms) or "no_change"

    def logged_in(self, headers: Headers, at_ms: int) -> Told:
        """AgentLogin, of app_agent_pool."""
        return self._logged(headers, at_ms, is_in=True)

    def logged_off(self, headers: Headers, at_ms: int) -> Told:
        """AgentLogoff, of app_agent_pool."""
        return self._logged(headers, at_ms, is_in=False)

    def _logged(self, headers: Headers, at_ms: int, *, is_in: bool) -> Told:
        agent = self._names.agent(needed(headers, "agent"))
        self._members.get(agent).is_logged_in = is_in
        return self._members.say(agent, at_ms) or "no_change"

    def _agent(self, headers: Headers) -> str:
        return self._names.agent(needed(headers, *AGENT_NAMES))
