with outcomes as (

    select * from {{ ref('int_leg_outcomes') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

final as (

    select
        '{{ var("month") }}' as month,
        {{ leg_key('outcomes') }},
        outcomes.* {{ without('client, site, queue, contact_id, leg, log_partition, watermark_ms') }}
    from outcomes
    inner join queues
        on outcomes.client = queues.client
        and outcomes.site = queues.site
        and outcomes.queue = queues.queue
    where outcomes.belongs_at_ms >= queues.month_start_ms
        and outcomes.belongs_at_ms < queues.month_end_ms

)

select * from final
