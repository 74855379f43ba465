{# How the wait of a leg ended: mirrors pipeline/domain/outcome.py `decide`. The earliest wins, ties
   in this order. Wants the leg's instants in scope, and `answer_shift_ms` of its terms. #}
{% macro earliest_at_ms(leg, terms) -%}
  least(
    {{ leg }}.answered_at_ms + {{ terms }}.answer_shift_ms,
    {{ leg }}.callback_at_ms,
    {{ leg }}.flowed_out_at_ms,
    {{ leg }}.abandoned_at_ms
  )
{%- endmacro %}

{# Its name, of a row that has `earliest_at_ms`. #}
{% macro outcome_name() -%}
  case
    when queued_at_ms is null then null
    when earliest_at_ms is null then 'waiting'
    when answered_at_ms + answer_shift_ms = earliest_at_ms then 'answered'
    when callback_at_ms = earliest_at_ms then 'callback'
    when flowed_out_at_ms = earliest_at_ms then 'flowed_out'
    else 'abandoned'
  end
{%- endmacro %}
