"""Who may do what by the API: roles, and the life of a token."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pipeline.desk.transition import Move, Table


class Role(StrEnum):
    """What the holder of a token is."""

    VIEWER = "viewer"
    LEADER = "leader"
    FINANCE = "finance"
    ADMIN = "admin"


class TokenState(StrEnum):
    """Whether a token opens the door."""

    ACTIVE = "active"
    REVOKED = "revoked"


READ: Final = frozenset(Role)
"""Who may read."""
HANDLE: Final = frozenset({Role.LEADER, Role.ADMIN})
"""Who may handle alerts and cases."""

TOKEN: Final = Table(
    kind="token",
    initial=TokenState.ACTIVE,
    moves={"revoke": Move(frozenset({TokenState.ACTIVE}), TokenState.REVOKED)},
)
