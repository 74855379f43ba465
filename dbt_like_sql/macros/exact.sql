{# sum() as an exact BIGINT, 0 for no rows (DuckDB's sum of BIGINT is HUGEINT). #}
{% macro total(column) -%}
  cast(coalesce(sum({{ column }}), 0) as bigint)
{%- endmacro %}

{# Division of integers, cut off towards zero. #}
{% macro div() -%}
  {{ return(adapter.dispatch('div')()) }}
{%- endmacro %}

{% macro duckdb__div() -%}
  //
{%- endmacro %}

{% macro spark__div() -%}
  div
{%- endmacro %}

{# An integer wide enough for the product of two BIGINTs that occur. #}
{% macro wide_integer() -%}
  {{ return(adapter.dispatch('wide_integer')()) }}
{%- endmacro %}

{% macro duckdb__wide_integer() -%}
  hugeint
{%- endmacro %}

{% macro spark__wide_integer() -%}
  decimal(38, 0)
{%- endmacro %}

{# The smallest value with at least this share of the values that meet a condition at or below it. #}
{% macro percentile_where(value, share, condition) -%}
  {{ return(adapter.dispatch('percentile_where')(value, share, condition)) }}
{%- endmacro %}

{% macro duckdb__percentile_where(value, share, condition) -%}
  quantile_disc({{ value }}, {{ share }}) filter (where {{ condition }})
{%- endmacro %}

{% macro spark__percentile_where(value, share, condition) -%}
  cast(
    percentile_disc({{ share }}) within group (order by {{ value }}) filter (where {{ condition }})
    as bigint
  )
{%- endmacro %}

{# 64 bits of a value or several, to group by before themselves; never published. #}
{% macro hash_64(values) -%}
  {{ return(adapter.dispatch('hash_64')(values)) }}
{%- endmacro %}

{% macro duckdb__hash_64(values) -%}
  hash({{ values }})
{%- endmacro %}

{% macro spark__hash_64(values) -%}
  xxhash64({{ values }})
{%- endmacro %}
