{#- what each part counts -#}
{%- set fields_of = {
    'service_level': [
        'offered', 'answered', 'answered_within', 'abandoned', 'abandoned_within',
        'abandoned_short', 'flowed_out', 'flowed_out_within', 'callbacks', 'callbacks_within',
        'waiting_over', 'wait_answered_ms', 'out_of_hours',
    ] + wait_names(),
    'refused': ['refused_full', 'refused_closed', 'refused_empty', 'refused_other'],
    'outbound': ['dialed', 'connected', 'connected_live', 'dialed_answered', 'dialer_abandoned'],
    'no_answers': ['no_answers'],
    'handle_time': ['handled', 'talk_ms', 'hold_ms', 'acw_ms', 'held', 'long_holds'],
    'transfers': [
        'transfers', 'transfers_blind', 'transfers_attended', 'transfers_to_queue',
        'transfers_to_agent', 'transfers_external',
    ],
    'occurrences': ['complaints', 'abandoned_before_queue'],
} -%}
{#- the order of the columns -#}
{%- set fields = [
    'offered', 'answered', 'answered_within', 'abandoned', 'abandoned_within', 'abandoned_short',
    'flowed_out', 'flowed_out_within', 'callbacks', 'callbacks_within', 'waiting_over',
    'wait_answered_ms', 'abandoned_before_queue', 'out_of_hours', 'refused_full',
    'refused_closed', 'refused_empty', 'refused_other', 'dialed', 'connected', 'connected_live',
    'dialed_answered', 'dialer_abandoned',
] + wait_names() + [
    'handled', 'talk_ms', 'hold_ms', 'acw_ms', 'held', 'no_answers', 'complaints', 'transfers',
    'long_holds', 'transfers_blind', 'transfers_attended', 'transfers_to_queue',
    'transfers_to_agent', 'transfers_external',
] -%}
with outcomes as {{ inlined() }} (

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
        count(*) filter (where counts_as <> 'out_of_hours') as offered,
        {{ ended_wait_counts() }},
        count(*) filter (where counts_as = 'flowed_out' and is_within) as flowed_out_within,
        count(*) filter (where counts_as = 'callback') as callbacks,
        count(*) filter (where counts_as = 'callback' and is_within) as callbacks_within,
        count(*) filter (where counts_as = 'waiting') as waiting_over,
        {{ wait_counts("counts_as = 'answered'") }}
        sum(wait_ms) filter (where counts_as = 'answered') as wait_answered_ms,
        count(*) filter (where counts_as = 'out_of_hours') as out_of_hours
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
        count(*) filter (where {{ refusal_kind('refused_reason') }} = 'full') as refused_full,
        count(*) filter (where {{ refusal_kind('refused_reason') }} = 'closed') as refused_closed,
        count(*) filter (where {{ refusal_kind('refused_reason') }} = 'empty') as refused_empty,
        count(*) filter (where {{ refusal_kind('refused_reason') }} = 'other') as refused_other
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
        count(connected_at_ms) filter (where connected_to <> 'machine') as connected_live,
        count(answered_at_ms) filter (where connected_at_ms is not null) as dialed_answered,
        count(connected_at_ms) filter (
            where connected_to <> 'machine'
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
        count(*) filter (where hold_ms > 0) as held,
        count(*) filter (where is_long_hold) as long_holds
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
        count(*) filter (where transferred_to like 'blind:%') as transfers_blind,
        count(*) filter (where transferred_to like 'attended:%') as transfers_attended,
        -- what the target is, it says in front: kind:queue:orders
        {%- for target in ['queue', 'agent', 'external'] %}
        count(*) filter (
            where split_part(transferred_to, ':', 2) = '{{ target }}'
            and contains(substr(transferred_to, instr(transferred_to, ':') + 1), ':')
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
        count(*) filter (where kind = 'complaint') as complaints,
        count(*) filter (where kind = 'before_queue') as abandoned_before_queue
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
    semi join (
        select * from outcomes
        where queued_at_ms is not null
    ) as queued
        using (client, site, queue, contact_id, leg)
    where instants.kind = 'no_answer'
    group by all

),

{#- the grain: a pane of a queue -#}
{%- set grain = ['client', 'site', 'queue', 'pane_start_ms'] %}

panes as (

    {% for part in fields_of %}
    {% if not loop.first %}
    union
    {% endif %}
    select {{ grain | join(', ') }} from {{ part }}
    {% endfor %}

),

final as (

    select
        panes.client,
        panes.site,
        panes.queue,
        panes.pane_start_ms,
        {%- for field in fields %}
        {%- for part, own in fields_of.items() if field in own %}
        cast(coalesce({{ part }}.{{ field }}, 0) as bigint) as {{ field }}
        {%- endfor %}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from panes
    inner join queues
        on panes.client = queues.client
        and panes.site = queues.site
        and panes.queue = queues.queue
    {%- for part in fields_of %}
    left join {{ part }}
        on {% for column in grain -%}
        panes.{{ column }} = {{ part }}.{{ column }}{{ '' if loop.last else '\n        and ' }}
        {%- endfor %}
    {%- endfor %}
    where panes.pane_start_ms >= queues.month_start_ms
        and panes.pane_start_ms < queues.month_end_ms

)

select * from final
