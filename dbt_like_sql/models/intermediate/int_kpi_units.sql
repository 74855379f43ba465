-- Mirrors pipeline/domain/units.py: what a definition counts, a leg or a contact, once; by the
-- definitions of each registry. Integers throughout; `least` and `greatest` ignore NULL.
with outcomes as (

    select * from {{ ref('int_leg_outcomes') }}

),

terms as (

    select * from {{ source('params', 'kpi_terms') }}

),

hours as (

    select * from {{ ref('int_leg_hours') }}

),

needs_contacts as (

    select distinct registry, client
    from terms
    where view = 'contact' or clock_start <> 'queue_entry'

),

stopped as (

    select
        terms.registry,
        terms.from_ms as term_from_ms,
        terms.threshold_ms,
        terms.most_wait_ms,
        terms.short_abandon_ms,
        terms.clock_start,
        terms.view,
        terms.attribution,
        terms.is_finished_only,
        {{ leg_key('outcomes') }},
        outcomes.queued_at_ms,
        outcomes.first_ms,
        outcomes.watermark_ms,
        outcomes.completed_at_ms,
        outcomes.talk_ms,
        outcomes.hold_ms,
        outcomes.acw_ms,
        outcomes.refused_at_ms,
        outcomes.refused_reason,
        terms.answer_shift_ms,
        outcomes.answered_at_ms,
        outcomes.callback_at_ms,
        outcomes.flowed_out_at_ms,
        {{ earliest_at_ms('outcomes', 'terms') }} as earliest_at_ms,
        outcomes.queued_at_ms is null
        or outcomes.is_completed
        or (
            outcomes.answered_at_ms is null
            and coalesce(
                outcomes.abandoned_at_ms, outcomes.flowed_out_at_ms, outcomes.callback_at_ms
            ) is not null
        ) as is_finished
    from outcomes
    inner join terms
        on outcomes.client = terms.client
        and outcomes.site = terms.site
        and outcomes.queue = terms.queue
        and coalesce(outcomes.queued_at_ms, outcomes.first_ms) >= terms.from_ms
        and coalesce(outcomes.queued_at_ms, outcomes.first_ms) < terms.to_ms

),

judged as (

    select
        *,
        {{ outcome_name() }} as outcome
    from stopped

),

contacts as (

    select
        registry,
        client,
        contact_id,
        min(first_ms) as system_ms,
        min(queued_at_ms) as first_queued_ms,
        min({{ record({
            'at': 'queued_at_ms', 'leg': 'leg', 'site': 'site', 'queue': 'queue',
        }) }}) filter (
            where queued_at_ms is not null
        ) as entry,
        min({{ record({
            'at': 'refused_at_ms', 'leg': 'leg', 'site': 'site', 'queue': 'queue',
        }) }}) filter (
            where queued_at_ms is null and refused_at_ms is not null
        ) as refusal,
        bool_and(is_finished) as is_finished,
        min(earliest_at_ms) filter (where outcome = 'answered') as answered_at_ms,
        min(earliest_at_ms) filter (where outcome = 'callback') as callback_at_ms,
        max(earliest_at_ms) filter (where outcome = 'abandoned') as abandoned_at_ms,
        max(earliest_at_ms) filter (where outcome = 'flowed_out') as flowed_out_at_ms,
        bool_or(outcome = 'waiting') as is_waiting,
        bool_and(completed_at_ms is not null) filter (where outcome = 'answered') as is_completed,
        max(completed_at_ms) filter (where outcome = 'answered') as completed_at_ms,
        bool_or(completed_at_ms is not null) as is_handled,
        {{ total('talk_ms') }} as talk_ms,
        {{ total('hold_ms') }} as hold_ms,
        {{ total('acw_ms') }} as acw_ms
    from judged
    semi join needs_contacts using (registry, client)
    group by registry, client, contact_id

),

