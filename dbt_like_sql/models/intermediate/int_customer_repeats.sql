-- Mirrors pipeline/domain/risk_signals.py `earlier_contacts`: when the customer's contacts before
-- began, newest first. What the centre dialed is no contact the customer sought.
with contacts as (

    select * from {{ ref('int_customer_contacts') }}
    where not is_outbound
        -- who called once has none before
        and (previous_ms is not null or next_ms is not null)

),

final as (

    select
        client,
        contact_id,
        customer_ref,
        first_ms,
        {%- for place in range(1, 6) %}
        lag(first_ms, {{ place }}) over customer as before_{{ place }}_ms{{ '' if loop.last else ',' }}
        {%- endfor %}
    from contacts
    window customer as (partition by client, customer_ref order by first_ms, contact_id)

)

select * from final
