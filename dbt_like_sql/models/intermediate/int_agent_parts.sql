-- Time spent and time scheduled as stretches with a weight per column of the marts: any bounds
-- give sums of length * weight, so intervals, days and months agree by construction.
with spent as (

    select * from {{ ref('int_agent_time') }}

),

scheduled as (

    select * from {{ ref('int_agent_adherence') }}

),

final as (

    select
        {{ agent_key() }},
        business_on,
        started_at_ms,
        ended_at_ms,
        ended_at_ms - started_at_ms as spent_ms,
        state,
        spell_ms,
        cast(is_presumed as bigint) as presumed_weight,
        cast(is_occupied as bigint) as occupied_weight,
        cast(is_occupiable as bigint) as occupiable_weight,
        {%- for measure in agent_measures() %}
        cast({{ measure }}_excluded_by is null as bigint) as {{ measure }}_weight,
        {%- endfor %}
        cast(
            productive_excluded_by is null and paid_excluded_by is null as bigint
        ) as productive_paid_weight,
        cast(0 as bigint) as scheduled_weight,
        cast(0 as bigint) as adherent_weight,
        cast(0 as bigint) as scheduled_paid_weight,
        cast(0 as bigint) as absence_paid_weight
    from spent
    union all
    select
        {{ agent_key() }},
        business_on,
        started_at_ms,
        ended_at_ms,
        ended_at_ms - started_at_ms as spent_ms,
        cast(null as string) as state,
        cast(null as bigint) as spell_ms,
        cast(0 as bigint) as presumed_weight,
        cast(0 as bigint) as occupied_weight,
        cast(0 as bigint) as occupiable_weight,
        {%- for measure in agent_measures() %}
        cast(0 as bigint) as {{ measure }}_weight,
        {%- endfor %}
        cast(0 as bigint) as productive_paid_weight,
        scheduled_weight,
        adherent_weight,
        scheduled_paid_weight,
        absence_paid_weight
    from scheduled

)

select * from final
