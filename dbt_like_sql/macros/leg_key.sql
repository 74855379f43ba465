{# What identifies a leg: the same five values as the live side's key. #}
{% macro leg_key(alias=none) -%}
  {%- set dot = alias ~ '.' if alias else '' -%}
  {{ dot }}client, {{ dot }}site, {{ dot }}queue, {{ dot }}contact_id, {{ dot }}leg
{%- endmacro %}
