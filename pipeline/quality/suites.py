"""What must hold of the landed data and of the marts: one suite per boundary.

DuckDB computes one row of metrics, Great Expectations judges it (``gate.py``). dbt's own tests
hold the models' invariants; here stand the questions a person would ask before accepting a
dataset. A ``critical`` rule closes the gate, a ``warning`` is reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A metric must lie between ``least`` and ``most`` (inclusive, None: no limit)."""

    metric: str
    severity: Severity
    why: str
    least: float | None = 0
    most: float | None = 0


LANDED_METRICS: Final = """
select
    count(*) as rows_read,
    count(*) - count(distinct (_partition::bigint << 44) + _offset) as offsets_landed_twice,
    count(*) filter (
        event_id is null or client is null or site is null or queue is null
        or contact_id is null or leg is null or type is null or occurred_at_ms is null
    ) as rows_without_a_key,
    count(*) filter (
        type not in (
            'queued', 'offered', 'answered', 'hold_started', 'hold_ended', 'abandoned',
            'flowed_out', 'transferred', 'ended', 'wrapup_started', 'wrapup_ended',
            'callback_requested', 'complaint_flagged', 'ring_no_answer', 'refused', 'dialed',
            'connected'
        )
    ) as rows_of_unknown_type,
    count(*) filter (occurred_at_ms > _appended_at_ms + 5000) as rows_ahead_of_the_clock
from landed.call_events
"""

LANDED: Final = (
    Rule("damaged_files", "critical", "a landed file differs from its manifest"),
    Rule("rows_missing", "critical", "rows read are not the rows the manifests count"),
    Rule("offsets_landed_twice", "critical", "an offset of the log was landed more than once"),
    Rule("rows_without_a_key", "critical", "an event lacks what identifies its leg"),
    Rule("rows_of_unknown_type", "critical", "no rule says what such an event counts for"),
    Rule("rows_ahead_of_the_clock", "critical", "these belong into quarantine"),
    Rule("offsets_missing", "warning", "the log had gaps where call events were expected"),
    Rule("rejects_per_mille", "warning", "more than 1 % of the records were no events", most=10),
    Rule("quarantined_per_mille", "warning", "more than 1 % had a clock ahead", most=10),
)


def fact_metrics_sql(views: Iterable[str]) -> str:
    """Return the query of the metrics of landed facts, given the names of their views."""
    listed = "\n    union all\n    ".join(
        f"select '{name}' as fact, record_id, revision_id, client, site, as_of_ms, _partition, "
        f"_offset, _appended_at_ms from landed.{name}"
        for name in views
    )
    return f"""
with facts as (
    {listed}
),
revisions as (
    select fact, record_id, as_of_ms, count(distinct revision_id) as contents
    from facts
    group by all
)
select
    count(*) as rows_read,
    count(*) - count(distinct (fact, _partition, _offset)) as offsets_landed_twice,
    count(*) filter (
        record_id is null or revision_id is null or client is null or site is null
        or as_of_ms is null
    ) as rows_without_a_key,
    count(*) filter (as_of_ms > _appended_at_ms + 86400000) as rows_issued_in_the_future,
    (select count(*) from revisions where contents > 1) as contradictory_revisions,
    (select count(*) from landed.schedule where end_ms <= start_ms)
        + (select count(*) from landed.incidents where end_ms <= start_ms)
        + (select count(*) from landed.people where valid_to_ms <= valid_from_ms)
        as spans_without_length
from facts
"""


FACTS: Final = (
    Rule("rows_missing", "critical", "rows read are not the rows the manifests count"),
    Rule("offsets_landed_twice", "critical", "an offset of the log was landed more than once"),
    Rule("rows_without_a_key", "critical", "a fact lacks what identifies it"),
    Rule(
        "rows_issued_in_the_future",
        "warning",
        "nothing issued until then can correct such a fact: its as_of lies more than a day ahead",
    ),
    Rule("contradictory_revisions", "warning", "one fact has two contents as of one instant"),
    Rule("spans_without_length", "warning", "these end before they start and count for nothing"),
    Rule("rejects_per_mille", "warning", "more than 1 % of the records were no facts", most=10),
)

MARTS_METRICS: Final = """
select
    (
        select count(*) from fct_queue_months
        where offered <> answered + abandoned + flowed_out + callbacks + waiting_over
    ) as queues_that_do_not_add_up,
    (
        select count(*) from fct_queue_months
        where answered_within > answered or abandoned_short > abandoned
            or handled > answered + out_of_hours
    ) as queues_with_parts_above_the_whole,
    (select count(*) from fct_settlement_lines where amount is null or amount < 0)
        as lines_without_an_amount,
    (select count(*) from int_duplicate_events where is_contradictory)
        as contradictory_redeliveries,
    (
        select coalesce(1000 * count(*) filter (
            queued_at_ms is null and refused_at_ms is null and dialed_at_ms is null
            and complaint_count = 0 and before_queue_count = 0
        ) // nullif(count(*), 0), 0)
        from fct_leg_facts
    ) as headless_legs_per_mille,
    (
        select coalesce(1000 * count(*) filter (outcome = 'waiting')
            // nullif(count(*), 0), 0)
        from fct_leg_facts
    ) as legs_still_waiting_per_mille,
    (
        select coalesce(1000 * count(*) filter (outcome = 'answered' and not is_completed)
            // nullif(count(*), 0), 0)
        from fct_leg_facts
    ) as answered_legs_not_ended_per_mille,
    (
        select coalesce(1000 * count(*) filter (is_open_ended) // nullif(count(*), 0), 0)
        from fct_agent_days
    ) as agent_days_without_logout_per_mille,
    (
        select count(*) from (
            select interval_end_ms > lead(interval_start_ms) over (
                partition by client, site, queue order by interval_start_ms
            ) as is_overlapping
            from stg_forecasts
        ) as forecasts
        where is_overlapping
    ) as forecasts_that_overlap,
    (select count(*) from params.clauses where kind <> 'per_fte' and not exists (
        select 1 from params.clause_queues q
        where q.client = clauses.client and q.clause_id = clauses.clause_id
    ) and client in (select client from params.queues)) as clauses_that_match_no_queue
"""

MARTS: Final = (
    Rule("queues_that_do_not_add_up", "critical", "offered is not the sum of its outcomes"),
    Rule("queues_with_parts_above_the_whole", "critical", "a part exceeds its whole"),
    Rule(
        "lines_without_an_amount", "critical", "a settlement line has no amount, or a negative one"
    ),
    Rule("contradictory_redeliveries", "warning", "one event_id came with different content"),
    Rule("headless_legs_per_mille", "warning", "legs whose queued is not known", most=10),
    Rule("legs_still_waiting_per_mille", "warning", "legs without an outcome", most=10),
    Rule("answered_legs_not_ended_per_mille", "warning", "answered legs without an end", most=10),
    Rule("agent_days_without_logout_per_mille", "warning", "logouts are missing", most=50),
    Rule("forecasts_that_overlap", "warning", "calls are expected twice in these intervals"),
    Rule("clauses_that_match_no_queue", "warning", "a clause names queues that did not occur"),
)
