-- Guards fct_abandoned_calls and fct_repeat_calls: nobody is on a list that the month does not
-- count, and nobody counted is missing.
with abandoned as (

    select
        client, site, queue,
        count(*) as abandoned,
        count(*) filter (where is_short_abandon) as abandoned_short
    from {{ ref('fct_abandoned_calls') }}
    where not is_out_of_hours
    group by all

),

repeated as (

    select client, first_site as site, first_queue as queue, count(*) as repeated_contacts
    from {{ ref('fct_repeat_calls') }}
    group by all

),

months as (

    select * from {{ ref('fct_queue_months') }}

)

select client, site, queue
from months
full outer join abandoned using (client, site, queue)
full outer join repeated using (client, site, queue)
where coalesce(months.abandoned, 0) <> coalesce(abandoned.abandoned, 0)
    or coalesce(months.abandoned_short, 0) <> coalesce(abandoned.abandoned_short, 0)
    or coalesce(months.repeated_contacts, 0) <> coalesce(repeated.repeated_contacts, 0)
