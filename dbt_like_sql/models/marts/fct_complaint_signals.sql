-- What kpi.complaint-signals counts per pane, one by one.
with outcomes as (

    select * from {{ ref('int_leg_outcomes') }}

),

instants as (

    select * from {{ ref('int_leg_instants') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

complaints as (

    select * from instants
    where kind = 'complaint'

),

signals as (

    select
        {{ leg_key('outcomes') }},
        'complaint' as signal,
        complaints.at_ms,
        outcomes.answered_agent,
        cast(null as string) as transferred_to,
        cast(null as bigint) as hold_ms
    from complaints
    inner join outcomes
        on complaints.client = outcomes.client
        and complaints.site = outcomes.site
        and complaints.queue = outcomes.queue
        and complaints.contact_id = outcomes.contact_id
        and complaints.leg = outcomes.leg
    union all
    select
        {{ leg_key() }},
        'transfer' as signal,
        transferred_at_ms as at_ms,
        answered_agent,
        transferred_to,
        cast(null as bigint) as hold_ms
    from outcomes
    where transferred_at_ms is not null
    union all
    select
        {{ leg_key() }},
        'long_hold' as signal,
        completed_at_ms as at_ms,
        answered_agent,
        cast(null as string) as transferred_to,
        hold_ms
    from outcomes
    where is_long_hold

),

final as (

    select
        '{{ var("month") }}' as month,
        {{ leg_key('signals') }},
        signals.signal,
        signals.at_ms as signalled_at_ms,
        signals.answered_agent,
        signals.transferred_to,
        signals.hold_ms
    from signals
    inner join queues
        on signals.client = queues.client
        and signals.site = queues.site
        and signals.queue = queues.queue
    where signals.at_ms >= queues.month_start_ms
        and signals.at_ms < queues.month_end_ms

)

select * from final
