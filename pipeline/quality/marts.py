"""What must hold of the marts before they are published, and of the files that were written."""

from __future__ import annotations

from typing import Final

from pipeline.quality.rules import Rule, Suite


def _rows(table: str, where: str) -> str:
    return f"select * from {table} where {where}"


def _count(rows: str) -> str:
    return f"(select count(*) from ({rows}))"


def _per_mille(table: str, where: str) -> str:
    return (
        f"(select coalesce(1000 * count(*) filter ({where}) // nullif(count(*), 0), 0) "
        f"from {table})"
    )


_HEADLESS: Final = (
    "queued_at_ms is null and refused_at_ms is null and dialed_at_ms is null "
    "and complaint_count = 0 and before_queue_count = 0"
)
_WAITING: Final = "outcome = 'waiting'"
_NOT_ENDED: Final = "outcome = 'answered' and not is_completed"
_OPEN_ENDED: Final = "is_open_ended"

_DO_NOT_ADD_UP: Final = _rows(
    "fct_queue_months",
    "offered <> answered + abandoned + flowed_out + callbacks + waiting_over",
)
_PARTS_ABOVE: Final = _rows(
    "fct_queue_months",
    "answered_within > answered or abandoned_short > abandoned "
    "or handled > answered + out_of_hours",
)
_NO_AMOUNT: Final = _rows("fct_settlement_lines", "amount is null or amount < 0")
_CONTRADICTIONS: Final = _rows("int_duplicate_events", "is_contradictory")
_OVERLAPS: Final = """
    select * from stg_forecasts
    qualify interval_end_ms > lead(interval_start_ms) over (
        partition by client, site, queue order by interval_start_ms
    )
"""
_NO_END: Final = _rows("fct_incidents", "is_excluded and ended_at_ms is null")
_STILL_FIRING: Final = _rows("fct_alerts", "resolved_at_ms is null")
_NO_QUEUE: Final = """
    select * from params.clauses where kind <> 'per_fte' and not exists (
        select 1 from params.clause_queues q
        where q.client = clauses.client and q.clause_id = clauses.clause_id
    ) and client in (select client from params.queues)
"""

MARTS_METRICS: Final = f"""
select
    {_count(_DO_NOT_ADD_UP)} as queues_that_do_not_add_up,
    {_count(_PARTS_ABOVE)} as queues_with_parts_above_the_whole,
    {_count(_NO_AMOUNT)} as lines_without_an_amount,
    {_count(_CONTRADICTIONS)} as contradictory_redeliveries,
    {_per_mille("fct_leg_facts", _HEADLESS)} as headless_legs_per_mille,
    {_per_mille("fct_leg_facts", _WAITING)} as legs_still_waiting_per_mille,
    {_per_mille("fct_leg_facts", _NOT_ENDED)} as answered_legs_not_ended_per_mille,
    {_per_mille("fct_agent_days", _OPEN_ENDED)} as agent_days_without_logout_per_mille,
    {_count(_OVERLAPS)} as forecasts_that_overlap,
    {_count(_NO_END)} as excluded_incidents_without_an_end,
    {_count(_STILL_FIRING)} as alerts_without_an_end,
    {_count(_NO_QUEUE)} as clauses_that_match_no_queue
"""

MARTS: Final = Suite(
    "marts",
    (
        Rule(
            "queues_that_do_not_add_up",
            "critical",
            "offered is not the sum of its outcomes",
            keys=_DO_NOT_ADD_UP,
        ),
        Rule(
            "queues_with_parts_above_the_whole",
            "critical",
            "a part exceeds its whole",
            keys=_PARTS_ABOVE,
        ),
        Rule(
            "lines_without_an_amount",
            "critical",
            "a settlement line has no amount, or a negative one",
            keys=_NO_AMOUNT,
        ),
        Rule(
            "contradictory_redeliveries",
            "warning",
            "one event_id came with different content",
            keys=_CONTRADICTIONS,
        ),
        Rule(
            "headless_legs_per_mille",
            "warning",
            "legs whose queued is not known",
            most=10,
            keys=_rows("fct_leg_facts", _HEADLESS),
        ),
        Rule(
            "legs_still_waiting_per_mille",
            "warning",
            "legs without an outcome",
            most=10,
            keys=_rows("fct_leg_facts", _WAITING),
        ),
        Rule(
            "answered_legs_not_ended_per_mille",
            "warning",
            "answered legs without an end",
            most=10,
            keys=_rows("fct_leg_facts", _NOT_ENDED),
        ),
        Rule(
            "agent_days_without_logout_per_mille",
            "warning",
            "logouts are missing",
            most=50,
            keys=_rows("fct_agent_days", _OPEN_ENDED),
        ),
        Rule(
            "forecasts_that_overlap",
            "warning",
            "calls are expected twice in these intervals",
            keys=_OVERLAPS,
        ),
        Rule(
            "excluded_incidents_without_an_end",
            "warning",
            "time is left out up to the month's end: nobody said when these were over",
            keys=_NO_END,
        ),
        Rule(
            "alerts_without_an_end",
            "warning",
            "these alerts fire on, or nobody knows how long they fired",
            keys=_STILL_FIRING,
        ),
        Rule(
            "clauses_that_match_no_queue",
            "warning",
            "a clause names queues that did not occur",
            keys=_NO_QUEUE,
        ),
    ),
)

PUBLISHED: Final = Suite(
    "published-files",
    (
        Rule("files_unreadable", "critical", "a written file cannot be read back"),
        Rule("files_with_other_rows", "critical", "a file has not the rows its model has"),
        Rule("files_with_other_columns", "critical", "a file has not the columns its model has"),
        Rule(
            "amounts_that_differ",
            "critical",
            "the settlement's sums in the files are not those of the models",
        ),
    ),
)
"""Of the files, read back before any reader can see them; ``batch/publish.py`` counts."""
