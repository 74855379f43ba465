-- Guards fct_queue_months: a month is the sum of its intervals by arrival.
with months as (

    select client, site, queue, offered, answered_within, talk_ms
    from {{ ref('fct_queue_months') }}

),

arrivals as (

    select
        client, site, queue,
        sum(offered) as offered,
        sum(answered_within) as answered_within,
        sum(talk_ms) as talk_ms
    from {{ ref('fct_queue_intervals') }}
    where interval_minutes = 15 and attribution = 'arrival'
    group by all

)

select *
from months
left join arrivals using (client, site, queue)
where months.offered <> coalesce(arrivals.offered, 0)
    or months.answered_within <> coalesce(arrivals.answered_within, 0)
    or months.talk_ms <> coalesce(arrivals.talk_ms, 0)
