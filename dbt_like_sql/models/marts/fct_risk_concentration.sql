-- Where contacts of risk pile up. Excess is what a value has beyond its share by the client's
-- average: with few contacts it stays small, whatever its rate.
with contacts as (

    select * from {{ ref('fct_contact_risks') }}

),

valued as (

    select
        client,
        'queue' as dimension,
        case when site = '' then queue else site || '/' || queue end as value,
        is_listed,
        cases_after
    from contacts
    union all
    select
        client,
        'agent' as dimension,
        agent as value,
        is_listed,
        cases_after
    from contacts
    where agent is not null
    union all
    select
        client,
        'wrapup_code' as dimension,
        wrapup_code as value,
        is_listed,
        cases_after
    from contacts
    where wrapup_code is not null
    union all
    select
        client,
        'hour' as dimension,
        lpad(cast(local_hour as string), 2, '0') as value,
        is_listed,
        cases_after
    from contacts

),

counted as (

    select
        client,
        dimension,
        value,
        count(*) as contacts,
        count(*) filter (where is_listed) as contacts_listed,
        count(*) filter (where cases_after > 0) as contacts_with_case
    from valued
    group by client, dimension, value

),

totals as (

    select
        client,
        dimension,
        {{ total('contacts') }} as contacts,
        {{ total('contacts_listed') }} as contacts_listed
    from counted
    group by client, dimension

),

final as (

    select
        '{{ var("month") }}' as month,
        counted.client,
        counted.dimension,
        counted.value,
        counted.contacts,
        counted.contacts_listed,
        counted.contacts_with_case,
        1000 * counted.contacts_listed
        - 1000 * totals.contacts_listed * counted.contacts {{ div() }} totals.contacts
            as excess_milli
    from counted
    inner join totals
        on counted.client = totals.client
        and counted.dimension = totals.dimension

)

select * from final
