with complaints as (

    select * from {{ ref('stg_complaints') }}

),

calls as (

    select * from {{ ref('fct_calls') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

sites as (

    select * from {{ source('params', 'sites') }}

),

-- where a complaint belongs, and when: what it says itself, else what its contact says
placed as (

    select
        complaints.* {{ without('site, queue') }},
        case
            when complaints.queue is null then coalesce(calls.first_site, complaints.site)
            else complaints.site
        end as site,
        coalesce(complaints.queue, calls.first_queue, '') as queue,
        coalesce(complaints.contact_at_ms, calls.started_at_ms) as contact_began_ms
    from complaints
    left join calls
        on complaints.client = calls.client
        and complaints.contact_id = calls.contact_id

),

bounded as (

    select
        placed.*,
        coalesce(queues.month_start_ms, sites.month_start_ms) as month_start_ms,
        coalesce(queues.month_end_ms, sites.month_end_ms) as month_end_ms
    from placed
    inner join sites
        on placed.client = sites.client
        and placed.site = sites.site
    left join queues
        on placed.client = queues.client
        and placed.site = queues.site
        and placed.queue = queues.queue

),

final as (

    select
        '{{ var("month") }}' as month,
        client,
        site,
        queue,
        record_id as complaint,
        complaint_id,
        category,
        channel,
        agent,
        contact_id,
        customer_ref,
        received_at_ms,
        contact_began_ms,
        closed_at_ms,
        is_valid,
        is_escalated,
        fault,
        received_at_ms >= month_start_ms and received_at_ms < month_end_ms as is_received_in_month,
        coalesce(contact_began_ms >= month_start_ms and contact_began_ms < month_end_ms, false)
            as is_contact_in_month
    from bounded
    where (received_at_ms >= month_start_ms and received_at_ms < month_end_ms)
        or (contact_began_ms >= month_start_ms and contact_began_ms < month_end_ms)

)

select * from final
