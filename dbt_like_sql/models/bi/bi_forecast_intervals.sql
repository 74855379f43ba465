with compared as (

    select
        *,
        1000 * offered - forecast_calls_milli as volume_error_milli,
        handle_ms - forecast_handle_ms as handle_error_ms
    from {{ ref('fct_forecast_intervals') }}

),

final as (

    select
        *,
        abs(volume_error_milli) as volume_error_abs_milli,
        cast(forecast_calls_milli as double) / 1000 as forecast_calls,
        cast(forecast_agents_milli as double) / 1000 as forecast_agents,
        cast(volume_error_milli as double) / 1000 as volume_error,
        cast(volume_error_milli as double) / nullif(forecast_calls_milli, 0) as volume_error_rate,
        cast(forecast_handle_ms as double) / nullif(forecast_calls_milli, 0) as forecast_aht_s,
        cast(handle_ms as double) / nullif(handled, 0) / 1000 as aht_s,
        cast(handle_ms as double) / nullif(handled, 0) / 1000
            - cast(forecast_handle_ms as double) / nullif(forecast_calls_milli, 0) as aht_error_s
    from compared

)

select * from final
