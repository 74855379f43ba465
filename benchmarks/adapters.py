"""Records per CPU second of each adapter: ``python -m benchmarks.adapters [NAME…]``.

The streams are made here. ``ADAPTERS`` has a line per adapter: its name, a maker of the adapter, a
maker of records; to add one, add a line. The streams hold what a live system sends:
most records are not of queues at all.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import quote

from benchmarks import cloud_documents
from pipeline.codec.adapter import Adapter, Origin
from pipeline.codec.ami import AmiAdapter
from pipeline.codec.freeswitch import FreeswitchAdapter
from pipeline.domain.events import Rejected

START: Final = 1_735_689_600
SPACING_S: Final = 3
ORIGIN: Final = Origin(client="acme", source="bench", customer_key=b"bench")
CHANNEL: Final = {
    "ChannelState": "6",
    "ChannelStateDesc": "Up",
    "ConnectedLineNum": "<unknown>",
    "ConnectedLineName": "<unknown>",
    "Language": "en",
    "AccountCode": "",
    "Priority": "1",
    "Context": "from-trunk",
    "Exten": "600",
}


class Made(NamedTuple):
    """How to make an adapter, and records of so many calls."""

    adapter: Callable[[], Adapter]
    records: Callable[[int], Iterator[bytes]]


def ami_block(event: str, at: float, fields: Mapping[str, object]) -> bytes:
    """Return an AMI message."""
    head = f"Event: {event}\r\nPrivilege: call,all\r\nTimestamp: {at:.6f}\r\n"
    return (head + "\r\n".join(f"{k}: {v}" for k, v in fields.items())).encode()


def ami_calls(calls: int) -> Iterator[bytes]:
    """Yield the messages of calls: of every 15, 7 are of queues and their members."""
    for number in range(calls):
        began = START + number * SPACING_S
        unique, agent = f"{began}.{number}", f"agent{number % 200}"
        channel = {"Channel": f"PJSIP/trunk-{number:08x}", "CallerIDNum": f"+4930{number:08d}"}
        who = {**channel, "CallerIDName": "A Caller", **CHANNEL, "Uniqueid": unique}
        who |= {"Linkedid": unique}
        queued = who | {"Queue": f"queue{number % 20}", "Position": 1, "Count": 1}
        line = {"Dest" + name: value for name, value in CHANNEL.items()}
        line |= {"Interface": f"PJSIP/{agent}", "MemberName": agent, "DestUniqueid": f"{unique}1"}
        member = {"Queue": f"queue{number % 20}", "MemberName": agent, "Paused": 0, "InCall": 0}
        told: dict[str, object] = {"HoldTime": 9, "RingTime": 5}
        yield ami_block("Newchannel", began, who)
        yield ami_block("Newstate", began, who)
        yield ami_block("VarSet", began, who | {"Variable": "LANG", "Value": "en"})
        yield ami_block("Newexten", began, who | {"Application": "Answer", "AppData": ""})
        yield ami_block("QueueCallerJoin", began + 1.25, queued)
        yield ami_block("DialBegin", began + 4, who | line)
        yield ami_block("AgentCalled", began + 4, queued | line)
        yield ami_block("QueueMemberStatus", began + 4.1, member | {"Status": 6, "Wrapuptime": 10})
        yield ami_block("DialEnd", began + 10, who | line)
        yield ami_block("QueueCallerLeave", began + 10, queued)
        yield ami_block("AgentConnect", began + 10, queued | line | told)
        yield ami_block("BridgeEnter", began + 10, who)
        told = {"HoldTime": 9, "TalkTime": 180, "Reason": "caller"}
        yield ami_block("AgentComplete", began + 190, queued | line | told)
        yield ami_block("Hangup", began + 190, who)
        yield ami_block("QueueMemberStatus", began + 191, member | {"Status": 1, "Wrapuptime": 10})


def freeswitch_block(action: str, at: float, fields: Mapping[str, object]) -> bytes:
    """Return a ``callcenter::info`` event with the head that every event has."""
    head = {
        "Event-Subclass": "callcenter::info",
        "Event-Name": "CUSTOM",
        "Core-UUID": "c0" * 16,
        "FreeSWITCH-Hostname": "fs1",
        "FreeSWITCH-Switchname": "fs1",
        "FreeSWITCH-IPv4": "::1",
        "Event-Date-Local": "2025-01-01 00:00:00",
        "Event-Date-GMT": "Wed, 01 Jan 2025",
        "Event-Date-Timestamp": int(at * 1_000_000),
        "Event-Calling-File": "mod_callcenter.c",
        "Event-Calling-Function": "callcenter_function",
        "Event-Sequence": "123456",
        "CC-Action": action,
    }
    lines = (f"{name}: {quote(str(value))}" for name, value in {**head, **fields}.items())
    return "\n".join(lines).encode()


def freeswitch_calls(calls: int) -> Iterator[bytes]:
    """Yield the events of calls: 8 of 10 tell of a leg or an agent."""
    for number in range(calls):
        began = START + number * SPACING_S
        agent = {"CC-Agent": f"agent{number % 200}", "CC-Agent-System": "single_box"}
        who: dict[str, object] = {"CC-Queue": f"queue{number % 20}@default"}
        who |= {"CC-Member-UUID": f"m-{number:032x}", "CC-Member-Session-UUID": f"s-{number:032x}"}
        who |= {"CC-Member-CID-Name": "A Caller", "CC-Member-CID-Number": f"+4930{number:08d}"}
        told = {"CC-Agent-Called-Time": began + 3, "CC-Agent-Answered-Time": began + 10}
        told |= {"CC-Member-Joined-Time": began + 1}
        over = {**who, **agent, **told, "CC-Agent-UUID": f"a-{number:032x}"}
        count = {"CC-Queue": who["CC-Queue"], "CC-Count": 3}
        busy, waiting = {"CC-Agent-State": "In a queue call"}, {"CC-Agent-State": "Waiting"}
        ended = {"CC-Bridge-Terminated-Time": began + 190, "CC-Agent-Bridged": "true"}
        left = {"CC-Member-Leaving-Time": began + 190, "CC-Cause": "Terminated"}
        yield freeswitch_block("member-queue-start", began + 1.25, who)
        yield freeswitch_block("members-count", began + 1.3, count)
        yield freeswitch_block(
            "agent-state-change", began + 3, {**agent, "CC-Agent-State": "Receiving"}
        )
        yield freeswitch_block("agent-offering", began + 3, {**who, **agent})
        yield freeswitch_block("bridge-agent-start", began + 10, over)
        yield freeswitch_block("agent-state-change", began + 10.2, {**agent, **busy})
        yield freeswitch_block("members-count", began + 10.3, count)
        yield freeswitch_block("bridge-agent-end", began + 190, {**over, **ended})
        yield freeswitch_block("member-queue-end", began + 190, {**over, **left})
        yield freeswitch_block("agent-state-change", began + 190, {**agent, **waiting})


ADAPTERS: Final[Mapping[str, Made]] = {
    "ami": Made(lambda: AmiAdapter(ORIGIN), ami_calls),
    "freeswitch": Made(lambda: FreeswitchAdapter(ORIGIN, wrapup_s=10), freeswitch_calls),
    **{
        name: Made(
            partial(cloud_documents.adapter(name), ORIGIN), partial(cloud_documents.documents, name)
        )
        for name in cloud_documents.FORMATS
    },
}


def measure(made: Made, calls: int) -> dict[str, float]:
    """Return what feeding the records of so many calls took; making them is not counted."""
    adapter, found, rejected, used = made.adapter(), 0, 0, 0.0
    records, size = 0, 0
    chunk: list[bytes] = []

    def feed() -> None:
        nonlocal found, rejected, used
        start = time.process_time()
        for record in chunk:
            for event in adapter.feed(record):
                found += 1
                rejected += isinstance(event, Rejected)
        used += time.process_time() - start

    for record in made.records(calls):
        chunk.append(record)
        records += 1
        size += len(record)
        if len(chunk) == 10_000:
            feed()
            chunk.clear()
    feed()
    found += len(list(adapter.finish()))
    return {
        "records": records,
        "bytes": size / records,
        "events": found,
        "rejected": rejected,
        "skipped": sum(adapter.skipped.values()),
        "per_s": records / used,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure the adapters named, or all."""
    parser = argparse.ArgumentParser(description="Records per CPU second of each adapter.")
    parser.add_argument("names", nargs="*", default=list(ADAPTERS), help=", ".join(ADAPTERS))
    parser.add_argument("--calls", type=int, default=20_000)
    arguments = parser.parse_args()
    print(f"{'adapter':<16}{'records':>10}{'bytes each':>12}{'events':>10}{'rejected':>10}"
          f"{'skipped':>10}{'records/CPU s':>15}{'peak MB':>9}")  # fmt: skip
    for name in arguments.names:
        told = measure(ADAPTERS[name], arguments.calls)
        print(f"{name:<16}{told['records']:>10,}{told['bytes']:>12.0f}{told['events']:>10,}"
              f"{told['rejected']:>10,}{told['skipped']:>10,}{told['per_s']:>15,.0f}"
              f"{told['rss_mb']:>9.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
