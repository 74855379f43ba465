with final as (

    select
        *,
        cast(quantity as double) as quantity_display,
        cast(unit_price as double) as unit_price_display,
        cast(amount as double) as amount_display
    from {{ ref('fct_settlement_lines') }}

)

select * from final
