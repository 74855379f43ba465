"""Every format of the table, through the real plumbing: bytes in, records for its topics out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import adapters, cloud_documents
from pipeline.codec.adapter import Origin
from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.domain.events import Rejected
from pipeline.ingest.ami import AmiSession
from pipeline.ingest.formats import FORMATS
from pipeline.ingest.intake import Intake
from pipeline.ingest.message import Message
from pipeline.ingest.session import Credentials
from pipeline.ingest.tally import Tally

ORIGIN = Origin(client="acme", source="pbx", customer_key=b"key")
QUEUE_LOG = b"""\
1700000000|NONE|NONE|SIP/1|ADDMEMBER|
1700000001|1.1|service|NONE|ENTERQUEUE||030123|1
1700000005|1.1|service|SIP/1|CONNECT|4|1.2|3
1700000065|1.1|service|SIP/1|COMPLETECALLER|4|60|1
"""
CLOUD = {name.replace("_", "-"): name for name in cloud_documents.FORMATS}
DECODERS: dict[str, Callable[[bytes], object]] = {
    "acd.events": decode_call_event,
    "acd.agent-states": decode_agent_state,
}


def through(name: str, data: bytes) -> tuple[list[Message], Tally]:
    """Return what a file of a format gives, and its counts."""
    tally = Tally()
    intake = Intake(FORMATS[name], ORIGIN, tally, topic=str)
    stream = intake.open("file")
    messages = [*stream.feed(data), *stream.end(), *stream.finish(), *intake.finish()]
    assert tally.adds_up, tally
    return messages, tally


def sample(name: str) -> bytes:
    """Return a file of a format with some calls in it."""
    if name == "ami":
        return b"\n\n".join(adapters.ami_calls(20))
    if name == "freeswitch":
        return b"\n\n".join(adapters.freeswitch_calls(20))
    if name == "queue_log":
        return QUEUE_LOG
    if name == "queue_log_table":
        rows = ((line.split("|") + [""] * 2)[:8] for line in QUEUE_LOG.decode().splitlines())
        header = "time,callid,queuename,agent,event,data1,data2,data3"
        return "\n".join([header, *map(",".join, rows)]).encode()
    return b"\n".join(cloud_documents.documents(CLOUD[name], 40))


@pytest.mark.parametrize("name", ["queue_log", "queue_log_table", "ami", "freeswitch", *CLOUD])
def test_a_file_of_each_source_becomes_events_that_their_topics_take(name: str) -> None:
    messages, tally = through(name, sample(name))
    assert tally.taken > 0
    assert tally.rejected == {}
    events = [DECODERS[message.topic](message.value) for message in messages]
    assert events
    assert not [event for event in events if isinstance(event, Rejected)]
    assert {message.key for message in messages} == {b"acme"}


@pytest.mark.parametrize("name", ["queue_log", "queue_log_table", "ami", "freeswitch", *CLOUD])
def test_a_file_read_twice_tells_the_same_events(name: str) -> None:
    once, twice = through(name, sample(name))[0], through(name, sample(name))[0]
    assert once == twice


def test_asterisk_s_events_without_a_time_are_events_of_when_they_came() -> None:
    session = AmiSession(Credentials(ami_user="vane", ami_secret="s"))
    join = b"Event: QueueCallerJoin\r\nQueue: service\r\nUniqueid: 17.1\r\nLinkedid: 17.1\r\n"
    session.receive(b"Asterisk Call Manager/7.0.3\r\n", now_ms=1)
    tally = Tally()
    intake = Intake(FORMATS["ami"], ORIGIN, tally, topic=str)
    stream = intake.open("pbx:5038", is_live=True)
    framed = session.receive(join + b"Position: 1\r\n\r\n", now_ms=1_700_000_000_123)
    (message,) = stream.take(framed)
    event = decode_call_event(message.value)
    assert not isinstance(event, Rejected)
    assert (event.type, event.queue, event.occurred_at_ms) == (
        "queued",
        "service",
        1_700_000_000_123,
    )
    assert tally.anomalies == {"stamped_on_arrival": 1}
