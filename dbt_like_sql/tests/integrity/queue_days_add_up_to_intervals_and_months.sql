-- Guards fct_queue_days: under each attribution days hold what intervals hold, and by arrival what
-- months hold. A complaint may be of a leg that never queued: a month has it, no arrival does.
with days as (

    select
        client, site, queue, attribution,
        {%- for name in count_names() %}
        {{ total(name) }} as {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ ref('fct_queue_days') }}
    group by all

),

intervals as (

    select
        client, site, queue, attribution,
        {%- for name in count_names() %}
        {{ total(name) }} as {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ ref('fct_queue_intervals') }}
    where interval_minutes = 30
    group by all

),

months as (

    select * from {{ ref('fct_queue_months') }}

)

select client, site, queue, attribution, 'interval' as of_which
from intervals
full outer join days using (client, site, queue, attribution)
where false
    {%- for name in count_names() %}
    or coalesce(intervals.{{ name }}, 0) <> coalesce(days.{{ name }}, 0)
    {%- endfor %}
union all
select months.client, months.site, months.queue, days.attribution, 'month' as of_which
from months
left join days
    on months.client = days.client
    and months.site = days.site
    and months.queue = days.queue
    and days.attribution = 'arrival'
where false
    {%- for name in count_names() if name != 'complaints' %}
    or months.{{ name }} <> coalesce(days.{{ name }}, 0)
    {%- endfor %}
