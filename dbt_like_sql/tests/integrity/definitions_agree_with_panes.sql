-- Guards fct_kpi_intervals: by definitions that the live panes can carry, it counts what they count.
with panes as (

    select
        client, site, queue,
        sum(offered) as offered,
        sum(answered_within) as answered_within,
        sum(abandoned_within) as abandoned_within,
        sum(abandoned_short) as abandoned_short,
        sum(wait_answered_ms) as wait_answered_ms,
        sum(out_of_hours) as out_of_hours
    from {{ ref('fct_kpi_panes') }}
    group by all

),

intervals as (

    select
        client, site, queue,
        sum(offered) as offered,
        sum(answered_within) as answered_within,
        sum(abandoned_within) as abandoned_within,
        sum(abandoned_short) as abandoned_short,
        sum(wait_answered_ms) as wait_answered_ms,
        sum(out_of_hours) as out_of_hours
    from {{ ref('fct_kpi_intervals') }}
    where registry = 'current'
    group by all

),

live as (

    select client, site, queue
    from {{ source('params', 'kpi_terms') }}
    where registry = 'current'
    group by all
    having bool_and(is_live)

)

select *
from panes
semi join live using (client, site, queue)
left join intervals using (client, site, queue)
where panes.offered <> coalesce(intervals.offered, 0)
    or panes.answered_within <> coalesce(intervals.answered_within, 0)
    or panes.abandoned_within <> coalesce(intervals.abandoned_within, 0)
    or panes.abandoned_short <> coalesce(intervals.abandoned_short, 0)
    or panes.wait_answered_ms <> coalesce(intervals.wait_answered_ms, 0)
    or panes.out_of_hours <> coalesce(intervals.out_of_hours, 0)
