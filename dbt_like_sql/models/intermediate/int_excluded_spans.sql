-- Time that is left out of queues' figures, overlaps merged; domain/incident.py `excluded`.
with incidents as (

    select * from {{ ref('stg_incidents') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

hit as (

    select
        queues.client,
        queues.site,
        queues.queue,
        incidents.incident_id,
        incidents.started_at_ms,
        coalesce(incidents.ended_at_ms, queues.month_end_ms) as ended_at_ms
    from queues
    inner join incidents
        on queues.client = incidents.client
        and queues.site = incidents.site
        and ({{ list_size('incidents.queues') }} = 0 or array_contains(incidents.queues, queues.queue))
    where incidents.is_excluded
        and incidents.started_at_ms < coalesce(incidents.ended_at_ms, queues.month_end_ms)

),

marked as (

    select
        *,
        coalesce(
            started_at_ms > max(ended_at_ms) over (
                partition by client, site, queue
                order by started_at_ms, ended_at_ms, incident_id
                rows between unbounded preceding and 1 preceding
            ),
            true
        ) as is_new
    from hit

),

numbered as (

    select
        *,
        count(case when is_new then 1 end) over (
            partition by client, site, queue
            order by started_at_ms, ended_at_ms, incident_id
            rows between unbounded preceding and current row
        ) as span_number
    from marked

),

final as (

    select
        client,
        site,
        queue,
        min(started_at_ms) as started_at_ms,
        max(ended_at_ms) as ended_at_ms,
        array_sort(array_distinct(array_agg(incident_id))) as incident_ids
    from numbered
    group by client, site, queue, span_number

)

select * from final
