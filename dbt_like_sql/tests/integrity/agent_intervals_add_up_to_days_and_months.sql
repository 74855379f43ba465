-- Guards fct_agent_intervals, fct_agent_days and fct_agent_months: clipping loses and doubles
-- nothing, over a DST day as over any other.
with days as (

    select
        {{ agent_key() }}, business_on as part,
        {%- for name in agent_time_names() %}
        {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ ref('fct_agent_days') }}

),

intervals as (

    select
        {{ agent_key() }}, interval_minutes,
        {%- for name in agent_time_names() %}
        {{ total(name) }} as {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ ref('fct_agent_intervals') }}
    group by all

),

by_date as (

    select
        {{ agent_key('quarters') }}, business_days.business_on as part, interval_minutes,
        {%- for name in agent_time_names() %}
        {{ total(name) }} as {{ name }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ ref('fct_agent_intervals') }} as quarters
    inner join {{ source('params', 'agent_zones') }} as zones
        on quarters.client = zones.client
        and quarters.site = zones.site
    inner join {{ source('params', 'days') }} as business_days
        on zones.zone = business_days.zone
        and quarters.interval_start_ms >= business_days.from_ms
        and quarters.interval_start_ms < business_days.to_ms
    group by all

),

months as (

    select * from {{ ref('fct_agent_months') }}

)

select {{ agent_key('days') }}, days.part, by_date.interval_minutes
from days
left join by_date
    on days.client = by_date.client
    and days.site = by_date.site
    and days.agent = by_date.agent
    and days.part = by_date.part
where false
    {%- for name in agent_time_names() %}
    or days.{{ name }} <> coalesce(by_date.{{ name }}, 0)
    {%- endfor %}
union all
select {{ agent_key('months') }}, null as part, intervals.interval_minutes
from months
left join intervals
    on months.client = intervals.client
    and months.site = intervals.site
    and months.agent = intervals.agent
where false
    {%- for name in agent_time_names() %}
    or months.{{ name }} <> coalesce(intervals.{{ name }}, 0)
    {%- endfor %}
