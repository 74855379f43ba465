"""How often the shipped rules fire on simulated days: on normal ones, and when on 双11.

    python -m benchmarks.alert_days --days 30 --seed 1
    python -m benchmarks.alert_days --scenario double11
    python -m benchmarks.alert_days --demo

Each routing key is folded as a partition of its own, as in production. Prints what fired, by rule,
and what has no end; of 双11 also which share of the queue's day had been offered by then.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.codec.decode import decode_call_event
from pipeline.config_files import load_config
from pipeline.domain.alert import Alert, AlertStatus
from pipeline.domain.events import CallEvent, Rejected
from pipeline.domain.fold import PartitionFold
from pipeline.settings import PROJECT_ROOT
from pipeline.simulator.plan import SURGE_DAY, Order, Scenario
from pipeline.simulator.run import CALLS_FILE, write_canonical

SLICE_RECORDS: Final = 500
QueueName = tuple[str, str, str]


class Told(NamedTuple):
    """Everything that was said, and the instants (epoch ms) of each queue's calls, ascending."""

    alerts: list[Alert]
    queued_ms: dict[QueueName, list[int]]

    def firing(self, *rules: str) -> list[Alert]:
        """Return what fired of some rules, or of all."""
        return [
            alert
            for alert in self.alerts
            if alert.status is AlertStatus.FIRING and (not rules or alert.rule in rules)
        ]

    def unended(self) -> list[Alert]:
        """Return what still fires when the log ends."""
        newest = {(a.client, a.site, a.queue, a.rule): a for a in self.alerts}
        return [alert for alert in newest.values() if alert.status is AlertStatus.FIRING]

    def share_before(self, alert: Alert) -> float:
        """Return which share of the queue's calls had been offered before an alert."""
        instants = self.queued_ms[alert.client, alert.site, alert.queue]
        return sum(at < alert.at_ms for at in instants) / len(instants)


def told(*orders: Order, slice_records: int = SLICE_RECORDS) -> Told:
    """Simulate in turn, fold by the shipped configuration, and return what its rules say."""
    targets, rules = load_config(PROJECT_ROOT / "config")
    queued: dict[QueueName, list[int]] = defaultdict(list)
    logs: dict[tuple[str, str], list[CallEvent]] = defaultdict(list)
    for event in itertools.chain.from_iterable(map(simulated, orders)):
        logs[event.client, event.site].append(event)
        if event.type == "queued":
            queued[event.client, event.site, event.queue].append(event.occurred_at_ms)
    alerts: list[Alert] = []
    for log in logs.values():
        fold = PartitionFold(targets.history, rules.rules)
        appended, records = 0, []
        for offset, event in enumerate(log):
            appended = max(appended, event.occurred_at_ms)
            records.append((offset, appended, event))
        for start in range(0, len(records), slice_records):
            fold.fold(records[start : start + slice_records])
            alerts += fold.take_outbox().alerts
    return Told(alerts, {queue: sorted(instants) for queue, instants in queued.items()})


def simulated(order: Order) -> Iterator[CallEvent]:
    """Yield the call events in order of delivery."""
    with tempfile.TemporaryDirectory(prefix="vane-alert-days-") as folder:
        write_canonical(order, Path(folder), lambda _calls: None)
        with (Path(folder) / CALLS_FILE).open("rb") as lines:
            for line in lines:
                event = decode_call_event(line)
                if isinstance(event, Rejected):
                    raise TypeError(event)
                yield event


def demo_month(seed: int, scale: float = 1.0) -> list[Order]:
    """Return what ``vane demo`` simulates: a normal November with 双11 in its place."""
    normal = Order(scenario=Scenario.NORMAL_MONTH, seed=seed, year=2025, month=11, scale=scale)
    return [
        replace(normal, days=SURGE_DAY - 1),
        replace(normal, scenario=Scenario.DOUBLE11),
        replace(normal, first_day=SURGE_DAY + 1),
    ]


def main() -> None:
    """Print what fired."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--scenario", choices=list(Scenario), default=Scenario.NORMAL_MONTH)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=None)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--demo", action="store_true", help="the month of vane demo")
    options = parser.parse_args()
    order = Order(
        scenario=Scenario(options.scenario),
        seed=options.seed,
        year=2025,
        month=11,
        scale=options.scale,
        days=options.days,
    )
    orders = demo_month(options.seed, options.scale) if options.demo else [order]
    found = told(*orders)
    days, queues = sum(len(one.dates()) for one in orders), len(found.queued_ms)
    calls = sum(map(len, found.queued_ms.values()))
    sys.stdout.write(f"{days} days, {queues} queues, {calls:,} calls\n")
    unended = Counter(alert.rule for alert in found.unended())
    for rule, times in sorted(Counter(alert.rule for alert in found.firing()).items()):
        a_day = times / days / queues
        sys.stdout.write(
            f"{rule:24}{times:6}{a_day:10.3f} a queue and day{unended[rule]:6} no end\n"
        )
    if orders == [order] and order.scenario is Scenario.DOUBLE11:
        for alert in found.firing():
            share = found.share_before(alert)
            queue = f"{alert.client}/{alert.site}/{alert.queue}"
            sys.stdout.write(f"{alert.rule:24}{queue:32}{share:8.1%} of the day's calls before\n")


if __name__ == "__main__":
    main()
