-- Guards fct_queue_intervals: 15 and 30 minute intervals hold the same legs, and counting by
-- service-level event gives as many offered legs as the panes do.
with intervals as (

    select
        interval_minutes,
        attribution,
        sum(offered) as offered,
        sum(handled) as handled,
        sum(talk_ms) as talk_ms
    from {{ ref('fct_queue_intervals') }}
    group by all

),

panes as (

    select
        coalesce(sum(offered), 0) as offered,
        coalesce(sum(handled), 0) as handled
    from {{ ref('fct_kpi_panes') }}

)

select a.attribution, a.offered, b.offered as other
from intervals as a
inner join intervals as b
    on a.attribution = b.attribution
    and a.interval_minutes = 15
    and b.interval_minutes = 30
where a.offered <> b.offered or a.handled <> b.handled or a.talk_ms <> b.talk_ms
union all
select intervals.attribution, intervals.offered, panes.offered as other
from intervals
cross join panes
where intervals.interval_minutes = 15
    and (
        (intervals.attribution = 'service_level' and intervals.offered <> panes.offered)
        or (intervals.attribution = 'completion' and intervals.handled <> panes.handled)
    )
