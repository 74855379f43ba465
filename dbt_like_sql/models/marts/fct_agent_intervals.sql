with parts as (

    select * from {{ ref('int_agent_parts') }}

),

zones as (

    select * from {{ source('params', 'agent_zones') }}

),

zone_offsets as (

    select * from {{ source('params', 'zone_offsets') }}

),

-- within one offset the wall clock is a sum, so quarters are arithmetic
local_parts as (

    select
        parts.* {{ without('started_at_ms, ended_at_ms, spent_ms, spell_ms, business_on') }},
        zone_offsets.from_ms,
        zone_offsets.offset_ms,
        greatest(parts.started_at_ms, zone_offsets.from_ms) as started_at_ms,
        least(parts.ended_at_ms, zone_offsets.to_ms) as ended_at_ms
    from parts
    inner join zones
        on parts.client = zones.client
        and parts.site = zones.site
    inner join zone_offsets
        on zones.zone = zone_offsets.zone
        and parts.started_at_ms < zone_offsets.to_ms
        and parts.ended_at_ms > zone_offsets.from_ms

),

expanded as (

    select
        *,
        {{ each_of_range(
            '(started_at_ms + offset_ms) ' ~ div() ~ ' 900000',
            '(ended_at_ms - 1 + offset_ms) ' ~ div() ~ ' 900000 + 1'
        ) }} as quarter_number
    from local_parts

),

quarter_parts as (

    select
        *,
        greatest(quarter_number * 900000 - offset_ms, from_ms) as quarter_ms,
        least(ended_at_ms, (quarter_number + 1) * 900000 - offset_ms)
            - greatest(started_at_ms, quarter_number * 900000 - offset_ms) as spent_ms
    from expanded

),

quarters as (

    select
        {{ agent_key() }},
        from_ms,
        offset_ms,
        quarter_ms,
        {{ agent_time_sums() }}
    from quarter_parts
    group by all

),

halves as (

    select
        {{ agent_key() }},
        offset_ms,
        {{ interval_start('quarter_ms', 1800000, clock='quarters') }} as half_ms,
        {%- for name in agent_time_names() %}
        {{ total(name) }} as {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from quarters
    group by all

),

intervals as (

    select
        {{ agent_key() }},
        15 as interval_minutes,
        quarter_ms as interval_start_ms,
        offset_ms,
        {{ agent_time_names() | join(', ') }}
    from quarters
    union all
    select
        {{ agent_key() }},
        30 as interval_minutes,
        half_ms as interval_start_ms,
        offset_ms,
        {{ agent_time_names() | join(', ') }}
    from halves

),

final as (

    select
        '{{ var("month") }}' as month,
        {{ agent_key() }},
        interval_minutes,
        interval_start_ms,
        {{ wall_clock('interval_start_ms + offset_ms') }} as local_start,
        {{ agent_time_names() | join(', ') }}
    from intervals

)

select * from final
