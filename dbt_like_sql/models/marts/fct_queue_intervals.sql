with outcomes as {{ inlined() }} (

    select * from {{ ref('int_leg_outcomes') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

zone_offsets as (

    select * from {{ source('params', 'zone_offsets') }}

),

{%- set attributions = {
    'arrival': 'queued_at_ms',
    'outcome': 'outcome_at_ms',
    'completion': 'completed_at_ms',
    'service_level': 'service_level_at_ms',
} %}

quarters as (

    {% for attribution, instant in attributions.items() %}
    {% if not loop.first %}
    union all
    {% endif %}
    select
        outcomes.client,
        outcomes.site,
        outcomes.queue,
        '{{ attribution }}' as attribution,
        zone_offsets.from_ms,
        zone_offsets.offset_ms,
        {{ interval_start('outcomes.' ~ instant, 900000) }} as quarter_ms,
        {{ leg_counts() }}
    from outcomes
    inner join queues
        on outcomes.client = queues.client
        and outcomes.site = queues.site
        and outcomes.queue = queues.queue
    inner join zone_offsets
        on queues.zone = zone_offsets.zone
        and outcomes.{{ instant }} >= zone_offsets.from_ms
        and outcomes.{{ instant }} < zone_offsets.to_ms
    where outcomes.{{ instant }} >= queues.month_start_ms
        and outcomes.{{ instant }} < queues.month_end_ms
    group by all
    {% endfor %}

),

intervals as (

    select 15 as interval_minutes, quarter_ms as interval_start_ms, * from quarters
    union all
    select
        30 as interval_minutes,
        {{ interval_start('quarter_ms', 1800000, clock='quarters') }} as interval_start_ms,
        *
    from quarters

),

final as (

    select
        '{{ var("month") }}' as month,
        client,
        site,
        queue,
        interval_minutes,
        attribution,
        interval_start_ms,
        {{ wall_clock('interval_start_ms + offset_ms') }} as local_start,
        {%- for name in count_names() %}
        {{ total(name) }} as {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from intervals
    group by all

)

select * from final
