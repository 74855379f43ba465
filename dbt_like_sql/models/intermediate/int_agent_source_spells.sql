-- What each source says an agent does, and how its logins end; domain/agent_session.py.
with events as {{ inlined() }} (

    select * from {{ ref('stg_agent_states') }}

),

terms as (

    select * from {{ source('params', 'agent_terms') }}

),

shifts as (

    select * from {{ ref('int_agent_shifts') }}

),

-- windows sort by one number in half the time that four texts take; that two logs have the same
-- stops the build (tests/integrity/agent_logs_have_numbers_of_their_own.sql)
logs as (

    select
        {{ agent_key() }},
        source,
        coalesce(bool_or(reason = 'heartbeat'), false) as is_beating,
        dense_rank() over (order by {{ agent_key() }}) as agent_number,
        {{ hash_64(agent_key() ~ ', source') }} as log_number
    from events
    group by {{ agent_key() }}, source

),

-- two passes over the events, so that only what may be a redelivery is sorted by its identity
repeated as (

    select {{ hash_64('event_id') }} as id_hash
    from events
    group by {{ hash_64('event_id') }}
    having count(*) > 1

),

-- a redelivered event counts once, where it first stood in the log
distinct_events as (

    select *
    from events
    anti join repeated on {{ hash_64('events.event_id') }} = repeated.id_hash
    union all
    select *
    from events
    semi join repeated on {{ hash_64('events.event_id') }} = repeated.id_hash
    qualify row_number() over (
        partition by {{ agent_key() }}, source, event_id order by _partition, _offset
    ) = 1

),

numbered_events as (

    select
        {{ hash_64(agent_key() ~ ', source') }} as log_number,
        occurred_at_ms,
        state,
        coalesce(reason = 'heartbeat', false) as is_heartbeat,
        -- empty, not NULL, where there is none: `last_known` passes over NULL
        case when is_heartbeat then '' else coalesce(reason, '') end as reason,
        _partition,
        _offset
    from distinct_events

),

-- of one instant the last of the log stands; a heart-beat only if alone
changes as (

    select
        log_number,
        occurred_at_ms as started_at_ms,
        state,
        reason,
        is_heartbeat
    from numbered_events
    qualify row_number() over (
        partition by log_number, occurred_at_ms
        order by is_heartbeat, _partition desc, _offset desc
    ) = 1

),

-- for how long each log may be silent before its last state is lost
silences as (

    select
        logs.log_number,
        logs.is_beating,
        terms.from_ms,
        terms.to_ms,
        case when logs.is_beating then terms.lost_after_ms else terms.longest_silence_ms end
            as silence_ms
    from logs
    inner join terms
        on logs.client = terms.client
        and logs.site = terms.site

),

followed as (

    select
        changes.*,
        silences.is_beating,
        silences.silence_ms,
        lead(changes.started_at_ms) over source_log as next_at_ms,
        lead(changes.state) over source_log as next_state,
        lag(changes.state) over source_log as previous_state,
        changes.started_at_ms - lag(changes.started_at_ms) over source_log
            > lag(silences.silence_ms) over source_log as was_lost
    from changes
    inner join silences
        on changes.log_number = silences.log_number
        and changes.started_at_ms >= silences.from_ms
        and changes.started_at_ms < silences.to_ms
    window source_log as (partition by changes.log_number order by changes.started_at_ms)

),

begun as (

    select
        *,
        coalesce(previous_state = 'logged_out' or was_lost, previous_state is null) as is_login,
        coalesce(next_at_ms - started_at_ms > silence_ms, next_at_ms is null) as is_lost
    from followed
    where state <> 'logged_out'

),

-- the shift in which a log fell silent
silent_in as (

    select
        begun.log_number,
        begun.started_at_ms,
        shifts.ended_at_ms
    from begun
    inner join logs on begun.log_number = logs.log_number
    inner join shifts
        on logs.client = shifts.client
        and logs.site = shifts.site
        and logs.agent = shifts.agent
        and begun.started_at_ms >= shifts.started_at_ms
        and begun.started_at_ms < shifts.ended_at_ms
    where begun.is_lost

),

ended as (

    select
        begun.*,
        is_login or not is_heartbeat or state <> previous_state as is_said_anew,
        case
            when not is_lost then next_at_ms
            when is_beating then begun.started_at_ms + silence_ms
            when silent_in.ended_at_ms is not null
                then least(silent_in.ended_at_ms, coalesce(next_at_ms, silent_in.ended_at_ms))
            else begun.started_at_ms
        end as ended_at_ms,
        case
            when not is_lost then case when next_state = 'logged_out' then 'logout' end
            when is_beating then 'heartbeat_loss'
            when silent_in.ended_at_ms is not null then 'shift_end'
            else 'last_event'
        end as closed_by
    from begun
    left join silent_in
        on begun.log_number = silent_in.log_number
        and begun.started_at_ms = silent_in.started_at_ms

),

closed as (

    select
        log_number,
        {{ last_known('case when is_login then started_at_ms end') }} over so_far as login_at_ms,
        state,
        -- a heart-beat keeps the reason the state began with
        nullif({{ last_known('case when is_said_anew then reason end') }} over so_far, '')
            as reason,
        started_at_ms,
        ended_at_ms,
        closed_by,
        coalesce(closed_by in ('heartbeat_loss', 'shift_end'), false) as is_presumed,
        -- a login ends with its first row that says how
        {{ first_known('closed_by') }} over from_here as session_closed_by
    from ended
    window
        so_far as (
            partition by log_number order by started_at_ms
            rows between unbounded preceding and current row
        ),
        from_here as (
            partition by log_number order by started_at_ms
            rows between current row and unbounded following
        )

),

final as (

    select
        {{ agent_key('logs') }},
        logs.source,
        logs.agent_number,
        closed.* {{ without('log_number') }}
    from closed
    inner join logs on closed.log_number = logs.log_number

)

select * from final
