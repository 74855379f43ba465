{# Those milliseconds of a set of parts (int_agent_parts). #}
{% macro agent_time_sums() -%}
    {%- for state in agent_states() %}
    {{ total("case when state = '" ~ state ~ "' then spent_ms end") }} as {{ state }}_ms,
    {%- endfor %}
    {{ total('case when state is not null then spent_ms end') }} as logged_in_ms,
    {%- for name in agent_time_names() if name[:-3] not in agent_states() + ['logged_in'] %}
    {{ total('spent_ms * ' ~ name[:-3] ~ '_weight') }} as {{ name }}{{ '' if loop.last else ',' }}
    {%- endfor %}
{%- endmacro %}
