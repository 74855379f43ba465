with intervals as (

    select * from {{ ref('fct_queue_intervals') }}

),

terms as (

    select
        client,
        site,
        queue,
        from_ms,
        to_ms,
        service_level_formula,
        flow_outs_in,
        callbacks_in,
        short_in_service_level,
        short_in_abandon_rate,
        abandon_base
    from {{ source('params', 'kpi_terms') }}
    -- as the counts are; what the contract counts by is in bi_kpi_intervals
    where registry = 'current'

),

final as (

    select
        intervals.*,
        {{ display_ratios() }}
    from intervals
    inner join terms
        on intervals.client = terms.client
        and intervals.site = terms.site
        and intervals.queue = terms.queue
        and intervals.interval_start_ms >= terms.from_ms
        and intervals.interval_start_ms < terms.to_ms

)

select * from final
