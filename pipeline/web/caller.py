"""Who calls: the holder of a token, and whether his role may do what he asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Engine

from pipeline.desk.access import HANDLE, READ, Role
from pipeline.desk.store import reading
from pipeline.desk.token import Holder, holder_of

_bearer = HTTPBearer(auto_error=False, description="A token: `vane desk token create`.")


def store_of(request: Request) -> Engine:
    """Return the store that the app serves."""
    found: Engine = request.app.state.store
    return found


def now_ms() -> int:
    """Return the time, epoch ms."""
    return time.time_ns() // 1_000_000


Store = Annotated[Engine, Depends(store_of)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def caller_in(roles: frozenset[Role]) -> Callable[[Engine, HTTPAuthorizationCredentials], Holder]:
    """Return what finds out the caller, and refuses who has none of the roles."""

    def caller(store: Store, credentials: Credentials) -> Holder:
        challenge = {"WWW-Authenticate": 'Bearer realm="vane"'}
        if credentials is None:
            said = "expected a token: Authorization: Bearer vane_…"
            raise HTTPException(HTTPStatus.UNAUTHORIZED, said, challenge)
        with reading(store) as con:
            found = holder_of(con, credentials.credentials, now_ms=now_ms())
        if found is None:
            said = "the token is not known, was revoked, or is over"
            challenge["WWW-Authenticate"] += ', error="invalid_token"'
            raise HTTPException(HTTPStatus.UNAUTHORIZED, said, challenge)
        if found.role not in roles:
            allowed = ", ".join(sorted(roles))
            said = f"{found.name} is {found.role}; this is for {allowed}"
            raise HTTPException(HTTPStatus.FORBIDDEN, said)
        return found

    return caller


Reader = Annotated[Holder, Depends(caller_in(READ))]
Handler = Annotated[Holder, Depends(caller_in(HANDLE))]
