with final as (

    select
        *,
        {{ display_ratios() }}
    from {{ ref('fct_queue_months') }}

)

select * from final
