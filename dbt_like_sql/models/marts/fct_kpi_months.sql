with intervals as (

    select * from {{ ref('fct_kpi_intervals') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

business_days as (

    select * from {{ source('params', 'days') }}

),

-- not the date of the local start: where the clock goes back over midnight, the new day goes on
days as (

    select
        intervals.registry,
        intervals.client,
        intervals.site,
        intervals.queue,
        business_days.business_on,
        sum(intervals.service_level_numerator) as numerator,
        sum(intervals.service_level_denominator) as denominator,
        max(intervals.goal_permille) as goal_permille
    from intervals
    inner join queues
        on intervals.client = queues.client
        and intervals.site = queues.site
        and intervals.queue = queues.queue
    inner join business_days
        on queues.zone = business_days.zone
        and intervals.interval_start_ms >= business_days.from_ms
        and intervals.interval_start_ms < business_days.to_ms
    group by all

),

day_counts as (

    select
        registry,
        client,
        site,
        queue,
        count(*) filter (where denominator > 0) as days_counted,
        count(*) filter (where denominator > 0 and 1000 * numerator >= goal_permille * denominator)
            as days_met
    from days
    group by all

),

final as (

    select
        intervals.month,
        intervals.registry,
        intervals.is_in_force,
        intervals.client,
        intervals.site,
        intervals.queue,
        -- the last term's; the intervals have each term's own
        max_by(intervals.definition_name, intervals.term_from_ms) as definition_name,
        max_by(intervals.definition_hash, intervals.term_from_ms) as definition_hash,
        count(distinct intervals.term_from_ms) as term_count,
        {%- for name in unit_names() + part_names() %}
        {{ total('intervals.' ~ name) }} as {{ name }},
        {%- endfor %}
        count(*) filter (where intervals.service_level_denominator > 0) as intervals_counted,
        count(*) filter (
            where intervals.service_level_denominator > 0
            and 1000 * intervals.service_level_numerator
                >= intervals.goal_permille * intervals.service_level_denominator
        ) as intervals_met,
        any_value(day_counts.days_counted) as days_counted,
        any_value(day_counts.days_met) as days_met,
        max_by(intervals.threshold_ms, intervals.term_from_ms) as threshold_ms,
        max_by(intervals.goal_permille, intervals.term_from_ms) as goal_permille
    from intervals
    inner join day_counts using (registry, client, site, queue)
    group by
        intervals.month,
        intervals.registry,
        intervals.is_in_force,
        intervals.client,
        intervals.site,
        intervals.queue

)

select * from final
