with evaluations as (

    select * from {{ ref('stg_evaluations') }}

),

people as (

    select * from {{ ref('stg_people') }}

),

sites as (

    select * from {{ source('params', 'sites') }}

),

final as (

    select
        '{{ var("month") }}' as month,
        {{ agent_key('evaluations') }},
        evaluations.record_id as evaluation,
        evaluations.evaluated_at_ms,
        evaluations.form,
        evaluations.queue,
        evaluations.contact_id,
        evaluations.evaluator,
        people.team,
        evaluations.sampling,
        evaluations.score_milli,
        evaluations.max_score_milli,
        evaluations.customer_critical_count,
        evaluations.business_critical_count,
        evaluations.compliance_critical_count,
        evaluations.non_critical_count,
        evaluations.check_count,
        evaluations.population_count
    from evaluations
    inner join sites
        on evaluations.client = sites.client
        and evaluations.site = sites.site
    left join people
        on evaluations.client = people.client
        and evaluations.site = people.site
        and evaluations.agent = people.agent
        and evaluations.evaluated_at_ms >= people.valid_from_ms
        and (people.valid_to_ms is null or evaluations.evaluated_at_ms < people.valid_to_ms)
    where evaluations.evaluated_at_ms >= sites.month_start_ms
        and evaluations.evaluated_at_ms < sites.month_end_ms

)

select * from final
