-- Unbroken scheduled time that is to be worked; domain/schedule.py `shifts`.
with spans as (

    select * from {{ ref('int_agent_schedule') }}
    where is_work

),

marked as (

    select
        *,
        coalesce(
            lag(ended_at_ms) over (partition by {{ agent_key() }} order by started_at_ms)
            <> started_at_ms,
            true
        ) as is_new
    from spans

),

numbered as (

    select
        *,
        count(case when is_new then 1 end) over (
            partition by {{ agent_key() }} order by started_at_ms
        ) as shift_number
    from marked

),

final as (

    select
        {{ agent_key() }},
        min(started_at_ms) as started_at_ms,
        max(ended_at_ms) as ended_at_ms
    from numbered
    group by {{ agent_key() }}, shift_number

)

select * from final