{#- what a contact says otherwise than its leg -#}
{%- set recounted = 'is_finished, outcome, completed_at_ms, talk_ms, hold_ms, acw_ms' %}

leg_units as (

    select
        judged.* {{ without(recounted) }},
        judged.is_finished,
        judged.outcome,
        judged.completed_at_ms,
        judged.talk_ms,
        judged.hold_ms,
        judged.acw_ms,
        case clock_start
            when 'queue_entry' then judged.queued_at_ms
            when 'after_ivr' then contacts.first_queued_ms
            else contacts.system_ms
        end as start_ms,
        case when judged.outcome <> 'waiting' then judged.earliest_at_ms end as outcome_at_ms,
        judged.completed_at_ms is not null as is_handled
    from judged
    left join contacts
        on judged.registry = contacts.registry
        and judged.client = contacts.client
        and judged.contact_id = contacts.contact_id
    where judged.view = 'leg' and judged.queued_at_ms is not null

),

contact_units as (

    select
        judged.* {{ without(recounted) }},
        contacts.is_finished,
        case
            when contacts.answered_at_ms is not null then 'answered'
            when contacts.callback_at_ms is not null then 'callback'
            when contacts.is_waiting then 'waiting'
            when contacts.abandoned_at_ms is not null then 'abandoned'
            else 'flowed_out'
        end as outcome,
        case when contacts.is_completed then contacts.completed_at_ms end as completed_at_ms,
        contacts.talk_ms,
        contacts.hold_ms,
        contacts.acw_ms,
        case judged.clock_start
            when 'system' then contacts.system_ms
            else contacts.first_queued_ms
        end as start_ms,
        case
            when contacts.answered_at_ms is not null then contacts.answered_at_ms
            when contacts.callback_at_ms is not null then contacts.callback_at_ms
            when contacts.is_waiting then null
            else coalesce(contacts.abandoned_at_ms, contacts.flowed_out_at_ms)
        end as outcome_at_ms,
        contacts.is_handled
    from judged
    inner join contacts
        on judged.registry = contacts.registry
        and judged.client = contacts.client
        and judged.contact_id = contacts.contact_id
        and judged.leg = contacts.entry.leg
        and judged.site = contacts.entry.site
        and judged.queue = contacts.entry.queue
    where judged.view = 'contact' and judged.queued_at_ms is not null

),

waited as (

    select
        *,
        greatest(0, coalesce(outcome_at_ms, watermark_ms) - start_ms) as wait_ms
    from (
        select * from leg_units
        union all
        select * from contact_units
    ) as units
    where is_finished or not is_finished_only

),

placed as (

    select
        *,
        outcome <> 'waiting' and wait_ms <= most_wait_ms as is_within,
        case attribution
            when 'arrival' then queued_at_ms
            when 'outcome' then outcome_at_ms
            when 'completion' then
                case when outcome = 'answered' then completed_at_ms else outcome_at_ms end
            else case
                when outcome <> 'waiting' and wait_ms <= most_wait_ms
                    then greatest(outcome_at_ms, queued_at_ms)
                else greatest(start_ms + threshold_ms, queued_at_ms)
            end
        end as at_ms
    from waited
    -- a call that waits within the threshold counts for nothing yet
    where outcome <> 'waiting' or wait_ms > most_wait_ms

),

queued as (

    select
        registry,
        {{ leg_key('placed') }},
        placed.term_from_ms,
        placed.at_ms,
        case when hours.client is null then placed.outcome else 'out_of_hours' end as counts_as,
        placed.is_within,
        coalesce(
            placed.outcome = 'abandoned' and placed.wait_ms <= placed.short_abandon_ms, false
        ) as is_short_abandon,
        placed.wait_ms,
        placed.is_handled,
        case when placed.is_handled then placed.talk_ms else 0 end as talk_ms,
        case when placed.is_handled then placed.hold_ms else 0 end as hold_ms,
        case when placed.is_handled then placed.acw_ms else 0 end as acw_ms
    from placed
    left join hours using (registry, client, site, queue, contact_id, leg)
    where placed.at_ms is not null

),

refused as (

    select
        judged.registry,
        {{ leg_key('judged') }},
        judged.term_from_ms,
        judged.refused_at_ms as at_ms,
        'refused_' || {{ refusal_kind('judged.refused_reason') }} as counts_as,
        false as is_within,
        false as is_short_abandon,
        cast(null as bigint) as wait_ms,
        false as is_handled,
        0 as talk_ms,
        0 as hold_ms,
        0 as acw_ms
    from judged
    left join contacts using (registry, client, contact_id)
    where judged.queued_at_ms is null
        and judged.refused_at_ms is not null
        and (
            judged.view = 'leg'
            or (
                contacts.first_queued_ms is null
                and judged.leg = contacts.refusal.leg
                and judged.site = contacts.refusal.site
                and judged.queue = contacts.refusal.queue
            )
        )

),

final as (

    select * from queued
    union all
    select * from refused

)

select * from final
