"""Makes a move that a request asks for: who, under which key, of which version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Header, HTTPException, Path, Response
from sqlalchemy import Engine

from pipeline.desk.perform import Command, perform
from pipeline.desk.token import Holder
from pipeline.desk.view import View, record_view
from pipeline.web.caller import Handler, Store, now_ms
from pipeline.web.shapes import Said

VIA: Final = "api"
MOST_KEY: Final = 255
_VERSION: Final = re.compile(r'"([0-9]{1,9})"', re.ASCII)

RecordId = Annotated[str, Path(max_length=255, description="Its whole id.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=MOST_KEY,
        description="Required. The same request with the same key is done once.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="ETag as it was read: done only if it still is so."),
]


@dataclass(frozen=True, slots=True)
class Mover:
    """Makes moves of one record for one caller."""

    store: Engine
    holder: Holder
    record_id: str
    key: str
    version: int | None
    response: Response

    def __call__(self, kind: str, action: str, said: Said) -> View:
        """Make a move; return the record as it is then."""
        given: dict[str, Any] = said.model_dump(exclude_none=True, mode="json")
        done = perform(
            self.store,
            Command(
                kind=kind,
                record_id=self.record_id,
                action=action,
                actor=self.holder.name,
                via=VIA,
                key=self.key,
                at_ms=now_ms(),
                given=given,
                version=self.version,
            ),
        )
        self.response.headers["ETag"] = etag(done.record["version"])
        if done.is_repeated:
            self.response.headers["Idempotent-Replayed"] = "true"
        return record_view(kind, done.record)


def mover(
    store: Store,
    holder: Handler,
    record_id: RecordId,
    response: Response,
    key: Key = None,
    if_match: IfMatch = None,
) -> Mover:
    """Return what makes the moves of a request.

    Raises:
        HTTPException: the key is missing, or If-Match is no version.
    """
    if key is None:
        said = "expected the header Idempotency-Key: a text that no other request of yours has"
        raise HTTPException(HTTPStatus.BAD_REQUEST, said)
    return Mover(store, holder, record_id, key, _version(if_match), response)


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    found = _VERSION.fullmatch(if_match)
    if found is None:
        said = f'If-Match: expected a version in quotes as ETag has it, such as "3", got {if_match}'
        raise HTTPException(HTTPStatus.BAD_REQUEST, said)
    return int(found[1])


def etag(version: int) -> str:
    """Return a version as ETag has it."""
    return f'"{version}"'


Move = Annotated[Mover, Depends(mover)]
