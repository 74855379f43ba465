"""What a source calls its queues, agents and states, and what we call them.

Sources name a queue by a number, an ARN or a SID, and agents' states by words of their own
(pause reasons, activities, custom statuses). An adapter asks here for the canonical word; what is
not listed keeps its native name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.domain.events import AgentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Native names to canonical ones; empty: names stay as they are.

    ``states`` maps a pause reason, activity or status name, in lower case, to an agent state.
    """

    queues: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, AgentState] = field(default_factory=dict)

    def queue(self, native: str) -> str:
        """Return the canonical name of a queue."""
        return self.queues.get(native, native)

    def agent(self, native: str) -> str:
        """Return the canonical name of an agent."""
        return self.agents.get(native, native)

    def state(self, native: str, otherwise: AgentState) -> AgentState:
        """Return the state that a native word stands for; ``otherwise`` where it is not listed."""
        return self.states.get(native.lower(), otherwise)
