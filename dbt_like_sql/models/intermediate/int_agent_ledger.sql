-- One state at a time out of what several sources say; domain/ledger.py.
with spells as (

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
        min(started_at_ms) as first_ms,
        max(ended_at_ms) as last_ms
    from spells
    group by {{ agent_key() }}

),

edges as (

    select {{ agent_key() }}, started_at_ms as at_ms from spells
    union
    select {{ agent_key() }}, ended_at_ms as at_ms from spells
    union
    -- another precedence may take force within a state
    select {{ agent_key('agents') }}, terms.from_ms as at_ms
    from agents
    inner join terms
        on agents.client = terms.client
        and agents.site = terms.site
        and terms.from_ms > agents.first_ms
        and terms.from_ms < agents.last_ms

),

segments as (

    select *, lead(at_ms) over (partition by {{ agent_key() }} order by at_ms) as next_at_ms
    from edges

),

sources as (

    select distinct {{ agent_key() }}, source from spells

),

-- what each source had said last, at every edge of any
said as (

    select
        {{ agent_key('segments') }},
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
            partition by {{ agent_key('segments') }}, sources.source order by segments.at_ms
            rows between unbounded preceding and current row
        ) as spell
    from segments
    inner join sources
        on segments.client = sources.client
        and segments.site = sources.site
        and segments.agent = sources.agent
    left join spells
        on sources.client = spells.client
        and sources.site = spells.site
        and sources.agent = spells.agent
        and sources.source = spells.source
        and segments.at_ms = spells.started_at_ms

),

held as (

    select
        {{ agent_key('said') }},
        said.at_ms as started_at_ms,
        said.next_at_ms as ended_at_ms,
        said.spell.state as state,
        said.spell.reason as reason,
        said.source,
        said.spell.is_presumed as is_presumed,
        said.spell.closed_by as closed_by
    from said
    inner join classes
        on said.client = classes.client
        and said.site = classes.site
        and said.spell.state = classes.state
        and said.at_ms >= classes.from_ms
        and said.at_ms < classes.to_ms
    where said.spell.ended_at_ms > said.at_ms
    qualify row_number() over (
        partition by {{ agent_key('said') }}, said.at_ms
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
    window agent_log as (partition by {{ agent_key() }} order by started_at_ms)

),

numbered as (

    select
        *,
        count(*) filter (is_new) over (
            partition by {{ agent_key() }} order by started_at_ms
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
    group by {{ agent_key() }}, spell_number, state, reason, source, is_presumed

)

select * from final
