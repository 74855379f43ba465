"""Synthetic documents of the cloud adapters' formats; ``adapters.py`` measures with them.

One document (of CSV: one line) is one call's record or one event, all different, of calls that
waited, were answered, held and wrapped up, with callers' numbers in all places that have one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.codec.adapter import Adapter, Origin
from pipeline.codec.connect_agents import ConnectAgentAdapter
from pipeline.codec.connect_events import ConnectContactEventAdapter
from pipeline.codec.connect_records import ConnectRecordAdapter
from pipeline.codec.csv_calls import CsvCallsAdapter
from pipeline.codec.genesys import GenesysAdapter
from pipeline.codec.taskrouter import TaskrouterAdapter

START: Final = 1_772_445_600
_ARN: Final = "arn:aws:connect:eu-central-1:1:instance/i"

Json = dict[str, Any]


def number(i: int) -> str:
    """Return the caller's number of call ``i``."""
    return f"+49{3_000_000_000 + i}"


def _at(second: float) -> str:
    return datetime.fromtimestamp(START + second, UTC).isoformat().replace("+00:00", "Z")


def _call(i: int) -> tuple[int, int, int, int]:
    """Return when a call queued, was answered, ended and was wrapped up."""
    queued = 3 * i
    answered = queued + 5 + i % 40
    ended = answered + 60 + i % 300
    return queued, answered, ended, ended + 10 + i % 30


def connect_record(i: int) -> Json:
    """Return a contact record."""
    queued, answered, ended, wrapped = _call(i)
    return {
        "ContactId": f"c-{i}",
        "InitialContactId": None,
        "PreviousContactId": None,
        "NextContactId": f"c-{i + 1}" if i % 10 == 9 else None,
        "Channel": "VOICE",
        "InitiationMethod": "OUTBOUND" if i % 17 == 0 else "INBOUND",
        "InitiationTimestamp": _at(queued - 5),
        "ConnectedToSystemTimestamp": _at(queued - 5),
        "DisconnectTimestamp": _at(ended),
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "LastUpdateTimestamp": _at(wrapped + 60),
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": number(i)},
        "SystemEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": number(i)},
        "TransferredToEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": number(i)}
        if i % 13 == 0
        else None,
        "Attributes": {"caller": number(i)},
        "Queue": {
            "ARN": f"{_ARN}/queue/q{i % 5}",
            "Name": f"queue-{i % 5}",
            "EnqueueTimestamp": _at(queued),
            "DequeueTimestamp": _at(answered),
            "Duration": answered - queued,
        },
        "Agent": None
        if i % 7 == 0
        else {
            "ARN": f"{_ARN}/agent/a{i % 50}",
            "Username": f"agent-{i % 50}",
            "ConnectedToAgentTimestamp": _at(answered),
            "AgentInteractionDuration": ended - answered - 10,
            "CustomerHoldDuration": 10,
            "NumberOfHolds": 1,
            "AfterContactWorkStartTimestamp": _at(ended),
            "AfterContactWorkEndTimestamp": _at(wrapped),
            "AfterContactWorkDuration": wrapped - ended,
        },
    }


def connect_event(i: int) -> Json:
    """Return a contact event in its envelope; five make a call."""
    call, step = divmod(i, 5)
    queued, answered, ended, wrapped = _call(call)
    kinds = ("INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED")
    agent = {"agentArn": f"{_ARN}/agent/a{call % 50}", "connectedToAgentTimestamp": _at(answered)}
    if step > 3:
        agent["afterContactWorkStartTimestamp"] = _at(ended)
        agent["afterContactWorkEndTimestamp"] = _at(wrapped)
    detail: Json = {
        "eventType": kinds[step],
        "contactId": f"c-{call}",
        "channel": "VOICE",
        "initiationMethod": "INBOUND",
        "initiationTimestamp": _at(queued - 5),
        "customerEndpoint": {"type": "TELEPHONE_NUMBER", "address": number(call)},
    }
    if step > 0:
        queue = {"queueArn": f"{_ARN}/queue/q{call % 5}", "enqueueTimestamp": _at(queued)}
        detail["queueInfo"] = queue
    if step > 1:
        detail["agentInfo"] = agent
    if step > 2:
        detail |= {"disconnectTimestamp": _at(ended), "disconnectReason": "CUSTOMER_DISCONNECT"}
    at = (queued - 5, queued, answered, ended, wrapped)[step]
    kind = "Amazon Connect Contact Event"
    return {"id": f"e-{i}", "detail-type": kind, "time": _at(at), "detail": detail}


def _snapshot(call: int, step: int) -> Json:
    queued, answered, ended, _ = _call(call)
    states = {1: ("CONNECTING", answered - 3), 2: ("CONNECTED", answered), 3: ("ENDED", ended)}
    contacts = []
    if step in states:
        state, since = states[step]
        contacts.append(
            {
                "ContactId": f"c-{call}",
                "Channel": "VOICE",
                "InitiationMethod": "INBOUND",
                "State": state,
                "StateStartTimestamp": _at(since),
                "QueueTimestamp": _at(queued),
                "ConnectedToAgentTimestamp": _at(answered) if step > 1 else None,
                "Queue": {"ARN": f"{_ARN}/queue/q{call % 5}", "Name": f"queue-{call % 5}"},
            }
        )
    status = {"Name": "Available", "Type": "ROUTABLE", "StartTimestamp": _at(0)}
    who = {"Username": f"agent-{call % 50}"}
    return {"AgentStatus": status, "Configuration": who, "Contacts": contacts}


