-- Mirrors pipeline/domain/risk.py `score`, contact by contact.
with signals as (

    select * from {{ ref('int_contact_signals') }}

),

cases as (

    select * from {{ ref('int_customer_cases') }}

),

terms as (

    select * from {{ source('params', 'risk_terms') }}

),

scored as (

    select
        signals.*,
        terms.listed_from,
        terms.outcome_window_ms,
        {{ risk_score() }} as risk_milli
    from signals
    inner join terms
        on signals.client = terms.client
        and signals.terms_from_on = terms.from_on

),

followed as (

    select
        scored.client,
        scored.contact_id,
        count(*) as cases,
        count(*) filter (where cases.is_valid) as cases_valid
    from cases
    inner join scored
        on cases.client = scored.client
        and cases.customer_ref = scored.customer_ref
    where cases.received_at_ms > scored.started_at_ms
        and cases.received_at_ms - scored.started_at_ms <= scored.outcome_window_ms
    group by scored.client, scored.contact_id

),

final as (

    select
        '{{ var("month") }}' as month,
        scored.client,
        scored.contact_id,
        scored.customer_ref,
        scored.site,
        scored.queue,
        scored.agent,
        scored.wrapup_code,
        scored.started_at_ms,
        scored.business_on,
        scored.local_hour,
        scored.terms_from_on,
        {%- for feature in risk_features() %}
        scored.{{ feature }},
        {%- endfor %}
        scored.risk_milli,
        scored.risk_milli >= scored.listed_from as is_listed,
        coalesce(followed.cases, 0) as cases_after,
        coalesce(followed.cases_valid, 0) as cases_valid_after
    from scored
    left join followed
        on scored.client = followed.client
        and scored.contact_id = followed.contact_id

)

select * from final
