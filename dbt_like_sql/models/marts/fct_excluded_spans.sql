with spans as (

    select * from {{ ref('int_excluded_spans') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

clipped as (

    select
        spans.client,
        spans.site,
        spans.queue,
        greatest(spans.started_at_ms, queues.month_start_ms) as started_at_ms,
        least(spans.ended_at_ms, queues.month_end_ms) as ended_at_ms,
        spans.incident_ids
    from spans
    inner join queues using (client, site, queue)
    where spans.started_at_ms < queues.month_end_ms
        and spans.ended_at_ms > queues.month_start_ms

),

final as (

    select
        '{{ var("month") }}' as month,
        client,
        site,
        queue,
        started_at_ms,
        ended_at_ms,
        ended_at_ms - started_at_ms as excluded_ms,
        cast({{ list_size('incident_ids') }} as bigint) as incident_count,
        incident_ids
    from clipped

)

select * from final
