with final as (

    select
        *,
        ended_at_ms is null as is_lasting,
        cast(lasted_ms as double) / 3600000 as lasted_h,
        cast(lasted_in_month_ms as double) / 3600000 as lasted_in_month_h
    from {{ ref('fct_incidents') }}

)

select * from final
