with final as (

    select
        *,
        1 / (1 + exp(-cast(risk_milli as double) / 1000)) as probability
    from {{ ref('fct_customer_risk_days') }}

)

select * from final
