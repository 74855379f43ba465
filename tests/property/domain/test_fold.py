"""Laws of the fold: how a log is cut, or a worker killed, cannot change the numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import cycle
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.domain.alert import Alert
from pipeline.domain.alert_rule import BacklogRule, BurnRule, DropRule, Rule, ShareRule
from pipeline.domain.alert_scope import Scope
from pipeline.domain.cold_legs import Packing
from pipeline.domain.definition import ClockStop, KpiDefinition
from pipeline.domain.events import CallEvent, Rejected
from pipeline.domain.fold import PartitionFold, Record
from pipeline.domain.fold_state import dump, load
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.opening_hours import OpeningHours
from pipeline.domain.outcome import PARTS, contributions, parts_changed
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.domain.units import UNIT_FIELDS, KnownLeg, units
from tests.factories import NOON, a_target, an_event, history
from tests.strategies import HOUR, call_events, cuts, logs, one_leg_logs

RULE = DropRule(
    name="drop",
    version="1",
    severity="page",
    runbook="",
    window_ms=300_000,
    enter_margin_permille=100,
    leave_margin_permille=0,
    min_offered=1,
)
NAMES: dict[str, Any] = {"version": "1", "severity": "page", "runbook": ""}
BURN = BurnRule(
    name="burn",
    **NAMES,
    window_ms=120_000,
    long_ms=600_000,
    enter_permille=1500,
    leave_permille=1200,
    min_calls=1,
    inflation_permille=1000,
    for_ms=60_000,
    keep_firing_ms=300_000,
)
SHARE = ShareRule(
    name="abandon",
    **NAMES,
    window_ms=300_000,
    enter_permille=100,
    leave_permille=50,
    min_calls=1,
    inflation_permille=1000,
    keep_firing_ms=60_000,
)
RULES: list[Rule] = [
    RULE,
    BURN,
    SHARE,
    BacklogRule(
        name="wait",
        **NAMES,
        kpi="longest_wait",
        window_ms=1_800_000,
        enter=90_000,
        leave=60_000,
        for_ms=300_000,
    ),
    replace(RULE, name="client", scope=Scope.CLIENT, min_offered=2, keep_firing_ms=60_000),
]
EAGER = Packing(
    msgspec.msgpack.encode, msgspec.msgpack.decode, hot_legs=0, quiet_ms=0, every_ms=30_000
)
"""Packs whatever has finished at the next boundary."""

packings = st.sampled_from([None, EAGER, EAGER._replace(hot_legs=1, quiet_ms=60_000)])
WIDTHS = [len(fields) for fields in KPI_FIELDS.values()]
Sink = dict[tuple[str, int, int], list[int]]


class Reader:
    """What readers of the output topics hold: upserts by key, and every other output."""

    def __init__(self) -> None:
        self.panes: Sink = {}
        self.revisions: dict[tuple[str, int, int], int] = {}
        self.alerts: list[Alert] = []
        self.late: dict[int, str] = {}
        self.quarantined: set[int] = set()
        self.rejected: set[int] = set()

    def read(self, fold: PartitionFold) -> None:
        box = fold.take_outbox()
        for (queue, index, pane), counts in box.panes.items():
            key = (queue.key, index, pane)
            if fold.next_offset >= self.revisions.get(key, 0):
                self.panes[key], self.revisions[key] = list(counts), fold.next_offset
        self.alerts += box.alerts
        self.late |= {late.offset: late.reason for late in box.late}
        self.quarantined |= {offset for offset, _ in box.quarantined}
        self.rejected |= {offset for offset, _ in box.rejected}

    def counted(self) -> Sink:
        return {key: counts for key, counts in self.panes.items() if any(counts)}


def run(
    log: list[Record],
    sizes: list[int],
    reader: Reader | None = None,
    packing: Packing | None = None,
) -> tuple[PartitionFold, Reader]:
    fold, reader = PartitionFold(history, RULES, packing=packing), reader or Reader()
    for chunk in chunked(log, sizes):
        fold.fold(chunk)
        reader.read(fold)
    return fold, reader


def chunked(log: list[Record], sizes: list[int]) -> list[list[Record]]:
    chunks: list[list[Record]] = []
    start = 0
    for size in cycle(sizes):
        if start >= len(log):
            return chunks
        chunks.append(log[start : start + size])
        start += size
    raise AssertionError


def restart(fold: PartitionFold) -> PartitionFold:
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(dump(fold)))
    return load(plain, history, RULES, None if fold.cold is None else fold.cold.packing)


def logical(fold: PartitionFold) -> object:
    """Return the state less what only says how it came about: panes that are all zero."""
    state = dump(fold)
    for queue in state["queues"]:
        queue["panes"] = [sorted(p for p in panes if any(p[1:])) for panes in queue["panes"]]
    return state


def naive(log: list[Record], fold: PartitionFold, reader: Reader) -> Sink:
    """Merge all admitted events per leg, then count each leg once: no panes, no timers."""
    facts: dict[tuple[object, ...], LegFacts] = defaultdict(LegFacts)
    for offset, _, event in log:
        if offset in reader.late or offset in reader.quarantined or isinstance(event, Rejected):
            continue
        apply(facts[event.client, event.site, event.queue, event.contact_id, event.leg], event)
    sink: Sink = {}
    for key, leg in facts.items():
        for index, pane, deltas in contributions(leg, a_target(), fold.watermark.ms):
            name = f"{key[0]}/{key[1]}/{key[2]}"
            counts = sink.setdefault((name, index, pane), [0] * WIDTHS[index])
            for field, amount in deltas:
                counts[field] += amount
    return sink


@settings(max_examples=300)
@given(logs(), cuts, packings)
def test_how_the_log_is_cut_does_not_matter(
    log: list[Record], sizes: list[int], packing: Packing | None
) -> None:
    whole, once = run(log, [len(log)], packing=packing)
    pieces, cut = run(log, sizes, packing=packing)
    assert cut.counted() == once.counted()
    assert cut.alerts == once.alerts
    assert (cut.late, cut.quarantined, cut.rejected) == (once.late, once.quarantined, once.rejected)
    assert pieces.counters == whole.counters
    assert logical(pieces) == logical(whole)


@settings(max_examples=300)
@given(logs(), cuts)
def test_legs_kept_as_bytes_count_as_if_they_were_not(log: list[Record], sizes: list[int]) -> None:
    plain, once = run(log, sizes)
    packed, eager = run(log, sizes, packing=EAGER)
    assert eager.counted() == once.counted()
    assert eager.alerts == once.alerts
    assert (eager.late, eager.quarantined) == (once.late, once.quarantined)
    assert packed.counters == plain.counters
    assert packed.watermark == plain.watermark


@settings(max_examples=300)
@given(logs(), cuts, st.lists(st.integers(0, 3), max_size=8), packings)
def test_a_killed_worker_goes_on_as_if_nothing_had_happened(
    log: list[Record], sizes: list[int], kills: list[int], packing: Packing | None
) -> None:
    """Kill after some chunks; go back to one of the last snapshots and read the log again."""
    whole, once = run(log, sizes)
    fold, reader = PartitionFold(history, RULES, packing=packing), Reader()
    snapshots = [restart(fold)]
    for chunk in chunked(log, sizes):
        fold.fold(chunk)
        reader.read(fold)
        if kills:
            back = kills.pop()
            fold = restart(snapshots[max(0, len(snapshots) - 1 - back)])
            fold.fold(log[fold.next_offset : chunk[-1][0] + 1])
            reader.read(fold)
        snapshots.append(restart(fold))
    assert reader.counted() == once.counted()
    assert {a.alert_id for a in reader.alerts} == {a.alert_id for a in once.alerts}
    assert reader.late == once.late
    assert fold.counters == whole.counters


HOURS = KpiDefinition(
    name="h",
    inclusive=True,
    short_abandon_ms=5_000,
    opening_hours=OpeningHours((((0, 250), (300, 420)),) * 7),
)
"""It is 4:00 at noon: the queues close ten minutes later, open again at 5:00, close at 7:00."""
FEW: list[Rule] = [replace(BURN, min_calls=2), replace(SHARE, min_calls=2), *RULES[3:]]
"""Rules that look farther back, because a window may have too few calls."""


@settings(max_examples=300)
@given(logs(), cuts, cuts, st.sampled_from([a_target(), a_target(definition=HOURS)]))
def test_alerts_end_alike_however_often_the_fold_is_restarted(
    log: list[Record], sizes: list[int], others: list[int], target: ServiceTarget
) -> None:
    def of(client: str, site: str, queue: str) -> TargetHistory:
        return TargetHistory((0,), (target,))

    def said(sizes: list[int], *, restarts: bool) -> tuple[list[Alert], object]:
        fold, found = PartitionFold(of, FEW), list[Alert]()
        for chunk in chunked(log, sizes):
            fold.fold(chunk)
            found += fold.take_outbox().alerts
            if restarts:
                fold = load(msgspec.msgpack.decode(msgspec.msgpack.encode(dump(fold))), of, FEW)
        return found, logical(fold)

    assert said(sizes, restarts=False) == said(others, restarts=True)


@settings(max_examples=500)
@given(one_leg_logs(), cuts, st.integers(1, 9), st.integers(0, 59))
def test_what_a_dead_worker_said_in_between_is_corrected_by_its_successor(
    log: list[Record], first: list[int], second: int, life: int
) -> None:
    """The successor cuts the log elsewhere: a count that comes and goes within one of its chunks
    may have been published by its predecessor, so the pane has to be told again."""
    reader = Reader()
    run(log[: life % len(log)], first, reader)
    run(log, [second], reader)
    _, once = run(log, [len(log)])
    assert reader.counted() == once.counted()


@settings(max_examples=500)
@given(logs(), cuts)
def test_panes_equal_a_naive_count_of_the_admitted_events(
    log: list[Record], sizes: list[int]
) -> None:
    fold, reader = run(log, sizes)
    assert reader.counted() == {k: v for k, v in naive(log, fold, reader).items() if any(v)}


@given(logs(), cuts)
def test_every_record_ends_in_exactly_one_count(log: list[Record], sizes: list[int]) -> None:
    fold, reader = run(log, sizes)
    counters = fold.counters
    assert counters.total == len(log) == fold.next_offset
    assert counters.late == len(reader.late)
    assert counters.quarantined == len(reader.quarantined)
    assert counters.rejected == len(reader.rejected)
    assert all(isinstance(e, CallEvent) for o, _, e in log if o not in reader.rejected)


@given(logs(), cuts)
def test_service_level_counts_are_consistent(log: list[Record], sizes: list[int]) -> None:
    _, reader = run(log, sizes)
    fields = KPI_FIELDS["service-level"]
    for (_, index, _), counts in reader.panes.items():
        if index == 0:
            c = dict(zip(fields, counts, strict=True))
            ends = ("answered", "abandoned", "flowed_out", "callbacks", "waiting_over")
            assert c["offered"] == sum(c[end] for end in ends)
            assert all(n >= 0 for n in counts)
            assert c["answered_within"] <= c["answered"]
            assert c["abandoned_short"] <= c["abandoned_within"] <= c["abandoned"]


@settings(max_examples=200)
@given(logs(), cuts)
def test_panes_equal_the_units_of_a_definition_that_is_live(
    log: list[Record], sizes: list[int]
) -> None:
    """Opening hours, an announcement taken off, and a threshold that is not inclusive."""
    rules = KpiDefinition(
        name="counter",
        inclusive=False,
        clock_stop=ClockStop.BEFORE_ANNOUNCEMENT,
        announcement_ms=2_000,
        opening_hours=OpeningHours((((240, 270), (300, 1440)),) * 7),
    )
    assert rules.is_live
    targets = TargetHistory((0,), (a_target(definition=rules, inclusive=False),))
    fold, reader = PartitionFold(lambda *_queue: targets), Reader()
    for chunk in chunked(log, sizes):
        fold.fold(chunk)
        reader.read(fold)
    facts: dict[tuple[str, str, str, str, int], LegFacts] = defaultdict(LegFacts)
    for offset, _, e in log:
        if offset not in reader.late.keys() | reader.quarantined and not isinstance(e, Rejected):
            apply(facts[e.client, e.site, e.queue, e.contact_id, e.leg], e)
    legs = [KnownLeg(*key, leg, fold.watermark.ms) for key, leg in facts.items()]
    by_units: Counter[str] = Counter()
    for unit in units(legs, lambda *_queue: targets):
        by_units.update(unit.counts)
    by_panes: Counter[str] = Counter()
    for (_, index, _), counts in reader.panes.items():
        by_panes.update(dict(zip(list(KPI_FIELDS.values())[index], counts, strict=True)))
    timed = {"handled", "talk_ms", "hold_ms", "acw_ms", "held"}  # at another instant, or not yet
    for field in set(UNIT_FIELDS) - timed:
        assert by_panes[field] == by_units[field], field


@settings(max_examples=500)
@given(st.lists(call_events(), min_size=1, max_size=15))
def test_an_event_changes_only_the_parts_it_is_said_to_change(events: list[CallEvent]) -> None:
    facts, target, far = LegFacts(), a_target(), NOON + 10 * HOUR
    before = [part(facts, target, far) for part in PARTS]
    for event in events:
        apply(facts, event)
        after = [part(facts, target, far) for part in PARTS]
        said = parts_changed(event.type, facts)
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            assert said >> i & 1 or sorted(old) == sorted(new), event.type
        before = after


@given(st.lists(call_events(), min_size=1, max_size=60), st.integers(2, 4))
def test_shards_of_a_site_add_up_to_the_whole(events: list[CallEvent], shards: int) -> None:
    """Contacts are dealt over shards, each a site of its own in a partition of its own."""
    in_order = sorted(events, key=lambda event: event.occurred_at_ms)
    dealt: list[list[CallEvent]] = [[] for _ in range(shards)]
    for event in in_order:
        number = int(event.contact_id[1:]) % shards
        dealt[number].append(replace(event, site=f"s{number}"))
    whole = counts_by_queue(in_order)
    merged: defaultdict[tuple[str, int, int], Counter[int]] = defaultdict(Counter)
    for shard in dealt:
        for key, counts in counts_by_queue(shard).items():
            merged[key].update(dict(enumerate(counts)))
    assert {key: +counts for key, counts in merged.items()} == {
        key: +Counter(dict(enumerate(counts))) for key, counts in whole.items()
    }


def counts_by_queue(events: list[CallEvent]) -> Sink:
    """Fold events and then one of each source after which nothing waits, in a queue apart."""
    last = [
        an_event("queued", 24 * HOUR, queue="end", contact_id=source, source=source)
        for source in ("acd", "ivr")
    ]
    numbered = enumerate([*events, *last])
    log: list[Record] = [(offset, NOON + 48 * HOUR, event) for offset, event in numbered]
    _, reader = run(log, [100])
    assume(not reader.late)  # a shard's clock may be behind that of all of them
    return {
        (key.rpartition("/")[2], index, pane): counts
        for (key, index, pane), counts in reader.counted().items()
        if not key.endswith("/end")
    }
