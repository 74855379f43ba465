-- Mirrors OpeningHours.is_open of pipeline/domain/opening_hours.py: the wall clock of the contract's
-- zone decides. Empty where no hours are agreed.
with facts as (

    select * from {{ ref('int_leg_facts') }}

),

terms as (

    select * from {{ source('params', 'kpi_terms') }}
    where has_hours

),

queues as (

    select * from {{ source('params', 'queues') }}

),

zone_offsets as (

    select * from {{ source('params', 'zone_offsets') }}

),

spans as (

    select * from {{ source('params', 'opening_spans') }}

),

special_days as (

    select * from {{ source('params', 'special_days') }}

),

local_times as (

    select
        terms.registry,
        terms.from_ms as term_from_ms,
        {{ leg_key('facts') }},
        facts.queued_at_ms + zone_offsets.offset_ms as local_ms,
        -- floor division, so that days before 1970 come out right, too
        (local_ms - (local_ms % 86400000 + 86400000) % 86400000) {{ div() }} 86400000 as local_day,
        local_ms - local_day * 86400000 as ms_of_day,
        -- 1970-01-01 was a Thursday; Monday is 0
        ((local_day + 3) % 7 + 7) % 7 as weekday
    from facts
    inner join terms
        on facts.client = terms.client
        and facts.site = terms.site
        and facts.queue = terms.queue
        and facts.queued_at_ms >= terms.from_ms
        and facts.queued_at_ms < terms.to_ms
    inner join queues
        on facts.client = queues.client
        and facts.site = queues.site
        and facts.queue = queues.queue
    inner join zone_offsets
        on queues.zone = zone_offsets.zone
        and facts.queued_at_ms >= zone_offsets.from_ms
        and facts.queued_at_ms < zone_offsets.to_ms

),

final as (

    select
        registry,
        {{ leg_key('local_times') }}
    from local_times
    where not exists (
        select 1 from spans
        where spans.registry = local_times.registry
            and spans.client = local_times.client
            and spans.site = local_times.site
            and spans.queue = local_times.queue
            and spans.from_ms = local_times.term_from_ms
            and spans.local_day = local_times.local_day
            and local_times.ms_of_day >= spans.opens_ms
            and local_times.ms_of_day < spans.closes_ms
    )
    and (
        not exists (
            select 1 from spans
            where spans.registry = local_times.registry
                and spans.client = local_times.client
                and spans.site = local_times.site
                and spans.queue = local_times.queue
                and spans.from_ms = local_times.term_from_ms
                and spans.weekday = local_times.weekday
                and local_times.ms_of_day >= spans.opens_ms
                and local_times.ms_of_day < spans.closes_ms
        )
        or exists (
            select 1 from special_days
            where special_days.registry = local_times.registry
                and special_days.client = local_times.client
                and special_days.site = local_times.site
                and special_days.queue = local_times.queue
                and special_days.from_ms = local_times.term_from_ms
                and special_days.local_day = local_times.local_day
        )
    )

)

select * from final
