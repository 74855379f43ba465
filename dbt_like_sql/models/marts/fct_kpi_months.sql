with intervals as (

    select * from {{ ref('fct_kpi_intervals') }}

),

days as (

    select
        registry,
        client,
        site,
        queue,
        cast(local_start as date) as business_on,
        sum(service_level_numerator) as numerator,
        sum(service_level_denominator) as denominator,
        max(goal_permille) as goal_permille
    from intervals
    group by all

),

day_counts as (

    select
        registry,
        client,
        site,
        queue,
        count(*) filter (denominator > 0) as days_counted,
        count(*) filter (denominator > 0 and 1000 * numerator >= goal_permille * denominator)
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
        count(*) filter (intervals.service_level_denominator > 0) as intervals_counted,
        count(*) filter (
            intervals.service_level_denominator > 0
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
