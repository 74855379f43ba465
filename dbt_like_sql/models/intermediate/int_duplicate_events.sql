-- Two passes, so that the wide hash table is over 8-byte hashes and the exact one is small.
with events as (

    select * from {{ ref('stg_call_events') }}

),

suspects as (

    select hash(event_id) as id_hash
    from events
    group by hash(event_id)
    having count(*) > 1

),

numbered as (

    select
        events.event_id,
        events._partition,
        events._offset,
        row_number() over (
            partition by events.event_id order by events._partition, events._offset
        ) as occurrence,
        count(distinct (
            events.type, events.occurred_at_ms, {{ leg_key('events') }}, events.agent,
            events.hold_seq, events.reason, events.transfer_kind, events.transfer_target
        )) over (partition by events.event_id) > 1 as is_contradictory
    from events
    inner join suspects on hash(events.event_id) = suspects.id_hash

),

final as (

    select
        event_id,
        _partition,
        _offset,
        is_contradictory
    from numbered
    where occurrence > 1

)

select * from final
