-- Occurrences that count one by one: complaints and before-queue abandons by instant, offers let
-- ring by instant and agent.
with events as (

    select * from {{ ref('stg_call_events') }}

),

final as (

    select distinct
        {{ leg_key() }},
        case type
            when 'complaint_flagged' then 'complaint'
            when 'ring_no_answer' then 'no_answer'
            else 'before_queue'
        end as kind,
        occurred_at_ms as at_ms,
        case when type = 'ring_no_answer' then coalesce(agent, '') else '' end as agent
    from events
    where type in ('complaint_flagged', 'ring_no_answer')
        or (type = 'abandoned' and reason = 'before_queue')

)

select * from final
