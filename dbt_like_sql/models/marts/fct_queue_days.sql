with quarters as (

    select * from {{ ref('fct_queue_intervals') }}
    where interval_minutes = 15

),

queues as (

    select * from {{ source('params', 'queues') }}

),

days as (

    select * from {{ source('params', 'days') }}

),

final as (

    select
        '{{ var("month") }}' as month,
        quarters.client,
        quarters.site,
        quarters.queue,
        quarters.attribution,
        days.business_on,
        days.from_ms as day_start_ms,
        {%- for name in count_names() %}
        {{ total('quarters.' ~ name) }} as {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from quarters
    inner join queues
        on quarters.client = queues.client
        and quarters.site = queues.site
        and quarters.queue = queues.queue
    inner join days
        on queues.zone = days.zone
        and quarters.interval_start_ms >= days.from_ms
        and quarters.interval_start_ms < days.to_ms
    group by all

)

select * from final
