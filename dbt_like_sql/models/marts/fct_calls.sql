with outcomes as (

    select * from {{ ref('int_leg_outcomes') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

neighbours as (

    select * from {{ ref('int_customer_contacts') }}

),

terms as (

    select * from {{ source('params', 'kpi_terms') }}
    where is_in_force

),

contacts as (

    select
        client,
        contact_id,
        min({{ record({
            'at': 'belongs_at_ms', 'leg': 'leg', 'site': 'site', 'queue': 'queue',
        }) }}) as first_leg,
        min({{ record({'at': 'answered_at_ms', 'agent': 'answered_agent'}) }}) filter (
            where outcome = 'answered'
        ) as first_answer,
        count(*) filter (where queued_at_ms is not null) as leg_count,
        count(*) filter (where outcome = 'answered') as answered_leg_count,
        {{ total('wait_ms') }} as wait_ms,
        {{ total('talk_ms') }} as talk_ms,
        {{ total('hold_ms') }} as hold_ms,
        {{ total('acw_ms') }} as acw_ms,
        count(*) filter (where transferred_at_ms is not null) as transfers,
        {{ total('complaint_count') }} as complaints,
        count(*) filter (where outcome = 'abandoned' and not is_short_abandon) as abandons,
        count(*) filter (where outcome = 'answered' and ended_by = 'agent') as agent_hang_ups,
        count(completed_at_ms) as handled_leg_count,
        max(last_ms) as last_ms
    from outcomes
    group by client, contact_id

),

final as (

    select
        '{{ var("month") }}' as month,
        contacts.client,
        contacts.contact_id,
        contacts.first_leg.site as first_site,
        contacts.first_leg.queue as first_queue,
        contacts.first_leg.at as started_at_ms,
        contacts.last_ms as last_event_at_ms,
        contacts.leg_count,
        contacts.answered_leg_count,
        contacts.first_answer.agent as first_agent,
        contacts.wait_ms,
        contacts.talk_ms,
        contacts.hold_ms,
        contacts.acw_ms,
        contacts.transfers,
        contacts.complaints,
        contacts.abandons,
        contacts.agent_hang_ups,
        contacts.handled_leg_count,
        neighbours.customer_ref,
        -- NULL where the customer is not known
        case when neighbours.client is not null then
            coalesce(
                neighbours.first_ms - neighbours.previous_ms <= terms.repeat_window_ms, false
            )
        end as is_repeat,
        case when neighbours.client is not null then
            coalesce(neighbours.next_ms - neighbours.first_ms <= terms.repeat_window_ms, false)
        end as is_repeated,
        case when neighbours.client is not null then
            neighbours.next_ms is null
            and neighbours.watermark_ms - neighbours.first_ms < terms.repeat_window_ms
        end as is_repeat_provisional
    from contacts
    inner join queues
        on contacts.client = queues.client
        and contacts.first_leg.site = queues.site
        and contacts.first_leg.queue = queues.queue
    inner join terms
        on contacts.client = terms.client
        and contacts.first_leg.site = terms.site
        and contacts.first_leg.queue = terms.queue
        and contacts.first_leg.at >= terms.from_ms
        and contacts.first_leg.at < terms.to_ms
    left join neighbours
        on contacts.client = neighbours.client
        and contacts.contact_id = neighbours.contact_id
    where contacts.first_leg.at >= queues.month_start_ms
        and contacts.first_leg.at < queues.month_end_ms

)

select * from final
