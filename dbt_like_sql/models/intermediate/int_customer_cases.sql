-- Complaint cases whose customer is known: by the case itself, else by the contact it is about.
with complaints as (

    select * from {{ ref('stg_complaints') }}

),

contacts as (

    select * from {{ ref('int_customer_contacts') }}

),

final as (

    select
        complaints.client,
        complaints.record_id as complaint,
        coalesce(complaints.customer_ref, contacts.customer_ref) as customer_ref,
        complaints.received_at_ms,
        complaints.closed_at_ms,
        coalesce(complaints.is_valid, false) as is_valid,
        complaints.is_escalated
    from complaints
    left join contacts
        on complaints.client = contacts.client
        and complaints.contact_id = contacts.contact_id
    where coalesce(complaints.customer_ref, contacts.customer_ref) is not null

)

select * from final
