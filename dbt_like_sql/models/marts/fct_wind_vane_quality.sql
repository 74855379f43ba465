-- From signal to case to confirmed complaint, and how well the list foresaw it.
with contacts as (

    select * from {{ ref('fct_contact_risks') }}

),

days as (

    select * from {{ ref('int_customer_risk_days') }}

),

cases as (

    select * from {{ ref('int_customer_cases') }}

),

terms as (

    select * from {{ source('params', 'risk_terms') }}

),

of_contacts as (

    select
        client,
        count(*) as contacts,
        count(*) filter (where customer_ref is null) as contacts_without_customer
    from contacts
    group by client

),

of_days as (

    select
        client,
        count(*) as customer_days,
        count(*) filter (where risk_milli <> intercept) as days_with_signal,
        count(*) filter (where is_listed) as days_listed,
        count(*) filter (where is_listed and cases_after > 0) as days_listed_with_case,
        count(*) filter (where is_listed and cases_valid_after > 0) as days_listed_with_valid_case,
        count(*) filter (where is_listed and cases_escalated_after > 0)
            as days_listed_with_escalated_case,
        count(*) filter (where is_listed and is_provisional) as days_listed_provisional,
        count(*) filter (where cases_after > 0) as days_with_case,
        count(*) filter (where cases_valid_after > 0) as days_with_valid_case
    from days
    group by client

),

-- a case is foreseen if any day of the month that it may have come of was listed
judged as (

    select
        cases.client,
        cases.complaint,
        cases.is_valid,
        max(case when days.is_listed then 1 else 0 end) as is_foreseen
    from cases
    inner join days
        on cases.client = days.client
        and cases.customer_ref = days.customer_ref
    inner join terms
        on days.client = terms.client
        and days.terms_from_on = terms.from_on
    where cases.received_at_ms > days.first_started_at_ms
        and cases.received_at_ms - days.first_started_at_ms <= terms.outcome_window_ms
    group by cases.client, cases.complaint, cases.is_valid

),

of_cases as (

    select
        client,
        count(*) as cases_after,
        count(*) filter (where is_foreseen = 1) as cases_foreseen,
        count(*) filter (where is_valid) as cases_valid_after,
        count(*) filter (where is_valid and is_foreseen = 1) as cases_valid_foreseen
    from judged
    group by client

),

final as (

    select
        '{{ var("month") }}' as month,
        client,
        of_contacts.contacts,
        of_contacts.contacts_without_customer,
        coalesce(of_days.customer_days, 0) as customer_days,
        coalesce(of_days.days_with_signal, 0) as days_with_signal,
        coalesce(of_days.days_listed, 0) as days_listed,
        coalesce(of_days.days_listed_with_case, 0) as days_listed_with_case,
        coalesce(of_days.days_listed_with_valid_case, 0) as days_listed_with_valid_case,
        coalesce(of_days.days_listed_with_escalated_case, 0) as days_listed_with_escalated_case,
        coalesce(of_days.days_listed_provisional, 0) as days_listed_provisional,
        coalesce(of_days.days_with_case, 0) as days_with_case,
        coalesce(of_days.days_with_valid_case, 0) as days_with_valid_case,
        coalesce(of_cases.cases_after, 0) as cases_after,
        coalesce(of_cases.cases_foreseen, 0) as cases_foreseen,
        coalesce(of_cases.cases_valid_after, 0) as cases_valid_after,
        coalesce(of_cases.cases_valid_foreseen, 0) as cases_valid_foreseen
    from of_contacts
    left join of_days using (client)
    left join of_cases using (client)

)

select * from final
