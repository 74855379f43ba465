{# Lists: what both engines call alike (array_agg, array_distinct, array_sort, array_contains) has no
   macro. #}
{% macro list_of(items) -%}
  {{ return(adapter.dispatch('list_of')(items)) }}
{%- endmacro %}

{% macro duckdb__list_of(items) -%}
  [{{ items | join(', ') }}]
{%- endmacro %}

{% macro spark__list_of(items) -%}
  array({{ items | join(', ') }})
{%- endmacro %}

{% macro list_size(list) -%}
  {{ return(adapter.dispatch('list_size')(list)) }}
{%- endmacro %}

{% macro duckdb__list_size(list) -%}
  len({{ list }})
{%- endmacro %}

{% macro spark__list_size(list) -%}
  cast(cardinality({{ list }}) as bigint)
{%- endmacro %}

{# An item by its position, from 1. #}
{% macro list_item(list, position) -%}
  {{ return(adapter.dispatch('list_item')(list, position)) }}
{%- endmacro %}

{% macro duckdb__list_item(list, position) -%}
  {{ list }}[{{ position }}]
{%- endmacro %}

{% macro spark__list_item(list, position) -%}
  element_at({{ list }}, cast({{ position }} as int))
{%- endmacro %}

{# One row per whole number of a half-open range; none if it is empty. A select item of its own: no
   engine but DuckDB computes with it in place, or knows its alias in the same select. #}
{% macro each_of_range(first, end) -%}
  {{ return(adapter.dispatch('each_of_range')(first, end)) }}
{%- endmacro %}

{% macro duckdb__each_of_range(first, end) -%}
  unnest(range({{ first }}, {{ end }}))
{%- endmacro %}

{# Spark's sequence() includes its end, and counts down where that is before its start. #}
{% macro spark__each_of_range(first, end) -%}
  explode(case when {{ first }} < {{ end }} then sequence({{ first }}, ({{ end }}) - 1) end)
{%- endmacro %}
