with final as (

    select
        *,
        cast(on_contact_ms + after_call_work_ms as double)
            / nullif(available_ms + on_contact_ms + after_call_work_ms, 0) as occupancy,
        cast(logged_in_ms as double) / 3600000 as logged_in_h
    from {{ ref('fct_agent_days') }}

)

select * from final
