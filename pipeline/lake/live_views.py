"""The views of the live side in the catalog: ``bi_live_*``.

They read the folder of one generation, whatever lies there at the time of the query, and take the
highest revision of each pane by the configuration that its partition is folded by: the rule of
``lake/live.py``. Columns are called as in the month's views. The live side counts each field at
one instant only, so a count stands under the attribution it was counted by, and is NULL under
another: ``service_level`` has waits and their ends, ``completion`` has handle time. ``live`` has
all of them in one row, each at its own instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.domain.kpi import HANDLE_TIME, KPI_FIELDS, SERVICE_LEVEL
from pipeline.lake.generation import DATASETS, pattern
from pipeline.lake.warehouse import literal

PARTS: Final = (
    *("service_level_numerator", "service_level_denominator"),
    *("abandon_numerator", "abandon_denominator"),
)
"""By the queue's definition, of the counts of one pane; null under another configuration."""

_QUEUE: Final = "client, site, queue"
_CALENDAR: Final = (
    "business_on, day_start_ms, day_end_ms, interval_15_ms, interval_30_ms, offset_ms"
)
COUNTS: Final = {
    "offered": SERVICE_LEVEL,
    "answered": SERVICE_LEVEL,
    "answered_within": SERVICE_LEVEL,
    "abandoned": SERVICE_LEVEL,
    "abandoned_within": SERVICE_LEVEL,
    "abandoned_short": SERVICE_LEVEL,
    "flowed_out": SERVICE_LEVEL,
    "callbacks": SERVICE_LEVEL,
    "callbacks_within": SERVICE_LEVEL,
    "waiting_over": SERVICE_LEVEL,
    "wait_answered_ms": SERVICE_LEVEL,
    "out_of_hours": SERVICE_LEVEL,
    "handled": HANDLE_TIME,
    "talk_ms": HANDLE_TIME,
    "hold_ms": HANDLE_TIME,
    "acw_ms": HANDLE_TIME,
    "held": HANDLE_TIME,
    "offers": "",
    "no_answers": "",
    "transfers": "",
    "complaints": "",
}
"""The counts of the month's intervals, in their order, and which KPI's attribution has them."""
_NOT_LIVE: Final = {"offers"}
_ATTRIBUTIONS: Final = {"service_level": SERVICE_LEVEL, "completion": HANDLE_TIME, "live": None}


def statements(base: str, generation: int) -> Iterator[str]:
    """Yield the statements that make the views over a generation below ``base``, in order."""
    yield "create schema live"
    for dataset in DATASETS:
        path = literal(pattern(base, generation, dataset))
        yield (
            f"create view live.{_name(dataset)} as select * from read_parquet({path}, "
            "hive_partitioning = false, union_by_name = true)"
        )
    yield (
        "create view live.in_force as select partition, "
        f"{_last('config_hash', 'next_offset')} as config_hash "
        "from live.progress group by partition"
    )
    for kpi, fields in KPI_FIELDS.items():
        yield f"create view live.{_name(kpi)}_panes as {_panes(kpi, fields)}"
    yield f"create view live.panes as {_all_panes()}"
    yield f"create view bi_live_panes as {_shown_panes()}"
    yield f"create view bi_live_queue_intervals as {_intervals()}"
    yield f"create view bi_live_queue_days as {_days()}"
    yield f"create view bi_live_alerts as {_ALERTS}"
    yield f"create view bi_live_freshness as {_freshness()}"


def _name(dataset: str) -> str:
    return dataset.replace("-", "_")


def _last(column: str, order: str) -> str:
    """Return the value of the row that is furthest, and was landed last of equals."""
    return f"arg_max({column}, ({order}, _offset))"


