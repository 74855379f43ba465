-- Mirrors pipeline/domain/risk.py `together`: a customer's contacts of one business day as one, and
-- which complaint cases came after.
with contacts as (

    select * from {{ ref('fct_contact_risks') }}
    where customer_ref is not null

),

cases as (

    select * from {{ ref('int_customer_cases') }}

),

terms as (

    select * from {{ source('params', 'risk_terms') }}

),

days as (

    select
        client,
        customer_ref,
        business_on,
        min(terms_from_on) as terms_from_on,
        count(*) as contact_count,
        min(started_at_ms) as first_started_at_ms,
        {%- for feature in risk_features() %}
        {{ risk_together(feature) }} as {{ feature }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from contacts
    group by client, customer_ref, business_on

),

scored as (

    select
        days.*,
        terms.intercept,
        terms.listed_from,
        terms.outcome_window_ms,
        {{ risk_score() }} as risk_milli
    from days
    inner join terms
        on days.client = terms.client
        and days.terms_from_on = terms.from_on

),

followed as (

    select
        scored.client,
        scored.customer_ref,
        scored.business_on,
        count(*) as cases,
        count(*) filter (where cases.is_valid) as cases_valid,
        count(*) filter (where cases.is_escalated) as cases_escalated,
        min(cases.received_at_ms) as first_case_at_ms
    from cases
    inner join scored
        on cases.client = scored.client
        and cases.customer_ref = scored.customer_ref
    where cases.received_at_ms > scored.first_started_at_ms
        and cases.received_at_ms - scored.first_started_at_ms <= scored.outcome_window_ms
    group by scored.client, scored.customer_ref, scored.business_on

),

watermarks as (

    select client, max(watermark_ms) as watermark_ms
    from {{ ref('int_customer_contacts') }}
    group by client

),

final as (

    select
        scored.client,
        scored.customer_ref,
        scored.business_on,
        scored.terms_from_on,
        scored.contact_count,
        scored.first_started_at_ms,
        {%- for feature in risk_features() %}
        scored.{{ feature }},
        {%- endfor %}
        scored.intercept,
        scored.risk_milli,
        scored.risk_milli >= scored.listed_from as is_listed,
        coalesce(followed.cases, 0) as cases_after,
        coalesce(followed.cases_valid, 0) as cases_valid_after,
        coalesce(followed.cases_escalated, 0) as cases_escalated_after,
        followed.first_case_at_ms,
        followed.client is null
        and watermarks.watermark_ms - scored.first_started_at_ms < scored.outcome_window_ms
            as is_provisional
    from scored
    left join followed
        on scored.client = followed.client
        and scored.customer_ref = followed.customer_ref
        and scored.business_on = followed.business_on
    inner join watermarks
        on scored.client = watermarks.client

)

select * from final
