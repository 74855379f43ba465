{# The additive counts of units, in the order of pipeline/domain/units.py's UNIT_FIELDS. #}
{% macro unit_counts() -%}
    count(*) filter (where counts_as in (
      'answered', 'abandoned', 'flowed_out', 'callback', 'waiting'
    )) as offered,
    {{ ended_wait_counts() }},
    count(*) filter (where counts_as = 'flowed_out' and is_within) as flowed_out_within,
    count(*) filter (where counts_as = 'callback') as callbacks,
    count(*) filter (where counts_as = 'callback' and is_within) as callbacks_within,
    count(*) filter (where counts_as = 'waiting') as waiting_over,
    {{ total("case when counts_as = 'answered' then wait_ms end") }} as wait_answered_ms,
    count(*) filter (where counts_as = 'out_of_hours') as out_of_hours,
    count(*) filter (where counts_as = 'refused_full') as refused_full,
    count(*) filter (where counts_as = 'refused_closed') as refused_closed,
    count(*) filter (where counts_as = 'refused_empty') as refused_empty,
    count(*) filter (where counts_as = 'refused_other') as refused_other,
    count(*) filter (where is_handled) as handled,
    {{ total('talk_ms') }} as talk_ms,
    {{ total('hold_ms') }} as hold_ms,
    {{ total('acw_ms') }} as acw_ms,
    count(*) filter (where is_handled and hold_ms > 0) as held
{%- endmacro %}

{% macro unit_names() -%}
  {{ return([
    'offered', 'answered', 'answered_within', 'abandoned', 'abandoned_within', 'abandoned_short',
    'flowed_out', 'flowed_out_within', 'callbacks', 'callbacks_within', 'waiting_over',
    'wait_answered_ms', 'out_of_hours', 'refused_full', 'refused_closed', 'refused_empty',
    'refused_other', 'handled', 'talk_ms', 'hold_ms', 'acw_ms', 'held',
  ]) }}
{%- endmacro %}

{% macro part_names() -%}
  {{ return([
    'service_level_numerator', 'service_level_denominator', 'abandon_numerator',
    'abandon_denominator', 'received',
  ]) }}
{%- endmacro %}
