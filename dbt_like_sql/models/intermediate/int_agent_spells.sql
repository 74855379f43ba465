-- A state lasts until the agent's next event; events of one instant follow the log's order, so
-- the last one stands. A redelivered event only splits a spell in two of the same state.
with events as (

    select * from {{ ref('stg_agent_states') }}

),

sequenced as (

    select
        client,
        site,
        agent,
        state,
        occurred_at_ms as started_at_ms,
        lead(occurred_at_ms) over agent_log as next_at_ms
    from events
    window agent_log as (
        partition by client, site, agent order by occurred_at_ms, _partition, _offset
    )

),

final as (

    select
        client,
        site,
        agent,
        state,
        started_at_ms,
        coalesce(next_at_ms, started_at_ms) as ended_at_ms,
        next_at_ms is null and state <> 'logged_out' as is_open_ended
    from sequenced
    where state <> 'logged_out' and (next_at_ms is null or next_at_ms > started_at_ms)

)

select * from final
