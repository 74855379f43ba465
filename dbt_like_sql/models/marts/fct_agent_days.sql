with spells as (

    select * from {{ ref('int_agent_spells') }}

),

zones as (

    select * from {{ source('params', 'agent_zones') }}

),

days as (

    select * from {{ source('params', 'days') }}

),

clipped as (

    select
        spells.client,
        spells.site,
        spells.agent,
        days.business_on,
        spells.state,
        least(spells.ended_at_ms, days.to_ms)
            - greatest(spells.started_at_ms, days.from_ms) as spent_ms,
        spells.is_open_ended
    from spells
    inner join zones
        on spells.client = zones.client
        and spells.site = zones.site
    inner join days
        on zones.zone = days.zone
        and spells.started_at_ms < days.to_ms
        and (
            spells.ended_at_ms > days.from_ms
            or (spells.is_open_ended and spells.started_at_ms >= days.from_ms)
        )

),

final as (

    select
        '{{ var("month") }}' as month,
        client,
        site,
        agent,
        business_on,
        {%- for state in [
            'available', 'ringing', 'on_contact', 'after_call_work', 'break', 'meal', 'training',
            'meeting', 'back_office', 'other',
        ] %}
        {{ total("case when state = '" ~ state ~ "' then spent_ms end") }} as {{ state }}_ms,
        {%- endfor %}
        {{ total('spent_ms') }} as logged_in_ms,
        cast(max(spent_ms) as bigint) as longest_spell_ms,
        bool_or(is_open_ended) as is_open_ended
    from clipped
    group by all

)

select * from final
