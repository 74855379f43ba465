with final as (

    select
        *,
        cast(repeat_after_ms as double) / 3600000 as repeat_after_h
    from {{ ref('fct_repeat_calls') }}

)

select * from final
