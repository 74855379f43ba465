with legs as (

    select * from {{ ref('fct_leg_facts') }}

),

targets as (

    select * from {{ source('params', 'service_targets') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

counted as (

    select
        month,
        client,
        site,
        queue,
        {{ leg_counts() }},
        {{ total('before_queue_count') }} as abandoned_before_queue,
        count(*) filter (is_long_hold) as long_holds
    from legs
    group by all

),

final as (

    select
        counted.month,
        counted.client,
        counted.site,
        counted.queue,
        {%- for name in count_names() %}
        counted.{{ name }},
        {%- endfor %}
        counted.abandoned_before_queue,
        counted.long_holds,
        targets.threshold_ms,
        targets.goal_permille
    from counted
    inner join queues
        on counted.client = queues.client
        and counted.site = queues.site
        and counted.queue = queues.queue
    -- the target printed beside the month's figures is the one in force at its end
    inner join targets
        on counted.client = targets.client
        and counted.site = targets.site
        and counted.queue = targets.queue
        and queues.month_end_ms - 1 >= targets.from_ms
        and queues.month_end_ms - 1 < targets.to_ms

)

select * from final
