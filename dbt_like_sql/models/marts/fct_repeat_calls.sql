with calls as (

    select * from {{ ref('fct_calls') }}
    where is_repeated

),

contacts as (

    select * from {{ ref('int_customer_contacts') }}

),

final as (

    select
        calls.month,
        calls.client,
        calls.contact_id,
        calls.customer_ref,
        calls.first_site,
        calls.first_queue,
        calls.first_agent,
        calls.started_at_ms,
        repeats.contact_id as repeat_contact_id,
        repeats.first_site as repeat_site,
        repeats.first_queue as repeat_queue,
        repeats.first_ms as repeat_at_ms,
        repeats.first_ms - contacts.first_ms as repeat_after_ms,
        case when repeats.is_outbound then 'centre' else 'customer' end as repeat_by,
        repeats.outcome as repeat_outcome,
        calls.first_site = repeats.first_site and calls.first_queue = repeats.first_queue
            as is_same_queue
    from calls
    inner join contacts
        on calls.client = contacts.client
        and calls.contact_id = contacts.contact_id
    inner join contacts as repeats
        on contacts.client = repeats.client
        and contacts.next_contact_id = repeats.contact_id

)

select * from final
