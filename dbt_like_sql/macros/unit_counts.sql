{# The additive counts of units, in the order of pipeline/domain/units.py's UNIT_FIELDS. #}
{% macro unit_counts() -%}
    count(*) filter (counts_as in (
      'answered', 'abandoned', 'flowed_out', 'callback', 'waiting'
    )) as offered,
    count(*) filter (counts_as = 'answered') as answered,
    count(*) filter (counts_as = 'answered' and is_within) as answered_within,
    count(*) filter (counts_as = 'abandoned') as abandoned,
    count(*) filter (counts_as = 'abandoned' and is_within) as abandoned_within,
    count(*) filter (counts_as = 'abandoned' and is_short_abandon) as abandoned_short,
    count(*) filter (counts_as = 'flowed_out') as flowed_out,
    count(*) filter (counts_as = 'flowed_out' and is_within) as flowed_out_within,
    count(*) filter (counts_as = 'callback') as callbacks,
    count(*) filter (counts_as = 'callback' and is_within) as callbacks_within,
    count(*) filter (counts_as = 'waiting') as waiting_over,
    {{ total("case when counts_as = 'answered' then wait_ms end") }} as wait_answered_ms,
    count(*) filter (counts_as = 'out_of_hours') as out_of_hours,
    count(*) filter (counts_as = 'refused_full') as refused_full,
    count(*) filter (counts_as = 'refused_closed') as refused_closed,
    count(*) filter (counts_as = 'refused_empty') as refused_empty,
    count(*) filter (counts_as = 'refused_other') as refused_other,
    count(*) filter (is_handled) as handled,
    {{ total('talk_ms') }} as talk_ms,
    {{ total('hold_ms') }} as hold_ms,
    {{ total('acw_ms') }} as acw_ms,
    count(*) filter (is_handled and hold_ms > 0) as held
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
