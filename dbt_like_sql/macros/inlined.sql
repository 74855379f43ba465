{# Before the bracket of a CTE that is named twice: DuckDB would keep it, with every column of every
   row; read twice, each reads only what it needs. Spark reads twice anyway. #}
{% macro inlined() -%}
  {{ return(adapter.dispatch('inlined')()) }}
{%- endmacro %}

{% macro duckdb__inlined() -%}
  not materialized
{%- endmacro %}

{% macro spark__inlined() -%}
{%- endmacro %}
