with days as (

    select * from {{ ref('fct_agent_days') }}

),

final as (

    select
        month,
        {{ agent_key() }},
        count(*) filter (where logged_in_ms > 0) as day_count,
        {%- for name in agent_time_names() %}
        {{ total(name) }} as {{ name }},
        {%- endfor %}
        max(longest_spell_ms) as longest_spell_ms,
        {{ total('session_count') }} as session_count,
        {{ total('unclosed_session_count') }} as unclosed_session_count
    from days
    group by month, {{ agent_key() }}

)

select * from final
