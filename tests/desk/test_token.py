"""Tokens: shown once, kept as a hash, and shut for good."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import Engine, select

from pipeline.desk.access import Role
from pipeline.desk.store import reading
from pipeline.desk.tables import metadata, tokens
from pipeline.desk.token import Holder, create, holder_of
from pipeline.desk.verify import verify
from pipeline.errors import InputError, MoveRefused
from tests.desk.records import NOON_MS
from tests.desk.test_desk_commands import Vane

HOUR_MS = 3_600_000


def made(store: Engine, name: str = "li", role: Role = Role.LEADER) -> str:
    return create(
        store,
        name,
        role,
        actor="admin",
        via="cli",
        at_ms=NOON_MS,
        expires_at_ms=NOON_MS + HOUR_MS,
    )


def whose(store: Engine, secret: str, now_ms: int = NOON_MS) -> Holder | None:
    with reading(store) as con:
        return holder_of(con, secret, now_ms=now_ms)


def test_a_secret_opens_and_is_nowhere_in_the_store(store: Engine) -> None:
    secret = made(store)
    assert secret.startswith("vane_")
    assert whose(store, secret) == Holder("li", Role.LEADER)
    with reading(store) as con:
        (row,) = con.execute(select(tokens)).all()
        everything = [con.execute(select(table)).all() for table in metadata.sorted_tables]
    assert row.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert secret.removeprefix("vane_") not in repr(everything)
    assert verify(store, None, lambda _read, _total: None).problems == []


def test_what_is_no_token_opens_nothing_and_one_that_is_over_neither(store: Engine) -> None:
    secret = made(store)
    for other in ("", "vane_", secret[:-1], secret + "x", made(store, "wang")[:20]):
        assert whose(store, other) is None
    assert whose(store, secret, NOON_MS + HOUR_MS - 1) is not None
    assert whose(store, secret, NOON_MS + HOUR_MS) is None


def test_a_name_is_one_tokens_for_good(store: Engine) -> None:
    made(store)
    with pytest.raises(InputError, match="token 'li': there was one of this name"):
        made(store)
    for name in ("", " li", "x" * 65, "a\x00"):
        with pytest.raises(InputError, match="name: expected a text of 1 to 64 characters"):
            made(store, name)


def test_tokens_by_hand(store: Engine, url: str, tmp_path: object) -> None:
    vane = Vane(url, tmp_path)  # type: ignore[arg-type]
    secret = vane("desk", "token", "create", "li", "--role", "leader").strip()
    assert whose(store, secret, NOON_MS) == Holder("li", Role.LEADER)
    told = vane.json("desk", "token", "create", "wang", "--role", "viewer", "--expires-in", "1h")
    assert whose(store, told["secret"], NOON_MS) == Holder("wang", Role.VIEWER)
    listed = vane.json("desk", "token", "list")["records"]
    assert {(t["id"], t["role"], t["state"]) for t in listed} == {
        ("li", "leader", "active"),
        ("wang", "viewer", "active"),
    }
    assert "secret" not in repr(listed)
    assert "active" in vane("desk", "token", "list")
    assert vane("desk", "token", "revoke", "li", "--as", "chen") == "li: revoked by chen\n"
    assert vane("desk", "token", "revoke", "li", "--as", "chen").endswith(", as it was before\n")
    assert isinstance(vane.refused("desk", "token", "revoke", "li", "--as", "wu"), MoveRefused)
    assert whose(store, secret, NOON_MS) is None
