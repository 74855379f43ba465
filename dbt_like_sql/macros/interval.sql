{# Start of the interval that holds an instant, by the wall clock of a zone, as an instant:
   domain/intervals.py `Grid`. Wants a row of params.zone_offsets in scope, under `clock`. No interval
   goes on over a change of the clock, so one that the change cuts begins with it. #}
{% macro interval_start(instant, width_ms, clock='zone_offsets') -%}
  greatest(
    {{ instant }} - ({{ instant }} + {{ clock }}.offset_ms) % ({{ width_ms }}),
    {{ clock }}.from_ms
  )
{%- endmacro %}
