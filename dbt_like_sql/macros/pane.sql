{# Start of the 30 s pane that holds an instant (epoch milliseconds). #}
{% macro pane(instant) -%}
  ({{ instant }} - {{ instant }} % 30000)
{%- endmacro %}
