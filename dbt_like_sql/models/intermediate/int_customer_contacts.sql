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
        min(occurred_at_ms) as first_ms,
        min({{ record({
            'at': 'occurred_at_ms', 'leg': 'leg', 'site': 'site', 'queue': 'queue',
        }) }}) as first_event,
        {{ earliest_at('dialed') }} as dialed_at_ms,
        {{ earliest_at('answered') }} as answered_at_ms,
        {{ earliest_at('callback_requested') }} as callback_at_ms,
        {{ earliest_at('abandoned') }} as abandoned_at_ms,
        min(reason) filter (where type = 'connected') as connected_to
    from events
    group by client, contact_id
    having min(customer_ref) is not null

),

ended as (

    select
        client,
        contact_id,
        customer_ref,
        first_ms,
        first_event.site as first_site,
        first_event.queue as first_queue,
        coalesce(dialed_at_ms = first_ms, false) as is_outbound,
        callback_at_ms,
        abandoned_at_ms,
        -- of several pick-ups one by a person is enough: `human` comes before `machine`
        case when (connected_to is distinct from 'machine') then answered_at_ms end as spoke_at_ms
    from contacts

),

watermarks as (

    select client, max(occurred_at_ms) as watermark_ms
    from events
    group by client

),

final as (

    select
        ended.client,
        ended.contact_id,
        ended.customer_ref,
        ended.first_ms,
        ended.first_site,
        ended.first_queue,
        ended.is_outbound,
        ended.spoke_at_ms,
        case
            when ended.spoke_at_ms is not null then 'answered'
            when ended.callback_at_ms is not null then 'callback'
            when ended.abandoned_at_ms is not null then 'abandoned'
            else 'unanswered'
        end as outcome,
        lag(ended.first_ms) over customer as previous_ms,
        lead(ended.first_ms) over customer as next_ms,
        lead(ended.contact_id) over customer as next_contact_id,
        min(ended.spoke_at_ms) over (
            partition by ended.client, ended.customer_ref
            order by ended.first_ms, ended.contact_id
            rows between 1 following and unbounded following
        ) as next_spoke_at_ms,
        watermarks.watermark_ms
    from ended
    inner join watermarks using (client)
    window customer as (
        partition by ended.client, ended.customer_ref
        order by ended.first_ms, ended.contact_id
    )

)

select * from final
