{# sum() as an exact BIGINT, 0 for no rows (DuckDB's sum of BIGINT is HUGEINT). #}
{% macro total(column) -%}
  cast(coalesce(sum({{ column }}), 0) as bigint)
{%- endmacro %}

{# A ratio of non-negative integers rounded half up to 4 decimals, by integer arithmetic only
   (DuckDB's `decimal / decimal` is a DOUBLE). #}
{% macro ratio_4(numerator, denominator) -%}
  cast(
    cast(
      (cast({{ numerator }} as hugeint) * 20000 + {{ denominator }})
      // (2 * cast({{ denominator }} as hugeint))
      as decimal(22, 0)
    ) * cast(0.0001 as decimal(4, 4))
    as decimal(18, 4)
  )
{%- endmacro %}
