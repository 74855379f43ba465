"""What the gate is told of landed call events: each fault is counted, and its rows are kept."""

from __future__ import annotations

import duckdb
import pytest

from pipeline.lake.shape import CALL_EVENTS, SHAPES
from pipeline.lake.warehouse import show_files
from pipeline.quality.landed import LANDED, LANDED_METRICS

NOON = 1_762_833_600_000
GOOD = (
    "'e' || i as event_id, 'queued' as type, 'acme' as client, '' as site, 'service' as queue, "
    f"'c' || i as contact_id, 1 as leg, {NOON} as occurred_at_ms, 0 as _partition, "
    f"i as _offset, {NOON} as _appended_at_ms"
)
FAULTS = {
    "rows_without_a_key": "null as queue",
    "rows_of_unknown_type": "'sung' as type",
    "rows_ahead_of_the_clock": f"{NOON + 5001} as occurred_at_ms",
    "offsets_landed_twice": "0 as _offset",
}


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_fault_is_counted_alone_and_its_row_is_kept(fault: str | None) -> None:
    con = duckdb.connect(":memory:")
    show_files(con, "call_events", SHAPES[CALL_EVENTS], [])
    con.execute("create table good as select * from landed.call_events")
    con.execute(f"insert into good by name select {GOOD} from range(3) t(i)")
    if fault:
        replaced = FAULTS[fault]
        con.execute(f"update good set {replaced.rpartition(' as ')[2]} = "
                    f"{replaced.rpartition(' as ')[0]} where _offset = 2")  # fmt: skip
    con.execute("create or replace view landed.call_events as select * from good")
    cursor = con.execute(LANDED_METRICS)
    names = [column[0] for column in cursor.description or ()]
    found = dict(zip(names, cursor.fetchall()[0], strict=True))
    assert found.pop("rows_read") == 3
    assert {name for name, count in found.items() if count} == ({fault} if fault else set())
    for rule in LANDED.rules:
        if rule.keys:
            assert len(con.execute(rule.keys).fetchall()) == found[rule.metric], rule.metric
