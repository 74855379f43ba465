with forecasts as (

    select * from {{ ref('stg_forecasts') }}

),

quarters as (

    select
        *,
        talk_ms + hold_ms + acw_ms as handle_ms
    from {{ ref('fct_queue_intervals') }}
    where interval_minutes = 15 and attribution = 'arrival'

),

queues as (

    select * from {{ source('params', 'queues') }}

),

sites as (

    select * from {{ source('params', 'sites') }}

),

zone_offsets as (

    select * from {{ source('params', 'zone_offsets') }}

),

of_the_month as (

    select
        forecasts.*,
        -- both edges on a quarter hour of the wall clock, as the intervals are cut
        (forecasts.interval_start_ms + zone_offsets.offset_ms) % 900000 = 0
            and (forecasts.interval_end_ms - forecasts.interval_start_ms) % 900000 = 0
            as is_comparable
    from forecasts
    inner join sites
        on forecasts.client = sites.client
        and forecasts.site = sites.site
    left join queues
        on forecasts.client = queues.client
        and forecasts.site = queues.site
        and forecasts.queue = queues.queue
    inner join zone_offsets
        on coalesce(queues.zone, sites.zone) = zone_offsets.zone
        and forecasts.interval_start_ms >= zone_offsets.from_ms
        and forecasts.interval_start_ms < zone_offsets.to_ms
    where forecasts.interval_start_ms >= coalesce(queues.month_start_ms, sites.month_start_ms)
        and forecasts.interval_start_ms < coalesce(queues.month_end_ms, sites.month_end_ms)

),

came as (

    select
        of_the_month.record_id,
        {%- for name in ['offered', 'handled', 'handle_ms'] %}
        {{ total('quarters.' ~ name) }} as {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from of_the_month
    left join quarters
        on of_the_month.client = quarters.client
        and of_the_month.site = quarters.site
        and of_the_month.queue = quarters.queue
        and quarters.interval_start_ms >= of_the_month.interval_start_ms
        and quarters.interval_start_ms < of_the_month.interval_end_ms
    where of_the_month.is_comparable
    group by of_the_month.record_id

),

final as (

    select
        '{{ var("month") }}' as month,
        of_the_month.client,
        of_the_month.site,
        of_the_month.queue,
        of_the_month.interval_start_ms,
        of_the_month.interval_end_ms,
        of_the_month.calls_milli as forecast_calls_milli,
        cast(
            cast(of_the_month.calls_milli as {{ wide_integer() }}) * of_the_month.aht_ms
            {{ div() }} 1000 as bigint
        ) as forecast_handle_ms,
        of_the_month.agents_milli as forecast_agents_milli,
        of_the_month.is_comparable,
        came.offered,
        came.handled,
        came.handle_ms
    from of_the_month
    left join came using (record_id)

)

select * from final
