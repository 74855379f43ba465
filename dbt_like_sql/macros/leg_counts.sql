{# The additive counts of a set of legs, in the order every mart has them. #}
{% macro leg_counts() -%}
    count(*) filter (service_level_at_ms is not null) as offered,
    count(*) filter (outcome = 'answered') as answered,
    count(*) filter (outcome = 'answered' and is_within) as answered_within,
    count(*) filter (outcome = 'abandoned') as abandoned,
    count(*) filter (outcome = 'abandoned' and is_within) as abandoned_within,
    count(*) filter (is_short_abandon) as abandoned_short,
    count(*) filter (outcome = 'flowed_out') as flowed_out,
    count(*) filter (outcome = 'callback') as callbacks,
    count(*) filter (outcome = 'waiting' and service_level_at_ms is not null) as waiting_over,
    {{ total("case when outcome = 'answered' then wait_ms end") }} as wait_answered_ms,
    count(*) filter (completed_at_ms is not null) as handled,
    {{ total('talk_ms') }} as talk_ms,
    {{ total('hold_ms') }} as hold_ms,
    {{ total('acw_ms') }} as acw_ms,
    count(*) filter (transferred_at_ms is not null) as transfers,
    {{ total('complaint_count') }} as complaints
{%- endmacro %}

{% macro count_names() -%}
  {{ return([
    'offered', 'answered', 'answered_within', 'abandoned', 'abandoned_within',
    'abandoned_short', 'flowed_out', 'callbacks', 'waiting_over', 'wait_answered_ms',
    'handled', 'talk_ms', 'hold_ms', 'acw_ms', 'transfers', 'complaints',
  ]) }}
{%- endmacro %}

{# Share and averages for display; numerators and denominators stand beside them. #}
{% macro display_ratios() -%}
    cast(answered_within as double) / nullif(offered, 0) as service_level,
    cast(abandoned as double) / nullif(offered, 0) as abandon_rate,
    cast(wait_answered_ms as double) / nullif(answered, 0) / 1000 as asa_s,
    cast(talk_ms + hold_ms + acw_ms as double) / nullif(handled, 0) / 1000 as aht_s
{%- endmacro %}
