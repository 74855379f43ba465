with final as (

    select
        *,
        {{ display_ratios() }}
    from {{ ref('fct_queue_intervals') }}

)

select * from final
