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
        count(*) as offered,
        count(*) filter (outcome = 'answered') as answered,
        count(*) filter (outcome = 'answered' and is_within) as answered_within,
        count(*) filter (outcome = 'abandoned') as abandoned,
        count(*) filter (outcome = 'abandoned' and is_within) as abandoned_within,
        count(*) filter (is_short_abandon) as abandoned_short,
        count(*) filter (outcome = 'flowed_out') as flowed_out,
        count(*) filter (outcome = 'flowed_out' and is_within) as flowed_out_within,
        count(*) filter (outcome = 'callback') as callbacks,
        count(*) filter (outcome = 'callback' and is_within) as callbacks_within,
        count(*) filter (outcome = 'waiting') as waiting_over,
        sum(wait_ms) filter (outcome = 'answered') as wait_answered_ms
    from outcomes
    where service_level_at_ms is not null
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
        count(*) as transfers
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
    group by all

),

unioned as (

    select * from service_level
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
            'handled', 'talk_ms', 'hold_ms', 'acw_ms', 'held',
            'complaints', 'transfers', 'long_holds',
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
