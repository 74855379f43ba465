-- Guards int_agent_time and fct_agent_exclusions: time logged in = counted + excluded, per measure,
-- and the states add up to time logged in.
with days as (

    select * from {{ ref('fct_agent_days') }}

),

excluded as (

    select
        {{ agent_key() }}, business_on,
        {%- for measure in agent_measures() %}
        sum(excluded_ms) filter (where measure = '{{ measure }}') as {{ measure }}_excluded_ms
        {{- '' if loop.last else ',' }}
        {%- endfor %}
    from {{ ref('fct_agent_exclusions') }}
    group by all

)

select *
from days
left join excluded using ({{ agent_key() }}, business_on)
where logged_in_ms <> 0
    {% for state in agent_states() %}
    + {{ state }}_ms
    {% endfor %}
    {% for measure in agent_measures() %}
    or logged_in_ms <> {{ measure }}_ms + coalesce({{ measure }}_excluded_ms, 0)
    {% endfor %}
