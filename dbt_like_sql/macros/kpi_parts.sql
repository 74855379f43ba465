{# Numerator and denominator of service level by a definition: mirrors
   pipeline/domain/service_level.py. Wants the counts and the choices of one definition in scope. #}
{% macro short_left_out() -%}
  (case when short_in_service_level then 0 else abandoned_short end)
{%- endmacro %}

{% macro offered_by_definition() -%}
  (
    offered
    - case when flow_outs_in then 0 else flowed_out end
    - case when callbacks_in then 0 else callbacks end
  )
{%- endmacro %}

{% macro service_level_numerator() -%}
  cast(case service_level_formula
    when 'SL3' then answered_within + abandoned_within - {{ short_left_out() }}
    when 'SL6' then
      answered_within + abandoned_within + callbacks_within - {{ short_left_out() }}
    else answered_within
  end as bigint)
{%- endmacro %}

{% macro service_level_denominator() -%}
  cast(case service_level_formula
    when 'SL2' then answered
    when 'SL4' then {{ offered_by_definition() }} - abandoned_within
    when 'SL5' then {{ offered_by_definition() }} - abandoned_short
    when 'SL6' then offered - {{ short_left_out() }}
    when 'SL7' then
      offered - case when callbacks_in then 0 else callbacks end - {{ short_left_out() }}
    else {{ offered_by_definition() }} - {{ short_left_out() }}
  end as bigint)
{%- endmacro %}

{# Abandon rate by a definition: mirrors pipeline/domain/abandonment.py. #}
{% macro abandon_numerator() -%}
  cast(
    abandoned - case
      when abandon_base = 'handled' or not short_in_abandon_rate then abandoned_short else 0
    end as bigint
  )
{%- endmacro %}

{% macro abandon_denominator() -%}
  cast(case abandon_base
    when 'queued' then offered - case when short_in_abandon_rate then 0 else abandoned_short end
    when 'offered' then answered + {{ abandon_numerator() }} + flowed_out
    else answered + {{ abandon_numerator() }}
  end as bigint)
{%- endmacro %}

{# Received: offered and refused, by a definition; denominator of the answered rate. #}
{% macro received_by_definition() -%}
  cast(
    offered - case when short_in_offered then 0 else abandoned_short end
    {%- for kind in ['full', 'closed', 'empty', 'other'] %}
    + case when {{ kind }}_in_received then refused_{{ kind }} else 0 end
    {%- endfor %}
  as bigint)
{%- endmacro %}
