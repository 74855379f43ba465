with final as (

    select
        *,
        {{ agent_ratios() }}
    from {{ ref('fct_agent_months') }}

)

select * from final
