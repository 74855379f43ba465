with spells as (

    select * from {{ ref('int_agent_source_spells') }}

),

final as (

    select
        {{ agent_key() }},
        source,
        login_at_ms,
        case when closed_by = 'logout' then ended_at_ms else started_at_ms end as last_sign_at_ms,
        ended_at_ms,
        closed_by
    from spells
    -- the last row of a login, and no other, says how it ended
    where closed_by is not null

)

select * from final