def _panes(kpi: str, fields: Sequence[str]) -> str:
    parts = PARTS if kpi == SERVICE_LEVEL else ()
    columns = (*fields, *parts)
    # Null is what arg_max passes over, and parts may be null: a row is chosen first.
    return (
        f"select {_QUEUE}, pane_start_ms, {_CALENDAR}, {', '.join(columns)} "
        f"from live.{_name(kpi)} semi join live.in_force using (partition, config_hash) "
        f"qualify row_number() over (partition by {_QUEUE}, pane_start_ms "
        "order by revision desc, _offset desc) = 1"
    )


def _all_panes() -> str:
    """Return the panes of all KPIs in one row each; a pane that one of them lacks is zeros there.

    Parts stay null where one of them is, since a sum over some is of none.
    """
    selects = " union all by name ".join(
        f"select *, {_is(kpi)} as has_levels from live.{_name(kpi)}_panes" for kpi in KPI_FIELDS
    )
    counts = ", ".join(
        f"coalesce(sum({f}), 0)::bigint as {f}" for fields in KPI_FIELDS.values() for f in fields
    )
    parts = ", ".join(
        f"case when count({p}) = count(*) filter (where has_levels) "
        f"then coalesce(sum({p}), 0)::bigint end as {p}"
        for p in PARTS
    )
    calendar = ", ".join(f"any_value({c}) as {c}" for c in _CALENDAR.split(", "))
    return (
        f"select {_QUEUE}, pane_start_ms, {calendar}, {counts}, {parts} "
        f"from ({selects}) group by {_QUEUE}, pane_start_ms"
    )


def _is(kpi: str) -> str:
    return "true" if kpi == SERVICE_LEVEL else "false"


def _shown_panes() -> str:
    counts = ", ".join(f for fields in KPI_FIELDS.values() for f in fields)
    return (
        f"select strftime(business_on, '%Y-%m') as month, {_QUEUE}, pane_start_ms, "
        f"{_wall('pane_start_ms')} as local_start, business_on, {counts}, {', '.join(PARTS)} "
        "from live.panes"
    )


def _wall(at_ms: str) -> str:
    return f"make_timestamp(({at_ms} + offset_ms) * 1000)"


def _intervals() -> str:
    summed = " union all ".join(
        f"select {minutes}::integer as interval_minutes, {literal(attribution)} as attribution, "
        f"interval_{minutes}_ms as interval_start_ms, offset_ms, {_QUEUE}, business_on, "
        f"day_start_ms, day_end_ms, {_summed(kpi)} from live.panes group by all"
        for minutes in (15, 30)
        for attribution, kpi in _ATTRIBUTIONS.items()
    )
    return (
        f"select strftime(business_on, '%Y-%m') as month, {_QUEUE}, interval_minutes, "
        f"attribution, interval_start_ms, {_wall('interval_start_ms')} as local_start, "
        f"business_on, {', '.join(COUNTS)}, {', '.join(PARTS)}, {_RATIOS}, "
        f"day_start_ms, day_end_ms from ({summed}) where {_SOMETHING}"
    )


def _days() -> str:
    summed = " union all ".join(
        f"select {literal(attribution)} as attribution, {_QUEUE}, business_on, {_summed(kpi)} "
        "from live.panes group by all"
        for attribution, kpi in _ATTRIBUTIONS.items()
    )
    return (
        f"select strftime(business_on, '%Y-%m') as month, {_QUEUE}, business_on, attribution, "
        f"{', '.join(COUNTS)}, {', '.join(PARTS)}, {_RATIOS} from ({summed}) where {_SOMETHING}"
    )


def _summed(kpi: str | None) -> str:
    """Return the sums of the counts that an attribution has; the others are null."""
    shown = []
    for name, of in COUNTS.items():
        has_it = name not in _NOT_LIVE and kpi in (None, of)
        value = f"sum({name})::bigint" if has_it else "null::bigint"
        shown.append(f"{value} as {name}")
    for part in PARTS:
        # A part is unknown under another configuration; then so is the sum.
        value = f"case when count({part}) = count(*) then sum({part})::bigint end"
        shown.append(f"{value if kpi in (None, SERVICE_LEVEL) else 'null::bigint'} as {part}")
    return ", ".join(shown)


