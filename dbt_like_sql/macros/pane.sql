{# Start of the 30 s pane that holds an instant (epoch milliseconds). #}
{% macro pane(instant) -%}
  ({{ instant }} - {{ instant }} % 30000)
{%- endmacro %}

{# sum() as an exact BIGINT, 0 for no rows (DuckDB's sum of BIGINT is HUGEINT). #}
{% macro total(column) -%}
  cast(coalesce(sum({{ column }}), 0) as bigint)
{%- endmacro %}

{# Integer ratio rounded half up to `decimals` digits, as DECIMAL(18, 6); integers throughout. #}
{% macro rounded_ratio(numerator, denominator, decimals) -%}
  cast(
    (cast({{ numerator }} as hugeint) * 2 * cast(pow(10, {{ decimals }}) as hugeint)
      + {{ denominator }}) // (2 * cast({{ denominator }} as hugeint))
    as decimal(38, 0)
  )
{%- endmacro %}
