"""What the local broker is started with."""

from __future__ import annotations

import base64
import itertools
import uuid

import pytest

from pipeline.broker import local


def test_a_cluster_id_is_never_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in 64 random ids begins with a dash, which Kafka's tool reads as an option."""
    dashed, plain = uuid.UUID(bytes=b"\xf8" + bytes(15)), uuid.UUID(bytes=b"\x08" + bytes(15))
    assert base64.urlsafe_b64encode(dashed.bytes).startswith(b"-")
    drawn = itertools.chain([dashed, dashed, plain])
    monkeypatch.setattr(uuid, "uuid4", lambda: next(drawn))
    assert local.cluster_id() == "CAAAAAAAAAAAAAAAAAAAAA"
