with final as (

    select
        *,
        {%- for name in complaint_scopes() if name not in ['cases_undecided', 'cases_closed'] %}
        1000 * cast({{ name }} as double) / nullif(handled, 0) as {{ name }}_per_thousand
        {{- '' if loop.last else ',' }}
        {%- endfor %}
    from {{ ref('fct_complaint_months') }}

)

select * from final
