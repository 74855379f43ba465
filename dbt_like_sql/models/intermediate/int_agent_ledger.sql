-- One state at a time out of what several sources say; domain/ledger.py.
with stated as {{ inlined() }} (

    select * from {{ ref('int_agent_source_spells') }}
    where ended_at_ms > started_at_ms

),

terms as (

    select * from {{ source('params', 'agent_terms') }}

),

classes as (

    select * from {{ source('params', 'agent_classes') }}
    where reason is null

),

agents as (

    select
        {{ agent_key() }},
        agent_number,
        min(started_at_ms) as first_ms,
        max(ended_at_ms) as last_ms,
        min(source) <> max(source) as is_in_several_sources
    from stated
    group by {{ agent_key() }}, agent_number

),

-- of one source nothing has to be chosen: its spells never overlap
undisputed as (

    select stated.*
    from stated
    semi join (select * from agents where not is_in_several_sources) as agents
        on stated.agent_number = agents.agent_number

),

disputed as (

    select stated.*
    from stated
    semi join (select * from agents where is_in_several_sources) as agents
        on stated.agent_number = agents.agent_number

),

edges as (

    select agent_number, started_at_ms as at_ms from disputed
    union
    select agent_number, ended_at_ms as at_ms from disputed
    union
    -- another precedence may take force within a state
    select agents.agent_number, terms.from_ms as at_ms
    from agents
    inner join terms
        on agents.client = terms.client
        and agents.site = terms.site
        and terms.from_ms > agents.first_ms
        and terms.from_ms < agents.last_ms
    where agents.is_in_several_sources

),

segments as (

    select *, lead(at_ms) over (partition by agent_number order by at_ms) as next_at_ms
    from edges

),

sources as (

    select distinct agent_number, source from disputed

),

-- what each source had said last, at every edge of any
said as (

    select
        segments.agent_number,
        segments.at_ms,
        segments.next_at_ms,
        sources.source,
        {{ last_known('case when disputed.state is not null then ' ~ record({
            'state': 'disputed.state',
            'reason': 'disputed.reason',
            'ended_at_ms': 'disputed.ended_at_ms',
            'is_presumed': 'disputed.is_presumed',
            'closed_by': 'disputed.session_closed_by',
        }) ~ ' end') }} over (
            partition by segments.agent_number, sources.source order by segments.at_ms
            rows between unbounded preceding and current row
        ) as spell
    from segments
    inner join sources on segments.agent_number = sources.agent_number
    left join disputed
        on sources.agent_number = disputed.agent_number
        and sources.source = disputed.source
        and segments.at_ms = disputed.started_at_ms

),

decided as (

    select
        said.agent_number,
        said.at_ms as started_at_ms,
        said.next_at_ms as ended_at_ms,
        said.spell.state as state,
        said.spell.reason as reason,
        said.source,
        said.spell.is_presumed as is_presumed,
        said.spell.closed_by as closed_by
    from said
    inner join agents on said.agent_number = agents.agent_number
    -- a state that no term ranks comes last; where nothing else is said it stands, as of one source
    left join classes
        on agents.client = classes.client
        and agents.site = classes.site
        and said.spell.state = classes.state
        and said.at_ms >= classes.from_ms
        and said.at_ms < classes.to_ms
    where said.spell.ended_at_ms > said.at_ms
    qualify row_number() over (
        partition by said.agent_number, said.at_ms
        order by said.spell.is_presumed, classes.precedence nulls last, said.source
    ) = 1

),

held as (

    select * from decided
    union all
    select
        agent_number,
        started_at_ms,
        ended_at_ms,
        state,
        reason,
        source,
        is_presumed,
        session_closed_by as closed_by
    from undisputed

),

marked as (

    select
        *,
        (
            lag(ended_at_ms) over agent_log is distinct from started_at_ms
            or lag(state) over agent_log is distinct from state
            or lag(reason) over agent_log is distinct from reason
            or lag(source) over agent_log is distinct from source
            or lag(is_presumed) over agent_log is distinct from is_presumed
        ) as is_new,
        (
            lead(started_at_ms) over agent_log is distinct from ended_at_ms
            or lead(state) over agent_log is distinct from state
            or lead(reason) over agent_log is distinct from reason
            or lead(source) over agent_log is distinct from source
            or lead(is_presumed) over agent_log is distinct from is_presumed
        ) as is_last,
        (lead(started_at_ms) over agent_log is distinct from ended_at_ms) as is_left
    from held
    window agent_log as (partition by agent_number order by started_at_ms)

),

-- most have nobody to be joined with
numbered as (

    select
        *,
        count(case when is_new then 1 end) over (
            partition by agent_number order by started_at_ms
            rows between unbounded preceding and current row
        ) as spell_number
    from marked
    where not (is_new and is_last)

),

joined as (

    select
        agent_number,
        min(started_at_ms) as started_at_ms,
        max(ended_at_ms) as ended_at_ms,
        state,
        reason,
        source,
        is_presumed,
        max(case when is_left then closed_by end) as closed_by
    from numbered
    group by agent_number, spell_number, state, reason, source, is_presumed
    union all
    select
        agent_number,
        started_at_ms,
        ended_at_ms,
        state,
        reason,
        source,
        is_presumed,
        case when is_left then closed_by end as closed_by
    from marked
    where is_new and is_last

),

final as (

    select
        {{ agent_key('agents') }},
        joined.*
    from joined
    inner join agents on joined.agent_number = agents.agent_number

)

select * from final
