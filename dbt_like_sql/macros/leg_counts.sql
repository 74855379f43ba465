{# The additive counts of a set of legs, in the order every mart has them. #}
{% macro leg_counts() -%}
    count(*) filter (
      where service_level_at_ms is not null and counts_as <> 'out_of_hours'
    ) as offered,
    {{ ended_wait_counts() }},
    count(*) filter (where counts_as = 'callback') as callbacks,
    count(*) filter (where counts_as = 'callback' and is_within) as callbacks_within,
    count(*) filter (
      where counts_as = 'waiting' and service_level_at_ms is not null
    ) as waiting_over,
    {{ total("case when counts_as = 'answered' then wait_ms end") }} as wait_answered_ms,
    count(*) filter (
      where counts_as = 'out_of_hours' and service_level_at_ms is not null
    ) as out_of_hours,
    count(*) filter (where completed_at_ms is not null) as handled,
    {{ total('talk_ms') }} as talk_ms,
    {{ total('hold_ms') }} as hold_ms,
    {{ total('acw_ms') }} as acw_ms,
    count(*) filter (where hold_ms > 0) as held,
    {{ total('case when queued_at_ms is not null then offer_count end') }} as offers,
    {{ total('case when queued_at_ms is not null then no_answer_count end') }} as no_answers,
    count(*) filter (where transferred_at_ms is not null) as transfers,
    {{ total('complaint_count') }} as complaints
{%- endmacro %}

{% macro count_names() -%}
  {{ return([
    'offered', 'answered', 'answered_within', 'abandoned', 'abandoned_within',
    'abandoned_short', 'flowed_out', 'callbacks', 'callbacks_within', 'waiting_over',
    'wait_answered_ms', 'out_of_hours', 'handled', 'talk_ms', 'hold_ms', 'acw_ms', 'held',
    'offers', 'no_answers', 'transfers', 'complaints',
  ]) }}
{%- endmacro %}

{# Shares and averages for display; numerators and denominators stand beside them. Service level
   and abandon rate are by the definition in scope. #}
{% macro display_ratios() -%}
    cast({{ service_level_numerator() }} as double)
      / nullif({{ service_level_denominator() }}, 0) as service_level,
    cast({{ abandon_numerator() }} as double)
      / nullif({{ abandon_denominator() }}, 0) as abandon_rate,
    {{ leg_ratios() }}
{%- endmacro %}

{# Averages and shares that no definition changes. #}
{% macro leg_ratios(of='') -%}
    cast({{ of }}wait_answered_ms as double) / nullif({{ of }}answered, 0) / 1000 as asa_s,
    cast({{ of }}talk_ms + {{ of }}hold_ms + {{ of }}acw_ms as double) / nullif({{ of }}handled, 0) / 1000 as aht_s,
    cast({{ of }}hold_ms as double) / nullif({{ of }}held, 0) / 1000 as hold_of_held_s,
    cast({{ of }}hold_ms as double) / nullif({{ of }}handled, 0) / 1000 as hold_of_handled_s,
    cast({{ of }}no_answers as double) / nullif({{ of }}offers, 0) as no_answer_rate,
    cast({{ of }}transfers as double) / nullif({{ of }}answered, 0) as transfer_rate,
    cast(1000 * {{ of }}complaints as double) / nullif({{ of }}handled, 0) as complaints_per_thousand
{%- endmacro %}
