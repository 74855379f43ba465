with landed as (

    select * from {{ source('landed', 'agent_states') }}

),

final as (

    select
        event_id,
        state,
        occurred_at_ms,
        client,
        site,
        agent,
        reason,
        source,
        _partition,
        _offset
    from landed

)

select * from final
