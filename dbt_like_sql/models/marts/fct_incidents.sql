with incidents as (

    select * from {{ ref('stg_incidents') }}

),

sites as (

    select * from {{ source('params', 'sites') }}

),

final as (

    select
        '{{ var("month") }}' as month,
        incidents.client,
        incidents.site,
        incidents.record_id as incident,
        incidents.incident_id,
        incidents.started_at_ms,
        incidents.ended_at_ms,
        incidents.ended_at_ms - incidents.started_at_ms as lasted_ms,
        least(coalesce(incidents.ended_at_ms, sites.month_end_ms), sites.month_end_ms)
            - greatest(incidents.started_at_ms, sites.month_start_ms) as lasted_in_month_ms,
        incidents.kind,
        incidents.cause,
        incidents.queues,
        incidents.is_excluded,
        incidents.evidence
    from incidents
    inner join sites
        on incidents.client = sites.client
        and incidents.site = sites.site
    where incidents.started_at_ms < sites.month_end_ms
        -- what ended with the month before is not of this one
        and (
            incidents.ended_at_ms is null
            or incidents.ended_at_ms > sites.month_start_ms
            or incidents.started_at_ms >= sites.month_start_ms
        )

)

select * from final
