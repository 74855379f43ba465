{# The states that are time logged in, in the order every mart has them. #}
{% macro agent_states() -%}
  {{ return([
    'available', 'ringing', 'on_contact', 'after_call_work', 'break', 'meal', 'training',
    'meeting', 'back_office', 'other',
  ]) }}
{%- endmacro %}

{# What time logged in is counted for. #}
{% macro agent_measures() -%}
  {{ return(['productive', 'billable', 'paid']) }}
{%- endmacro %}
