with legs as (

    select * from {{ ref('fct_leg_facts') }}
    where outcome = 'abandoned'

),

contacts as (

    select * from {{ ref('int_customer_contacts') }}

),

terms as (

    select * from {{ source('params', 'kpi_terms') }}
    where is_in_force

),

-- distances as in repeat calls: from first event to first event
judged as (

    select
        legs.*,
        contacts.customer_ref as known_customer_ref,
        case when contacts.next_ms - contacts.first_ms <= terms.repeat_window_ms
            then contacts.next_contact_id
        end as called_back_contact_id,
        case when contacts.next_spoke_at_ms - contacts.first_ms <= terms.repeat_window_ms
            then contacts.next_spoke_at_ms
        end as reached_at_ms,
        -- NULL where the customer is not known
        contacts.next_spoke_at_ms is null
            and contacts.watermark_ms - contacts.first_ms < terms.repeat_window_ms
            as is_reach_provisional
    from legs
    inner join terms
        on legs.client = terms.client
        and legs.site = terms.site
        and legs.queue = terms.queue
        and legs.queued_at_ms >= terms.from_ms
        and legs.queued_at_ms < terms.to_ms
    left join contacts
        on legs.client = contacts.client
        and legs.contact_id = contacts.contact_id

),

final as (

    select
        judged.month,
        {{ leg_key('judged') }},
        judged.queued_at_ms,
        judged.outcome_at_ms as abandoned_at_ms,
        judged.wait_ms,
        judged.is_within,
        judged.is_short_abandon,
        judged.counts_as = 'out_of_hours' as is_out_of_hours,
        judged.known_customer_ref as customer_ref,
        judged.called_back_contact_id,
        called_back.first_ms as called_back_at_ms,
        case
            when called_back.is_outbound then 'centre'
            when not called_back.is_outbound then 'customer'
        end as called_back_by,
        called_back.outcome as called_back_outcome,
        judged.reached_at_ms,
        judged.is_reach_provisional
    from judged
    left join contacts as called_back
        on judged.client = called_back.client
        and judged.called_back_contact_id = called_back.contact_id

)

select * from final
