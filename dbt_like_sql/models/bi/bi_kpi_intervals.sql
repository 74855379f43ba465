with final as (

    select
        *,
        cast(service_level_numerator as double)
            / nullif(service_level_denominator, 0) as service_level,
        cast(abandon_numerator as double) / nullif(abandon_denominator, 0) as abandon_rate,
        cast(answered as double) / nullif(received, 0) as answered_rate,
        cast(wait_answered_ms as double) / nullif(answered, 0) / 1000 as asa_s,
        cast(talk_ms + hold_ms + acw_ms as double) / nullif(handled, 0) / 1000 as aht_s
    from {{ ref('fct_kpi_intervals') }}

)

select * from final
