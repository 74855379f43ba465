with days as (

    select * from {{ ref('fct_queue_days') }}

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
    -- as the counts are: a closed formula over counts of today's threshold is neither's figure
    where registry = 'current'

),

final as (

    select
        days.*,
        {{ service_level_numerator() }} as service_level_numerator,
        {{ service_level_denominator() }} as service_level_denominator,
        {{ abandon_numerator() }} as abandon_numerator,
        {{ abandon_denominator() }} as abandon_denominator,
        {{ display_ratios() }}
    from days
    -- terms change at a day's start
    inner join terms
        on days.client = terms.client
        and days.site = terms.site
        and days.queue = terms.queue
        and days.day_start_ms >= terms.from_ms
        and days.day_start_ms < terms.to_ms

)

select * from final
