with units as (

    select * from {{ ref('int_kpi_units') }}

),

terms as (

    select * from {{ source('params', 'kpi_terms') }}
    where is_shown

),

queues as (

    select * from {{ source('params', 'queues') }}

),

zone_offsets as (

    select * from {{ source('params', 'zone_offsets') }}

),

counted as (

    select
        units.registry,
        units.client,
        units.site,
        units.queue,
        units.term_from_ms,
        zone_offsets.offset_ms,
        {{ interval_start('units.at_ms', 'terms.interval_minutes * 60000') }} as interval_start_ms,
        {{ unit_counts() }}
    from units
    inner join terms
        on units.registry = terms.registry
        and units.client = terms.client
        and units.site = terms.site
        and units.queue = terms.queue
        and units.term_from_ms = terms.from_ms
    inner join queues
        on units.client = queues.client
        and units.site = queues.site
        and units.queue = queues.queue
    inner join zone_offsets
        on queues.zone = zone_offsets.zone
        and units.at_ms >= zone_offsets.from_ms
        and units.at_ms < zone_offsets.to_ms
    where units.at_ms >= queues.month_start_ms and units.at_ms < queues.month_end_ms
    group by all

),

final as (

    select
        '{{ var("month") }}' as month,
        counted.registry,
        terms.is_in_force,
        counted.client,
        counted.site,
        counted.queue,
        terms.definition_name,
        terms.definition_hash,
        counted.term_from_ms,
        cast(terms.interval_minutes as integer) as interval_minutes,
        counted.interval_start_ms,
        {{ wall_clock('counted.interval_start_ms + counted.offset_ms') }} as local_start,
        {%- for name in unit_names() %}
        counted.{{ name }},
        {%- endfor %}
        {{ service_level_numerator() }} as service_level_numerator,
        {{ service_level_denominator() }} as service_level_denominator,
        {{ abandon_numerator() }} as abandon_numerator,
        {{ abandon_denominator() }} as abandon_denominator,
        {{ received_by_definition() }} as received,
        terms.threshold_ms,
        terms.goal_permille
    from counted
    inner join terms
        on counted.registry = terms.registry
        and counted.client = terms.client
        and counted.site = terms.site
        and counted.queue = terms.queue
        and counted.term_from_ms = terms.from_ms

)

select * from final
