with final as (

    select
        *,
        cast(wait_ms as double) / 1000 as wait_s,
        cast(called_back_at_ms - abandoned_at_ms as double) / 3600000 as called_back_after_h,
        cast(reached_at_ms - abandoned_at_ms as double) / 3600000 as reached_after_h
    from {{ ref('fct_abandoned_calls') }}

)

select * from final