_SOMETHING: Final = " or ".join(f"{name} <> 0" for name in COUNTS)
"""A row of zeros says that something moved elsewhere; the month has no such rows."""

RATIO_NAMES: Final = (
    *("service_level", "abandon_rate", "asa_s", "aht_s", "hold_of_held_s", "hold_of_handled_s"),
    *("no_answer_rate", "transfer_rate", "complaints_per_thousand"),
)
_RATIOS: Final = """
    service_level_numerator::double / nullif(service_level_denominator, 0) as service_level,
    abandon_numerator::double / nullif(abandon_denominator, 0) as abandon_rate,
    wait_answered_ms::double / nullif(answered, 0) / 1000 as asa_s,
    (talk_ms + hold_ms + acw_ms)::double / nullif(handled, 0) / 1000 as aht_s,
    hold_ms::double / nullif(held, 0) / 1000 as hold_of_held_s,
    hold_ms::double / nullif(handled, 0) / 1000 as hold_of_handled_s,
    no_answers::double / nullif(offers, 0) as no_answer_rate,
    transfers::double / nullif(answered, 0) as transfer_rate,
    (1000 * complaints)::double / nullif(handled, 0) as complaints_per_thousand
"""
"""As ``dbt_like_sql/macros/leg_counts.sql``; the counts beside them are what to add up."""

_ALERTS: Final = """
with told as (
    select * from live.alerts
    qualify row_number() over (partition by alert_id order by _offset desc) = 1
),
decided_anew as (
    select told.alert_id from told join told as since
        on since._partition = told._partition and since.rule = told.rule
        and since.rule_version <> told.rule_version
        and since._offset > told._offset and since.at_ms <= told.at_ms
),
once as (select * from told anti join decided_anew using (alert_id))
select
    alert_id, status, rule, rule_version, severity, runbook, client, site, queue,
    coalesce(nullif(scope, ''), 'queue') as scope, programme,
    at_ms, make_timestamp(at_ms * 1000) as at_utc, window_ms, offered, answered_within,
    answered_within::double / nullif(offered, 0) as service_level, goal_permille,
    status = 'firing' and row_number() over (
        partition by client, site, queue, if(queue = '', programme, ''), rule
        order by at_ms desc, _offset desc
    ) = 1 as is_firing
from once
"""
"""A transition may have been said twice, under the same id. One that another version of its rule
has decided anew since, folding the log again, does not stand: from that version's first word on."""


def _freshness() -> str:
    panes = " union all ".join(
        f"select partition, max(_appended_at_ms) as appended_at_ms, max(_live_at_ms) as live_at_ms "
        f"from live.{_name(kpi)} group by partition"
        for kpi in KPI_FIELDS
    )
    return f"""
with newest as (
    select * from live.progress semi join live.in_force using (partition, config_hash)
    qualify row_number() over (partition by partition order by next_offset desc, _offset desc) = 1
),
panes as (
    select partition, max(appended_at_ms) as appended_at_ms, max(live_at_ms) as live_at_ms
    from ({panes}) group by partition
)
select
    n.partition, n.config_hash, n.first_offset, n.next_offset, n._offset as progress_offset,
    n.watermark_ms, make_timestamp(n.watermark_ms * 1000) as watermark_utc,
    n.accepted, n.duplicate, n.late, n.rejected, n.quarantined,
    n._appended_at_ms as folded_at_ms, n._ingested_at_ms as landed_at_ms,
    n._live_at_ms as shown_at_ms, p.appended_at_ms as pane_folded_at_ms,
    p.live_at_ms as pane_shown_at_ms,
    (n._live_at_ms - n._appended_at_ms)::double / 1000 as delay_s,
    (epoch_ms(now()) - n._appended_at_ms)::double / 1000 as age_s
from newest n left join panes p using (partition)
"""
