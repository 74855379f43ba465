with complaints as (

    select * from {{ ref('fct_complaints') }}

),

queue_months as (

    select * from {{ ref('fct_queue_months') }}

),

attributed as (

    select *, 'received' as attribution
    from complaints
    where is_received_in_month
    union all
    select *, 'contact' as attribution
    from complaints
    where is_contact_in_month

),

counted as (

    select
        client,
        site,
        queue,
        attribution,
        {%- for name, condition in complaint_scopes().items() %}
        count(*) filter (where {{ condition }}) as {{ name }},
        {%- endfor %}
        count(*) filter (where contact_began_ms is null) as cases_unplaced
    from attributed
    group by all

),

-- a queue nobody complained of has a rate too: 0
expected as (

    select
        queue_months.client,
        queue_months.site,
        queue_months.queue,
        attributions.attribution,
        queue_months.handled,
        queue_months.contacts_handled
    from queue_months
    cross join (
        select 'received' as attribution
        union all
        select 'contact' as attribution
    ) as attributions

),

final as (

    select
        '{{ var("month") }}' as month,
        client,
        site,
        queue,
        attribution,
        {%- for name in complaint_scopes() %}
        coalesce(counted.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        coalesce(counted.cases_unplaced, 0) as cases_unplaced,
        coalesce(expected.handled, 0) as handled,
        coalesce(expected.contacts_handled, 0) as contacts_handled
    from expected
    full outer join counted using (client, site, queue, attribution)

)

select * from final
