-- Mirrors pipeline/domain/outcome.py: the one place in SQL that decides what a leg counts for,
-- and when. Integers throughout; `least` ignores NULL.
with facts as {{ inlined() }} (

    select * from {{ ref('int_leg_facts') }}

),

holds as (

    select * from {{ ref('int_leg_holds') }}

),

instants as (

    select * from {{ ref('int_leg_instants') }}

),

targets as (

    select * from {{ source('params', 'service_targets') }}

),

watermarks as (

    select * from {{ source('params', 'watermarks') }}

),

out_of_hours as (

    select * from {{ ref('int_leg_hours') }}
    where registry = 'current'

),

leg_holds as (

    select
        {{ leg_key('holds') }},
        cast(sum(
            greatest(0, coalesce(holds.ended_at_ms, facts.ended_at_ms) - holds.started_at_ms)
        ) as bigint) as hold_ms
    from holds
    inner join facts using (client, site, queue, contact_id, leg)
    where holds.started_at_ms is not null and facts.ended_at_ms is not null
    group by {{ leg_key('holds') }}

),

leg_instants as (

    select
        {{ leg_key() }},
        count(*) filter (where kind = 'complaint') as complaint_count,
        count(*) filter (where kind = 'before_queue') as before_queue_count,
        min(at_ms) filter (where kind = 'before_queue') as before_queue_at_ms
    from instants
    group by {{ leg_key() }}

),

joined as (

    select
        facts.*,
        coalesce(leg_holds.hold_ms, 0) as all_hold_ms,
        coalesce(leg_instants.complaint_count, 0) as complaint_count,
        coalesce(leg_instants.before_queue_count, 0) as before_queue_count,
        leg_instants.before_queue_at_ms,
        out_of_hours.client is not null as is_out_of_hours,
        targets.answer_shift_ms,
        {{ earliest_at_ms('facts', 'targets') }} as earliest_at_ms,
        watermarks.watermark_ms,
        targets.threshold_ms,
        -- a wait of at most this is within: `<` is `<=` of one millisecond less
        targets.threshold_ms - case when targets.inclusive then 0 else 1 end as most_wait_ms,
        targets.short_abandon_ms,
        targets.long_hold_ms
    from facts
    left join leg_holds using (client, site, queue, contact_id, leg)
    left join leg_instants using (client, site, queue, contact_id, leg)
    left join out_of_hours using (client, site, queue, contact_id, leg)
    inner join watermarks on facts.log_partition = watermarks._partition
    inner join targets
        on facts.client = targets.client
        and facts.site = targets.site
        and facts.queue = targets.queue
        and coalesce(facts.queued_at_ms, facts.first_ms) >= targets.from_ms
        and coalesce(facts.queued_at_ms, facts.first_ms) < targets.to_ms

),

decided as (

    select
        *,
        {{ outcome_name() }} as outcome,
        case when queued_at_ms is not null then earliest_at_ms end as outcome_at_ms,
        greatest(0, coalesce(earliest_at_ms, watermark_ms) - queued_at_ms) as wait_ms,
        queued_at_ms is not null
        and answered_at_ms is not null
        and ended_at_ms is not null
        and (wrapup_started_at_ms is null or wrapup_ended_at_ms is not null) as is_completed
    from joined

),

final as (

    select
        {{ leg_key() }},
        log_partition,
        queued_at_ms,
        outcome_at_ms,
        case
            when queued_at_ms is null then null
            when outcome <> 'waiting' and wait_ms <= most_wait_ms
                then greatest(outcome_at_ms, queued_at_ms)
            when wait_ms > most_wait_ms then queued_at_ms + threshold_ms
        end as service_level_at_ms,
        case
            when is_completed and wrapup_started_at_ms is null then ended_at_ms
            when is_completed then greatest(ended_at_ms, wrapup_ended_at_ms)
        end as completed_at_ms,
        coalesce(queued_at_ms, before_queue_at_ms, first_ms) as belongs_at_ms,
        outcome,
        case when is_out_of_hours then 'out_of_hours' else outcome end as counts_as,
        case when queued_at_ms is not null then wait_ms end as wait_ms,
        coalesce(outcome <> 'waiting' and wait_ms <= most_wait_ms, false) as is_within,
        coalesce(outcome = 'abandoned' and wait_ms <= short_abandon_ms, false)
            as is_short_abandon,
        is_completed,
        case when is_completed
            then greatest(0, ended_at_ms - answered_at_ms - all_hold_ms)
        end as talk_ms,
        case when is_completed then all_hold_ms end as hold_ms,
        case when is_completed
            then greatest(0, coalesce(wrapup_ended_at_ms - wrapup_started_at_ms, 0))
        end as acw_ms,
        coalesce(is_completed and all_hold_ms >= long_hold_ms, false) as is_long_hold,
        answered_at_ms,
        answered_agent,
        abandoned_at_ms,
        flowed_out_at_ms,
        flowed_out_reason,
        callback_at_ms,
        case when queued_at_ms is not null then transferred_at_ms end as transferred_at_ms,
        transferred_to,
        ended_at_ms,
        ended_by,
        customer_ref,
        offer_count,
        no_answer_count,
        complaint_count,
        before_queue_count,
        refused_at_ms,
        refused_reason,
        dialed_at_ms,
        connected_at_ms,
        connected_to,
        event_count,
        first_ms,
        last_ms,
        known_at_ms,
        watermark_ms
    from decided

)

select * from final
