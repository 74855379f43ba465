{# Start of the interval that holds an instant, by the wall clock of a zone, as an instant:
   domain/intervals.py `Grid`. Wants a row of params.zone_offsets in scope, under `clock`. No interval
   goes on over a change of the clock, so one that the change cuts begins with it. #}
{% macro interval_start(instant, width_ms, clock='zone_offsets') -%}
  greatest(
    {{ instant }} - ({{ instant }} + {{ clock }}.offset_ms) % ({{ width_ms }}),
    {{ clock }}.from_ms
  )
{%- endmacro %}

{# What a clock shows on the wall, of epoch milliseconds with the zone's offset added. #}
{% macro wall_clock(local_ms) -%}
  {{ return(adapter.dispatch('wall_clock')(local_ms)) }}
{%- endmacro %}

{% macro duckdb__wall_clock(local_ms) -%}
  make_timestamp_ms({{ local_ms }})
{%- endmacro %}

{# The cast takes the session's zone, which is UTC (profiles.yml). #}
{% macro spark__wall_clock(local_ms) -%}
  cast(timestamp_millis({{ local_ms }}) as timestamp_ntz)
{%- endmacro %}