def connect_agent(i: int) -> Json:
    """Return an agent event; four make a call."""
    call, step = divmod(i, 4)
    _, answered, ended, wrapped = _call(call)
    return {
        "AgentARN": f"{_ARN}/agent/a{call % 50}",
        "EventId": f"e-{i}",
        "EventTimestamp": _at((answered - 3, answered, ended, wrapped)[step]),
        "EventType": "STATE_CHANGE",
        "CurrentAgentSnapshot": _snapshot(call, step + 1),
        "PreviousAgentSnapshot": _snapshot(call, step),
    }


def _participant(purpose: str, segments: list[tuple[str, int, int]], **session: object) -> Json:
    queue = session.pop("queue", None)
    made = [
        {"segmentType": kind, "segmentStart": _at(a), "segmentEnd": _at(b), "queueId": queue}
        for kind, a, b in segments
    ]
    user = session.pop("user", None)
    session = {"mediaType": "voice", "direction": "inbound", "segments": made} | session
    return {"purpose": purpose, "userId": user, "sessions": [session]}


def genesys(i: int) -> Json:
    """Return a conversation."""
    queued, answered, ended, wrapped = _call(i)
    tel = f"tel:{number(i)}"
    talk = [
        ("alert", answered - 3, answered),
        ("interact", answered, ended - 10),
        ("hold", ended - 10, ended),
        ("wrapup", ended, wrapped),
    ]
    waited = {"name": "tAnswered", "value": 1000 * (answered - queued), "emitDate": _at(answered)}
    queue = f"q{i % 5}"
    customer = _participant(
        "customer", [("interact", queued - 5, ended)], ani=tel, dnis=tel, remote=tel
    )
    agent = _participant("agent", talk, queue=queue, user=f"u{i % 50}", ani=tel)
    acd = _participant("acd", [("interact", queued, answered)], queue=queue, metrics=[waited])
    return {
        "conversationId": f"conv-{i}",
        "conversationStart": _at(queued - 5),
        "conversationEnd": _at(ended),
        "originatingDirection": "inbound",
        "participants": [customer, acd, *([agent] if i % 7 else [])],
    }


def taskrouter(i: int) -> Json:
    """Return an event callback's parameters; five make a call."""
    call, step = divmod(i, 5)
    queued, answered, ended, wrapped = _call(call)
    kinds = (
        *("task-queue.entered", "reservation.created", "reservation.accepted"),
        *("reservation.wrapup", "reservation.completed"),
    )
    at = (queued, answered - 3, answered, ended, wrapped)[step]
    return {
        "EventType": kinds[step],
        "Sid": f"EV{i}",
        "TimestampMs": str((START + at) * 1000),
        "Timestamp": str(START + at),
        "TaskSid": f"WT{call}",
        "TaskAttributes": json.dumps({"from": number(call), "caller": number(call)}),
        "TaskQueueSid": f"WQ{call % 5}",
        "TaskQueueName": f"queue-{call % 5}",
        "WorkerSid": f"WK{call % 50}",
        "WorkerName": f"agent-{call % 50}",
        "ReservationSid": f"WR{call}",
    }


CSV_HEADER: Final = b"contact_id,queue,queued_at,answered_at,ended_at,agent,hold_s,acw_s,caller"


def csv_row(i: int) -> bytes:
    """Return a row of the table of calls."""
    queued, answered, ended, wrapped = _call(i)
    times = f"{_at(queued)},{_at(answered)},{_at(ended)}"
    tail = f"agent-{i % 50},10,{wrapped - ended},{number(i)}"
    return f"c-{i},queue-{i % 5},{times},{tail}".encode()


MAKERS: Final[dict[str, tuple[Callable[[Origin], Adapter], Callable[[int], Json]]]] = {
    "connect_records": (ConnectRecordAdapter, connect_record),
    "connect_events": (ConnectContactEventAdapter, connect_event),
    "connect_agents": (ConnectAgentAdapter, connect_agent),
    "genesys": (GenesysAdapter, genesys),
    "taskrouter": (TaskrouterAdapter, taskrouter),
}
FORMATS: Final = (*MAKERS, "csv_calls")


def documents(name: str, count: int) -> Iterator[bytes]:
    """Yield ``count`` documents of a format (of CSV a header before the rows)."""
    if name == "csv_calls":
        yield CSV_HEADER
        yield from map(csv_row, range(count))
        return
    make = MAKERS[name][1]
    for i in range(count):
        yield json.dumps(make(i)).encode()


def adapter(name: str) -> Callable[[Origin], Adapter]:
    """Return what makes the adapter of a format."""
    return CsvCallsAdapter if name == "csv_calls" else MAKERS[name][0]
