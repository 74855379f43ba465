"""What must hold of landed call events before a month is made of them.

DuckDB computes one row of metrics, Great Expectations judges it (``gate.py``). dbt's own tests
hold the models' invariants; here stand the questions a person would ask before accepting a
dataset.
"""

from __future__ import annotations

from typing import Final

from pipeline.quality.rules import Rule, Suite

_LACKS_A_KEY: Final = """
    event_id is null or client is null or site is null or queue is null
    or contact_id is null or leg is null or type is null or occurred_at_ms is null
"""
_UNKNOWN_TYPE: Final = """
    type not in (
        'queued', 'offered', 'answered', 'hold_started', 'hold_ended', 'abandoned',
        'flowed_out', 'transferred', 'ended', 'wrapup_started', 'wrapup_ended',
        'callback_requested', 'complaint_flagged', 'ring_no_answer', 'refused', 'dialed',
        'connected'
    )
"""
_AHEAD: Final = "occurred_at_ms > _appended_at_ms + 5000"

LANDED_METRICS: Final = f"""
select
    count(*) as rows_read,
    count(*) - count(distinct (_partition::bigint << 44) + _offset) as offsets_landed_twice,
    count(*) filter ({_LACKS_A_KEY}) as rows_without_a_key,
    count(*) filter ({_UNKNOWN_TYPE}) as rows_of_unknown_type,
    count(*) filter ({_AHEAD}) as rows_ahead_of_the_clock
from landed.call_events
"""


def _rows(where: str) -> str:
    return f"select * from landed.call_events where {where}"


LANDED: Final = Suite(
    "landed-call-events",
    (
        Rule("damaged_files", "critical", "a landed file differs from its manifest"),
        Rule("rows_missing", "critical", "rows read are not the rows the manifests count"),
        Rule(
            "offsets_landed_twice",
            "critical",
            "an offset of the log was landed more than once",
            keys="select * from landed.call_events "
            "qualify row_number() over (partition by _partition, _offset) > 1",
        ),
        Rule(
            "rows_without_a_key",
            "critical",
            "an event lacks what identifies its leg",
            keys=_rows(_LACKS_A_KEY),
        ),
        Rule(
            "rows_of_unknown_type",
            "critical",
            "no rule says what such an event counts for",
            keys=_rows(_UNKNOWN_TYPE),
        ),
        Rule(
            "rows_ahead_of_the_clock",
            "critical",
            "these belong into quarantine",
            keys=_rows(_AHEAD),
        ),
        Rule("offsets_missing", "warning", "the log had gaps where call events were expected"),
        Rule(
            "rejects_per_mille", "warning", "more than 1 % of the records were no events", most=10
        ),
        Rule("quarantined_per_mille", "warning", "more than 1 % had a clock ahead", most=10),
    ),
)
