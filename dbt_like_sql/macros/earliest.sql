{# (instant, label) of the earliest event of a type; ties go to the smaller label. #}
{% macro earliest(type, label) -%}
  min({{ record({'at': 'occurred_at_ms', 'label': label}) }}) filter (where type = '{{ type }}')
{%- endmacro %}

{# Instant of the earliest event of a type. #}
{% macro earliest_at(type) -%}
  min(occurred_at_ms) filter (where type = '{{ type }}')
{%- endmacro %}
