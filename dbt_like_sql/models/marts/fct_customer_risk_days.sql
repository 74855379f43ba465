-- The list of the day: customers likely to complain, most likely first.
with days as (

    select * from {{ ref('int_customer_risk_days') }}
    where is_listed

),

contacts as (

    select * from {{ ref('fct_contact_risks') }}

),

terms as (

    select * from {{ source('params', 'risk_terms') }}

),

last_contacts as (

    select
        days.client,
        days.customer_ref,
        days.business_on,
        max({{ record({
            'at': 'contacts.started_at_ms', 'contact_id': 'contacts.contact_id',
            'site': 'contacts.site', 'queue': 'contacts.queue',
        }) }}) as contact
    from days
    inner join contacts
        on days.client = contacts.client
        and days.customer_ref = contacts.customer_ref
        and days.business_on = contacts.business_on
    group by days.client, days.customer_ref, days.business_on

),

reasoned as (

    select
        days.*,
        {{ risk_reasons() }} as reasons
    from days
    inner join terms
        on days.client = terms.client
        and days.terms_from_on = terms.from_on

),

final as (

    select
        '{{ var("month") }}' as month,
        client,
        business_on,
        -- Spark counts rows in an INTEGER
        cast(row_number() over (
            partition by client, business_on order by reasoned.risk_milli desc, customer_ref
        ) as bigint) as place,
        customer_ref,
        last_contacts.contact.site as site,
        last_contacts.contact.queue as queue,
        last_contacts.contact.contact_id as last_contact_id,
        reasoned.contact_count,
        reasoned.first_started_at_ms,
        reasoned.terms_from_on,
        {%- for feature in risk_features() %}
        reasoned.{{ feature }},
        {%- endfor %}
        reasoned.risk_milli,
        reasoned.reasons,
        reasoned.cases_after,
        reasoned.cases_valid_after,
        reasoned.cases_escalated_after,
        reasoned.first_case_at_ms,
        reasoned.is_provisional
    from reasoned
    inner join last_contacts using (client, customer_ref, business_on)

)

select * from final
