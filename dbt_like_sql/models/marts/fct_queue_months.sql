with legs as (

    select * from {{ ref('fct_leg_facts') }}

),

targets as (

    select * from {{ source('params', 'service_targets') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

calls as (

    select * from {{ ref('fct_calls') }}

),

contacts as (

    select
        client,
        first_site as site,
        first_queue as queue,
        count(*) filter (where handled_leg_count > 0) as contacts_handled,
        {{ total('talk_ms + hold_ms + acw_ms') }} as contact_handle_ms,
        count(is_repeated) as identified_contacts,
        count(*) filter (where is_repeated) as repeated_contacts,
        count(*) filter (where is_repeat_provisional) as provisional_contacts
    from calls
    group by all

),

counted as (

    select
        month,
        client,
        site,
        queue,
        {{ leg_counts() }},
        {{ total('before_queue_count') }} as abandoned_before_queue,
        count(*) filter (where is_long_hold) as long_holds,
        -- exact, and so not additive: the panes have buckets that add up
        {{ percentile_where('wait_ms', 0.5, "counts_as = 'answered'") }} as wait_p50_ms,
        {{ percentile_where('wait_ms', 0.9, "counts_as = 'answered'") }} as wait_p90_ms,
        max(wait_ms) filter (where counts_as = 'answered') as wait_max_ms
    from legs
    group by all

),

final as (

    select
        counted.month,
        counted.client,
        counted.site,
        counted.queue,
        {%- for name in count_names() %}
        counted.{{ name }},
        {%- endfor %}
        counted.abandoned_before_queue,
        counted.long_holds,
        counted.wait_p50_ms,
        counted.wait_p90_ms,
        counted.wait_max_ms,
        coalesce(contacts.contacts_handled, 0) as contacts_handled,
        coalesce(contacts.contact_handle_ms, 0) as contact_handle_ms,
        coalesce(contacts.identified_contacts, 0) as identified_contacts,
        coalesce(contacts.repeated_contacts, 0) as repeated_contacts,
        coalesce(contacts.provisional_contacts, 0) as provisional_contacts,
        targets.threshold_ms,
        targets.goal_permille
    from counted
    left join contacts using (client, site, queue)
    inner join queues
        on counted.client = queues.client
        and counted.site = queues.site
        and counted.queue = queues.queue
    -- the target printed beside the month's figures is the one in force at its end
    inner join targets
        on counted.client = targets.client
        and counted.site = targets.site
        and counted.queue = targets.queue
        and queues.month_end_ms - 1 >= targets.from_ms
        and queues.month_end_ms - 1 < targets.to_ms

)

select * from final
