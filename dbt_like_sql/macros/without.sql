{# After a star: all columns but these. #}
{% macro without(columns) -%}
  {{ return(adapter.dispatch('without')(columns)) }}
{%- endmacro %}

{% macro duckdb__without(columns) -%}
  exclude ({{ columns }})
{%- endmacro %}

{% macro spark__without(columns) -%}
  except ({{ columns }})
{%- endmacro %}
