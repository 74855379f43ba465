with final as (

    select
        *,
        cast(hold_ms as double) / 1000 as hold_s
    from {{ ref('fct_complaint_signals') }}

)

select * from final
