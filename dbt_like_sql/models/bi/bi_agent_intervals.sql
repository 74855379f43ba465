with final as (

    select
        *,
        {{ agent_ratios() }}
    from {{ ref('fct_agent_intervals') }}

)

select * from final
