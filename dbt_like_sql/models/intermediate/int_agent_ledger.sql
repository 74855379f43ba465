-- One state at a time out of what several sources say; domain/ledger.py.
with stated as (

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

-- windows sort by a number in half the time that three texts take
agents as (

    select
        {{ agent_key() }},
        row_number() over (order by {{ agent_key() }}) as agent_number,
        min(started_at_ms) as first_ms,
        max(ended_at_ms) as last_ms
    from stated
    group by {{ agent_key() }}

),

spells as (

    select stated.* exclude ({{ agent_key() }}), agents.agent_number
    from stated
    inner join agents
        on stated.client = agents.client
        and stated.site = agents.site
        and stated.agent = agents.agent

),

edges as (

    select agent_number, started_at_ms as at_ms from spells
    union
    select agent_number, ended_at_ms as at_ms from spells
    union
    -- another precedence may take force within a state
    select agents.agent_number, terms.from_ms as at_ms
    from agents
    inner join terms
        on agents.client = terms.client
        and agents.site = terms.site
        and terms.from_ms > agents.first_ms
        and terms.from_ms < agents.last_ms

),

segments as (

    select *, lead(at_ms) over (partition by agent_number order by at_ms) as next_at_ms
    from edges

),

sources as (

    select distinct agent_number, source from spells

),

-- what each source had said last, at every edge of any
said as (

    select
        segments.agent_number,
        segments.at_ms,
        segments.next_at_ms,
        sources.source,
        last_value(
            case when spells.state is not null then struct_pack(
                state := spells.state,
                reason := spells.reason,
                ended_at_ms := spells.ended_at_ms,
                is_presumed := spells.is_presumed,
                closed_by := spells.session_closed_by
            ) end
            ignore nulls
        ) over (
            partition by segments.agent_number, sources.source order by segments.at_ms
            rows between unbounded preceding and current row
        ) as spell
    from segments
    inner join sources on segments.agent_number = sources.agent_number
    left join spells
        on sources.agent_number = spells.agent_number
        and sources.source = spells.source
        and segments.at_ms = spells.started_at_ms

),

held as (

    select
        {{ agent_key('agents') }},
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
    inner join classes
        on agents.client = classes.client
        and agents.site = classes.site
        and said.spell.state = classes.state
        and said.at_ms >= classes.from_ms
        and said.at_ms < classes.to_ms
    where said.spell.ended_at_ms > said.at_ms
    qualify row_number() over (
        partition by said.agent_number, said.at_ms
        order by said.spell.is_presumed, classes.precedence, said.source
    ) = 1

),

marked as (

    select
        *,
        lag(ended_at_ms) over agent_log is distinct from started_at_ms
            or lag(state) over agent_log is distinct from state
            or lag(reason) over agent_log is distinct from reason
            or lag(source) over agent_log is distinct from source
            or lag(is_presumed) over agent_log is distinct from is_presumed as is_new,
        lead(started_at_ms) over agent_log is distinct from ended_at_ms as is_left
    from held
    window agent_log as (partition by agent_number order by started_at_ms)

),

numbered as (

    select
        *,
        count(*) filter (is_new) over (
            partition by agent_number order by started_at_ms
            rows between unbounded preceding and current row
        ) as spell_number
    from marked

),

final as (

    select
        {{ agent_key() }},
        min(started_at_ms) as started_at_ms,
        max(ended_at_ms) as ended_at_ms,
        state,
        reason,
        source,
        is_presumed,
        max(case when is_left then closed_by end) as closed_by
    from numbered
    group by {{ agent_key() }}, agent_number, spell_number, state, reason, source, is_presumed

)

select * from final
