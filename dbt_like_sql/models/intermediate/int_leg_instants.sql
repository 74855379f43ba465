-- Occurrences that count without the rest of the leg: each instant once.
with events as (

    select * from {{ ref('stg_call_events') }}

),

final as (

    select distinct
        {{ leg_key() }},
        case type when 'complaint_flagged' then 'complaint' else 'before_queue' end as kind,
        occurred_at_ms as at_ms
    from events
    where type = 'complaint_flagged' or (type = 'abandoned' and reason = 'before_queue')

)

select * from final
