-- Mirrors pipeline/domain/leg.py: every slot is a min or a set, so that repeated and disordered
-- events cannot change a fact. That is why redelivered events are folded here, not removed
-- first: one hash aggregate over all rows, the same as the live side.
with events as (

    select * from {{ ref('stg_call_events') }}

),

folded as (

    select
        {{ leg_key() }},
        min(_partition) as log_partition,
        {{ earliest_at('queued') }} as queued_at_ms,
        {{ earliest('answered', "coalesce(agent, '')") }} as answered,
        min(occurred_at_ms) filter (
            where type = 'abandoned' and reason is distinct from 'before_queue'
        ) as abandoned_at_ms,
        {{ earliest('flowed_out', "coalesce(reason, '')") }} as flowed_out,
        {{ earliest_at('callback_requested') }} as callback_at_ms,
        {{ earliest(
            'transferred',
            "coalesce(transfer_kind, '') || ':' || coalesce(transfer_target, '')"
        ) }} as transferred,
        {{ earliest('ended', "coalesce(reason, '')") }} as ended,
        {{ earliest_at('wrapup_started') }} as wrapup_started_at_ms,
        {{ earliest_at('wrapup_ended') }} as wrapup_ended_at_ms,
        min(customer_ref) as customer_ref,
        array_agg({{ record({'at': 'occurred_at_ms', 'agent': "coalesce(agent, '')"}) }}) filter (
            where type = 'offered'
        ) as offers,
        array_agg({{ record({'at': 'occurred_at_ms', 'agent': "coalesce(agent, '')"}) }}) filter (
            where type = 'ring_no_answer'
        ) as no_answers,
        {{ earliest('refused', "coalesce(reason, '')") }} as refused,
        {{ earliest_at('dialed') }} as dialed_at_ms,
        {{ earliest('connected', "coalesce(reason, '')") }} as connected,
        min(occurred_at_ms) as first_ms,
        max(occurred_at_ms) as last_ms,
        max(_appended_at_ms) as known_at_ms,
        count(*) as event_count
    from events
    group by {{ leg_key() }}

),

final as (

    select
        {{ leg_key() }},
        log_partition,
        queued_at_ms,
        answered.at as answered_at_ms,
        answered.label as answered_agent,
        abandoned_at_ms,
        flowed_out.at as flowed_out_at_ms,
        flowed_out.label as flowed_out_reason,
        callback_at_ms,
        transferred.at as transferred_at_ms,
        transferred.label as transferred_to,
        ended.at as ended_at_ms,
        ended.label as ended_by,
        wrapup_started_at_ms,
        wrapup_ended_at_ms,
        customer_ref,
        coalesce({{ list_size('array_distinct(offers)') }}, 0) as offer_count,
        coalesce({{ list_size('array_distinct(no_answers)') }}, 0) as no_answer_count,
        refused.at as refused_at_ms,
        refused.label as refused_reason,
        dialed_at_ms,
        connected.at as connected_at_ms,
        connected.label as connected_to,
        first_ms,
        last_ms,
        known_at_ms,
        event_count
    from folded

)

select * from final
