-- Mirrors pipeline/domain/repeat.py: contacts of known customers, and the ones before and after.
-- Reads days beyond the month: a window that begins in it may end after it.
with events as (

    select * from {{ source('landed', 'customer_events') }}

),

contacts as (

    select
        client,
        contact_id,
        min(customer_ref) as customer_ref,
        min(occurred_at_ms) as first_ms
    from events
    group by client, contact_id
    having min(customer_ref) is not null

),

watermarks as (

    select client, max(occurred_at_ms) as watermark_ms
    from events
    group by client

),

final as (

    select
        contacts.client,
        contacts.contact_id,
        contacts.customer_ref,
        contacts.first_ms,
        lag(contacts.first_ms) over customer as previous_ms,
        lead(contacts.first_ms) over customer as next_ms,
        watermarks.watermark_ms
    from contacts
    inner join watermarks using (client)
    window customer as (
        partition by contacts.client, contacts.customer_ref
        order by contacts.first_ms, contacts.contact_id
    )

)

select * from final
