with parts as (

    select * from {{ ref('int_agent_parts') }}

),

sessions as (

    select * from {{ ref('int_agent_sessions') }}

),

zones as (

    select * from {{ source('params', 'agent_zones') }}

),

days as (

    select * from {{ source('params', 'days') }}

),

-- a login counts on the day of its last sign of life, also one of a single event and no time
session_days as (

    select
        {{ agent_key('sessions') }},
        days.business_on,
        count(*) as session_count,
        count(*) filter (where sessions.closed_by <> 'logout') as unclosed_session_count
    from sessions
    inner join zones
        on sessions.client = zones.client
        and sessions.site = zones.site
    inner join days
        on zones.zone = days.zone
        and sessions.last_sign_at_ms >= days.from_ms
        and sessions.last_sign_at_ms < days.to_ms
    group by {{ agent_key('sessions') }}, days.business_on

),

spent as (

    select
        {{ agent_key() }},
        business_on,
        {{ agent_time_sums() }},
        coalesce(max(spell_ms), 0) as longest_spell_ms
    from parts
    group by {{ agent_key() }}, business_on

),

final as (

    select
        '{{ var("month") }}' as month,
        {{ agent_key() }},
        business_on,
        {%- for name in agent_time_names() + ['longest_spell_ms'] %}
        coalesce(spent.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        coalesce(session_days.session_count, 0) as session_count,
        coalesce(session_days.unclosed_session_count, 0) as unclosed_session_count,
        coalesce(session_days.unclosed_session_count, 0) > 0 as is_open_ended
    from spent
    full outer join session_days using ({{ agent_key() }}, business_on)

)

select * from final
