with final as (

    select
        *,
        cast(closed_at_ms - received_at_ms as double) / 86400000 as closed_after_d,
        cast(received_at_ms - contact_began_ms as double) / 86400000 as received_after_d
    from {{ ref('fct_complaints') }}

)

select * from final
