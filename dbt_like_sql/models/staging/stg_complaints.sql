with landed as (

    select * from {{ source('landed', 'complaints') }}

),

in_force as (

    {{ newest('landed') }}

),

final as (

    select
        record_id,
        client,
        site,
        complaint_id,
        received_at_ms,
        category,
        contact_id,
        contact_at_ms,
        customer_ref,
        queue,
        agent,
        channel,
        is_valid,
        is_escalated,
        fault,
        closed_at_ms,
        as_of_ms,
        source
    from in_force

)

select * from final
