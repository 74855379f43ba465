with outcomes as (

    select * from {{ ref('int_leg_outcomes') }}

),

instants as (

    select * from {{ ref('int_leg_instants') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

service_level as (

    select
        client,
        site,
        queue,
        {{ pane('service_level_at_ms') }} as pane_start_ms,
        count(*) filter (counts_as <> 'out_of_hours') as offered,
        count(*) filter (counts_as = 'answered') as answered,
        count(*) filter (counts_as = 'answered' and is_within) as answered_within,
        count(*) filter (counts_as = 'abandoned') as abandoned,
        count(*) filter (counts_as = 'abandoned' and is_within) as abandoned_within,
        count(*) filter (counts_as = 'abandoned' and is_short_abandon) as abandoned_short,
        count(*) filter (counts_as = 'flowed_out') as flowed_out,
        count(*) filter (counts_as = 'flowed_out' and is_within) as flowed_out_within,
        count(*) filter (counts_as = 'callback') as callbacks,
        count(*) filter (counts_as = 'callback' and is_within) as callbacks_within,
        count(*) filter (counts_as = 'waiting') as waiting_over,
        {{ wait_counts("counts_as = 'answered'") }}
        sum(wait_ms) filter (counts_as = 'answered') as wait_answered_ms,
        count(*) filter (counts_as = 'out_of_hours') as out_of_hours
    from outcomes
    where service_level_at_ms is not null
    group by all

),

refused as (

    select
        client,
        site,
        queue,
        {{ pane('refused_at_ms') }} as pane_start_ms,
        count(*) filter ({{ refusal_kind('refused_reason') }} = 'full') as refused_full,
        count(*) filter ({{ refusal_kind('refused_reason') }} = 'closed') as refused_closed,
        count(*) filter ({{ refusal_kind('refused_reason') }} = 'empty') as refused_empty,
        count(*) filter ({{ refusal_kind('refused_reason') }} = 'other') as refused_other
    from outcomes
    where refused_at_ms is not null and queued_at_ms is null
    group by all

),

outbound as (

    -- mirrors pipeline/domain/outbound.py: an agent has to be there within 2 s
    select
        client,
        site,
        queue,
        {{ pane('dialed_at_ms') }} as pane_start_ms,
        count(*) as dialed,
        count(connected_at_ms) as connected,
        count(connected_at_ms) filter (connected_to <> 'machine') as connected_live,
        count(answered_at_ms) filter (connected_at_ms is not null) as dialed_answered,
        count(connected_at_ms) filter (
            connected_to <> 'machine'
            and coalesce(answered_at_ms, ended_at_ms, abandoned_at_ms) is not null
            and coalesce(answered_at_ms - connected_at_ms > 2000, true)
        ) as dialer_abandoned
    from outcomes
    where dialed_at_ms is not null
    group by all

),

handle_time as (

    select
        client,
        site,
        queue,
        {{ pane('completed_at_ms') }} as pane_start_ms,
        count(*) as handled,
        sum(talk_ms) as talk_ms,
        sum(hold_ms) as hold_ms,
        sum(acw_ms) as acw_ms,
        count(*) filter (hold_ms > 0) as held,
        count(*) filter (is_long_hold) as long_holds
    from outcomes
    where completed_at_ms is not null
    group by all

),

transfers as (

    select
        client,
        site,
        queue,
        {{ pane('transferred_at_ms') }} as pane_start_ms,
        count(*) as transfers,
        count(*) filter (starts_with(transferred_to, 'blind:')) as transfers_blind,
        count(*) filter (starts_with(transferred_to, 'attended:')) as transfers_attended,
        -- what the target is, it says in front: kind:queue:orders
        {%- for target in ['queue', 'agent', 'external'] %}
        count(*) filter (
            split_part(transferred_to, ':', 2) = '{{ target }}'
            and contains(substr(transferred_to, strpos(transferred_to, ':') + 1), ':')
        ) as transfers_{{ 'external' if target == 'external' else 'to_' ~ target }}
        {{- '' if loop.last else ',' }}
        {%- endfor %}
    from outcomes
    where transferred_at_ms is not null
    group by all

),

occurrences as (

    select
        client,
        site,
        queue,
        {{ pane('at_ms') }} as pane_start_ms,
        count(*) filter (kind = 'complaint') as complaints,
        count(*) filter (kind = 'before_queue') as abandoned_before_queue
    from instants
    where kind <> 'no_answer'
    group by all

),

no_answers as (

    select
        instants.client,
        instants.site,
        instants.queue,
        {{ pane('instants.at_ms') }} as pane_start_ms,
        count(*) as no_answers
    from instants
    semi join (select * from outcomes where queued_at_ms is not null) as queued
        using (client, site, queue, contact_id, leg)
    where instants.kind = 'no_answer'
    group by all

),

unioned as (

    select * from service_level
    union all by name
    select * from refused
    union all by name
    select * from outbound
    union all by name
    select * from no_answers
    union all by name
    select * from handle_time
    union all by name
    select * from transfers
    union all by name
    select * from occurrences

),

final as (

    select
        unioned.client,
        unioned.site,
        unioned.queue,
        unioned.pane_start_ms,
        {%- for field in [
            'offered', 'answered', 'answered_within', 'abandoned', 'abandoned_within',
            'abandoned_short', 'flowed_out', 'flowed_out_within', 'callbacks',
            'callbacks_within', 'waiting_over', 'wait_answered_ms', 'abandoned_before_queue',
            'out_of_hours', 'refused_full', 'refused_closed', 'refused_empty', 'refused_other',
            'dialed', 'connected', 'connected_live', 'dialed_answered', 'dialer_abandoned',
        ] + wait_names() + [
            'handled', 'talk_ms', 'hold_ms', 'acw_ms', 'held', 'no_answers',
            'complaints', 'transfers', 'long_holds', 'transfers_blind', 'transfers_attended',
            'transfers_to_queue', 'transfers_to_agent', 'transfers_external',
        ] %}
        {{ total(field) }} as {{ field }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from unioned
    inner join queues
        on unioned.client = queues.client
        and unioned.site = queues.site
        and unioned.queue = queues.queue
    where unioned.pane_start_ms >= queues.month_start_ms
        and unioned.pane_start_ms < queues.month_end_ms
    group by all

)

select * from final
