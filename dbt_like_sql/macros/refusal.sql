{# Kind of a refusal's reason: the same words as pipeline/domain/refusal.py; a test compares. #}
{% macro refusal_words() -%}
  {{ return({
    'full': ['full', 'queue_full', 'saturated'],
    'closed': ['closed', 'queue_closed', 'out_of_hours'],
    'empty': ['empty', 'join_empty', 'joinempty', 'no_agents', 'nobody_logged_in'],
  }) }}
{%- endmacro %}
