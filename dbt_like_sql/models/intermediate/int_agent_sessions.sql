with spells as (

    select * from {{ ref('int_agent_source_spells') }}

),

final as (

    select
        {{ agent_key() }},
        source,
        min(started_at_ms) as login_at_ms,
        case
            when session_closed_by = 'logout' then max(ended_at_ms) else max(started_at_ms)
        end as last_sign_at_ms,
        max(ended_at_ms) as ended_at_ms,
        session_closed_by as closed_by
    from spells
    group by {{ agent_key() }}, source, session_number, session_closed_by

)

select * from final
