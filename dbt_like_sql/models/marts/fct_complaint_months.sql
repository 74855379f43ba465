with complaints as (

    select * from {{ ref('stg_complaints') }}

),

calls as (

    select * from {{ ref('fct_calls') }}

),

queue_months as (

    select * from {{ ref('fct_queue_months') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

sites as (

    select * from {{ source('params', 'sites') }}

),

-- where a complaint belongs, and when: what it says itself, else what its contact says
placed as (

    select
        complaints.* exclude (site, queue),
        case
            when complaints.queue is null then coalesce(calls.first_site, complaints.site)
            else complaints.site
        end as site,
        coalesce(complaints.queue, calls.first_queue, '') as queue,
        coalesce(complaints.contact_at_ms, calls.started_at_ms) as contact_began_ms
    from complaints
    left join calls
        on complaints.client = calls.client
        and complaints.contact_id = calls.contact_id

),

attributed as (

    select *, 'received' as attribution, received_at_ms as at_ms from placed
    union all
    select *, 'contact' as attribution, contact_began_ms as at_ms
    from placed
    where contact_began_ms is not null

),

counted as (

    select
        attributed.client,
        attributed.site,
        attributed.queue,
        attributed.attribution,
        {%- for name, condition in complaint_scopes().items() %}
        count(*) filter ({{ condition }}) as {{ name }},
        {%- endfor %}
        count(*) filter (contact_began_ms is null) as cases_unplaced
    from attributed
    inner join sites
        on attributed.client = sites.client
        and attributed.site = sites.site
    left join queues
        on attributed.client = queues.client
        and attributed.site = queues.site
        and attributed.queue = queues.queue
    where attributed.at_ms >= coalesce(queues.month_start_ms, sites.month_start_ms)
        and attributed.at_ms < coalesce(queues.month_end_ms, sites.month_end_ms)
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
    cross join (select unnest(['received', 'contact']) as attribution) as attributions

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
