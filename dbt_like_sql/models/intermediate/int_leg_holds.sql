with events as (

    select * from {{ ref('stg_call_events') }}
    where type in ('hold_started', 'hold_ended')

),

final as (

    select
        {{ leg_key() }},
        coalesce(hold_seq, 0) as hold_seq,
        {{ earliest_at('hold_started') }} as started_at_ms,
        {{ earliest_at('hold_ended') }} as ended_at_ms
    from events
    group by {{ leg_key() }}, coalesce(hold_seq, 0)

)

select * from final
