-- Two passes, so that the wide hash table is over 8-byte hashes and the exact one is small.
with events as {{ inlined() }} (

    select * from {{ ref('stg_call_events') }}

),

suspects as (

    select {{ hash_64('event_id') }} as id_hash
    from events
    group by {{ hash_64('event_id') }}
    having count(*) > 1

),

said as (

    select
        events.event_id,
        events._partition,
        events._offset,
        {{ record({
            'type': 'events.type',
            'occurred_at_ms': 'events.occurred_at_ms',
            'client': 'events.client',
            'site': 'events.site',
            'queue': 'events.queue',
            'contact_id': 'events.contact_id',
            'leg': 'events.leg',
            'agent': 'events.agent',
            'hold_seq': 'events.hold_seq',
            'reason': 'events.reason',
            'transfer_kind': 'events.transfer_kind',
            'transfer_target': 'events.transfer_target',
        }) }} as content
    from events
    inner join suspects on {{ hash_64('events.event_id') }} = suspects.id_hash

),

numbered as (

    select
        event_id,
        _partition,
        _offset,
        row_number() over (partition by event_id order by _partition, _offset) as occurrence,
        (
            min(content) over (partition by event_id)
            is distinct from max(content) over (partition by event_id)
        ) as is_contradictory
    from said

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
