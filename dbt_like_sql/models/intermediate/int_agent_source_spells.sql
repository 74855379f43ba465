-- What each source says an agent does, and how its logins end; domain/agent_session.py.
with events as (

    select * from {{ ref('stg_agent_states') }}

),

terms as (

    select * from {{ source('params', 'agent_terms') }}

),

shifts as (

    select * from {{ ref('int_agent_shifts') }}

),

-- one number per agent and source: windows sort by it in half the time that four texts take
logs as (

    select *, row_number() over (order by client, site, agent, source) as log_number
    from (select distinct {{ agent_key() }}, source from events) as seen

),

-- a redelivered event counts once, where it first stood in the log
distinct_events as (

    select
        events.*,
        logs.log_number,
        coalesce(events.reason = 'heartbeat', false) as is_heartbeat
    from events
    inner join logs
        on events.client = logs.client
        and events.site = logs.site
        and events.agent = logs.agent
        and events.source = logs.source
    qualify row_number() over (
        partition by logs.log_number, events.event_id order by events._partition, events._offset
    ) = 1

),

-- of one instant the last of the log stands; a heart-beat only if alone
changes as (

    select
        {{ agent_key() }},
        source,
        state,
        occurred_at_ms as started_at_ms,
        is_heartbeat,
        case when not is_heartbeat then nullif(reason, '') end as reason,
        log_number,
        bool_or(is_heartbeat) over (partition by log_number) as is_beating
    from distinct_events
    qualify row_number() over (
        partition by log_number, occurred_at_ms
        order by is_heartbeat, _partition desc, _offset desc
    ) = 1

),

followed as (

    select
        changes.*,
        terms.lost_after_ms,
        lead(changes.started_at_ms) over source_log as next_at_ms,
        coalesce(lead(changes.state) over source_log = 'logged_out', false) as is_logout_next,
        coalesce(
            next_at_ms - changes.started_at_ms
            > case when is_beating then terms.lost_after_ms else terms.longest_silence_ms end,
            next_at_ms is null
        ) as is_lost
    from changes
    inner join terms
        on changes.client = terms.client
        and changes.site = terms.site
        and changes.started_at_ms >= terms.from_ms
        and changes.started_at_ms < terms.to_ms
    window source_log as (partition by changes.log_number order by changes.started_at_ms)

),

ended as (

    select
        followed.*,
        case
            when not is_lost then next_at_ms
            when is_beating then followed.started_at_ms + lost_after_ms
            when shifts.ended_at_ms is not null
                then least(shifts.ended_at_ms, coalesce(next_at_ms, shifts.ended_at_ms))
            else followed.started_at_ms
        end as ended_at_ms,
        case
            when not is_lost then case when is_logout_next then 'logout' end
            when is_beating then 'heartbeat_loss'
            when shifts.ended_at_ms is not null then 'shift_end'
            else 'last_event'
        end as closed_by
    from followed
    left join shifts
        on is_lost
        and followed.client = shifts.client
        and followed.site = shifts.site
        and followed.agent = shifts.agent
        and followed.started_at_ms >= shifts.started_at_ms
        and followed.started_at_ms < shifts.ended_at_ms
    where state <> 'logged_out'

),

begun as (

    select
        *,
        lag(closed_by) over source_log is not null
            or lag(started_at_ms) over source_log is null as is_login,
        is_login or not is_heartbeat or state <> lag(state) over source_log as is_said_anew
    from ended
    window source_log as (partition by log_number order by started_at_ms)

),

numbered as (

    select
        *,
        count(*) filter (is_login) over source_log as session_number,
        count(*) filter (is_said_anew) over source_log as saying_number
    from begun
    window source_log as (
        partition by log_number order by started_at_ms
        rows between unbounded preceding and current row
    )

),

final as (

    select
        {{ agent_key() }},
        source,
        session_number,
        state,
        -- a heart-beat keeps the reason the state began with
        first_value(reason) over (
            partition by log_number, saying_number order by started_at_ms
        ) as reason,
        started_at_ms,
        ended_at_ms,
        closed_by,
        coalesce(closed_by in ('heartbeat_loss', 'shift_end'), false) as is_presumed,
        max(closed_by) over (partition by log_number, session_number) as session_closed_by
    from numbered

)

select * from final
