{# Lower edges of the wait buckets, seconds: the same as pipeline/domain/wait_histogram.py; a test
   compares. #}
{% macro wait_edges_s() -%}
  {{ return([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128,
    160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
  ]) }}
{%- endmacro %}

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
      {{ condition }} and wait_ms >= {{ edge * 1000 }}
      {%- if not loop.last %} and wait_ms < {{ edges[loop.index] * 1000 }}{% endif %}
    ) as {{ 'wait_%04d' % edge }},
  {%- endfor %}
{%- endmacro %}
