-- First settlement dataset: one line per clause and term in force. The one rounding of money is
-- that of a line's amount; a quantity's rounding is part of its clause.
with legs as (

    select * from {{ ref('fct_leg_facts') }}

),

agent_days as (

    select * from {{ ref('fct_agent_days') }}

),

clauses as (

    select * from {{ source('params', 'clauses') }}

),

clause_queues as (

    select * from {{ source('params', 'clause_queues') }}

),

clause_states as (

    select * from {{ source('params', 'clause_states') }}

),

measured as (

    select
        clauses.client,
        clauses.clause_id,
        clauses.kind,
        clauses.from_ms,
        legs.outcome,
        legs.is_completed,
        case
            when clauses.measure = 'talk' then legs.talk_ms
            else legs.talk_ms + legs.hold_ms + legs.acw_ms
        end as measured_ms,
        -- whole seconds begun, up to whole increments begun, at least the minimum
        greatest(
            clauses.minimum_s,
            ((measured_ms + 999) {{ div() }} 1000 + clauses.increment_s - 1)
            {{ div() }} clauses.increment_s * clauses.increment_s
        ) as billed_s
    from clauses
    inner join clause_queues
        on clauses.client = clause_queues.client
        and clauses.clause_id = clause_queues.clause_id
    inner join legs
        on clause_queues.client = legs.client
        and clause_queues.site = legs.site
        and clause_queues.queue = legs.queue
        and legs.queued_at_ms >= clauses.from_ms
        and legs.queued_at_ms < clauses.to_ms
    where (clauses.kind = 'per_call' and legs.outcome = 'answered')
        or (clauses.kind = 'per_minute' and legs.is_completed)

),

leg_quantities as (

    select
        measured.client,
        measured.clause_id,
        measured.from_ms,
        count(*) as fact_rows,
        case
            when measured.kind = 'per_call' then cast(count(*) as decimal(18, 4))
            else {{ ratio_4('sum(measured.billed_s)', 60) }}
        end as quantity
    from measured
    group by measured.client, measured.clause_id, measured.from_ms, measured.kind

),

states as (

    {% for state in agent_states() %}
    {% if not loop.first %}
    union all
    {% endif %}
    select
        client,
        business_on,
        '{{ state }}' as state,
        {{ state }}_ms as spent_ms
    from agent_days
    {% endfor %}

),

agent_quantities as (

    select
        clauses.client,
        clauses.clause_id,
        clauses.from_ms,
        count(*) as fact_rows,
        {{ ratio_4('sum(states.spent_ms)', 'clauses.hours_per_fte * 3600000') }} as quantity
    from clauses
    inner join clause_states
        on clauses.client = clause_states.client
        and clauses.clause_id = clause_states.clause_id
    inner join states
        on clause_states.client = states.client
        and clause_states.state = states.state
        and states.business_on >= clauses.from_on
        and states.business_on < clauses.to_on
    where clauses.kind = 'per_fte' and states.spent_ms > 0
    group by clauses.client, clauses.clause_id, clauses.from_ms, clauses.hours_per_fte

),

quantities as (

    select * from leg_quantities
    union all
    select * from agent_quantities

),

priced as (

    select
        clauses.*,
        coalesce(quantities.fact_rows, 0) as fact_rows,
        coalesce(quantities.quantity, cast(0 as decimal(18, 4))) as quantity
    from clauses
    left join quantities
        on clauses.client = quantities.client
        and clauses.clause_id = quantities.clause_id
        and clauses.from_ms = quantities.from_ms

),

final as (

    select
        '{{ var("month") }}' as month,
        client,
        clause_id,
        title,
        kind,
        from_on as term_from_on,
        fact_rows,
        quantity,
        unit,
        unit_price,
        currency,
        cast(
            -- 27 + 10 + 1 digits: one more, and Spark would round the product before we do
            round(cast(quantity as decimal(27, 4)) * cast(unit_price as decimal(10, 4)), 2)
            as decimal(18, 2)
        ) as amount
    from priced

)

select * from final
