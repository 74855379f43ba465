{# A ratio of non-negative integers rounded half up to 4 decimals, by integer arithmetic only
   (DuckDB's `decimal / decimal` is a DOUBLE). #}
{% macro ratio_4(numerator, denominator) -%}
  cast(
    cast(
      (cast({{ numerator }} as {{ wide_integer() }}) * 20000 + {{ denominator }})
      {{ div() }} (2 * cast({{ denominator }} as {{ wide_integer() }}))
      as decimal(22, 0)
    ) * cast(0.0001 as decimal(4, 4))
    as decimal(18, 4)
  )
{%- endmacro %}
