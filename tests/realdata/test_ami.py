"""Recorded AMI streams around a queue (VoIPGRID cacofonisk): read whole, nothing lost.

The recordings have no times, so each message is given one, as the reader of a socket does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.codec.ami import AmiAdapter
from pipeline.domain.outcome import OutcomeKind
from pipeline.settings import PROJECT_ROOT
from tests.pbx_streams import Read, ami, an_origin, caller, fate, member, read

FOLDER = PROJECT_ROOT.parent / "shared/realdata/asterisk_ami"
pytestmark = pytest.mark.skipif(
    not FOLDER.exists(), reason="no ../shared/realdata beside the repository"
)
NAMES = ["queue_a_cancel", "queue_attn_xfer", "queue_blind_xfer", "queue_group", "queue_simple"]


def messages(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path(FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def began(recorded: list[dict[str, Any]]) -> int:
    """Return the epoch second in the first call's Linkedid."""
    linkedid = next(message["Linkedid"] for message in recorded if "Linkedid" in message)
    return int(linkedid.split("-")[-1].split(".")[0])


def received(name: str) -> list[dict[str, Any]]:
    """Return the messages as if one came every half second from the call's beginning."""
    recorded = messages(name)
    start = began(recorded)
    return [m | {"Vane-Received": f"{start + n / 2:.6f}"} for n, m in enumerate(recorded)]


def as_lines(message: dict[str, Any]) -> bytes:
    return "\r\n".join(f"{name}: {value}" for name, value in message.items()).encode()


def fed(records: list[bytes]) -> tuple[AmiAdapter, Read]:
    adapter = AmiAdapter(an_origin())
    found = read(adapter, records)
    parts = adapter.taken + sum(adapter.skipped.values()) + len(found.rejected)
    assert parts == len(records)
    return adapter, found


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_read_alike_as_objects_and_as_lines(name: str) -> None:
    _, objects = fed([json.dumps(message).encode() for message in received(name)])
    adapter, lines = fed([as_lines(message) for message in received(name)])
    assert objects == lines
    assert not lines.rejected
    assert not adapter.anomalies


@pytest.mark.parametrize("name", NAMES)
def test_without_times_what_would_be_used_is_rejected_and_the_rest_skipped(name: str) -> None:
    _, found = fed([json.dumps(message).encode() for message in messages(name)])
    assert {rejected.reason for rejected in found.rejected} <= {"no_time"}
    assert [found.calls, found.states] == [[], []]


def test_a_caller_who_canceled_abandoned_after_eleven_seconds() -> None:
    recorded = received("queue_a_cancel")
    _, found = fed([json.dumps(message).encode() for message in recorded])
    (told,) = [m for m in recorded if m["Event"] == "QueueCallerAbandon"]
    assert found.kinds() == ["queued", "abandoned"]
    assert {event.queue for event in found.calls} == {told["Queue"]}
    assert {event.contact_id for event in found.calls} == {told["Linkedid"]}
    assert fate(found.calls)[1:3] == (OutcomeKind.ABANDONED, int(told["HoldTime"]) * 1000)
    number = told["CallerIDNum"].lstrip("+")
    assert number not in repr(found)


@pytest.mark.parametrize(
    ("name", "event", "kind", "target"),
    [
        ("queue_blind_xfer", "BlindTransfer", "blind", "202"),
        ("queue_attn_xfer", "AttendedTransfer", "attended", "202"),
    ],
)
def test_a_recorded_transfer_ends_the_leg_of_its_call(
    name: str, event: str, kind: str, target: str
) -> None:
    """The recordings have no events of class agent, so the queue's own are put before."""
    recorded = received(name)
    (handed,) = [m for m in recorded if m["Event"] == event]
    linkedid = handed["TransfereeLinkedid"]
    who = caller(Uniqueid=linkedid, Linkedid=linkedid)
    stamp = {"Vane_Received": f"{began(recorded)}.000000"}
    records = [
        ami("QueueCallerJoin", None, **who, **stamp),
        ami("AgentConnect", None, **who, **member(), **stamp, HoldTime=0, RingTime=0),
        *(json.dumps(message).encode() for message in recorded),
    ]
    _, found = fed(records)
    transferred = found.of("transferred")
    assert (transferred.transfer_kind, transferred.transfer_target) == (kind, target)
    handling = fate(found.calls).handling
    assert handling is not None
    assert handling.talk_ms == recorded.index(handed) * 500
