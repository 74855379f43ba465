{% macro wait_names() -%}
  {%- set names = [] -%}
  {%- for edge in wait_edges_s() -%}
    {%- do names.append('wait_%04d' % edge) -%}
  {%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

{# One count per bucket of the rows that meet a condition, each with a trailing comma. #}
{% macro wait_counts(condition) -%}
  {%- set edges = wait_edges_s() -%}
  {%- for edge in edges %}
    count(*) filter (
      where {{ condition }} and wait_ms >= {{ edge * 1000 }}
      {%- if not loop.last %} and wait_ms < {{ edges[loop.index] * 1000 }}{% endif %}
    ) as {{ 'wait_%04d' % edge }},
  {%- endfor %}
{%- endmacro %}
