{# What identifies an agent. #}
{% macro agent_key(alias=none) -%}
  {%- set dot = alias ~ '.' if alias else '' -%}
  {{ dot }}client, {{ dot }}site, {{ dot }}agent
{%- endmacro %}

{# The additive milliseconds of agents' time: domain/agent_time.py AGENT_TIME_FIELDS. #}
{% macro agent_time_names() -%}
  {%- set names = [] -%}
  {%- for state in agent_states() -%}{%- do names.append(state ~ '_ms') -%}{%- endfor -%}
  {{ return(names + [
    'logged_in_ms', 'presumed_ms', 'occupied_ms', 'occupiable_ms', 'productive_ms', 'billable_ms',
    'paid_ms', 'productive_paid_ms', 'scheduled_ms', 'adherent_ms', 'scheduled_paid_ms',
    'absence_paid_ms',
  ]) }}
{%- endmacro %}

{# Shares for display; numerators and denominators stand beside them. #}
{% macro agent_ratios() -%}
    cast(occupied_ms as double) / nullif(occupiable_ms, 0) as occupancy,
    cast(occupied_ms as double) / nullif(logged_in_ms, 0) as occupancy_of_login,
    cast(productive_paid_ms as double) / nullif(paid_ms, 0) as utilisation,
    cast(billable_ms as double) / nullif(paid_ms, 0) as bill_to_pay,
    cast(paid_ms - productive_paid_ms as double) / nullif(paid_ms, 0) as shrinkage,
    cast(absence_paid_ms as double) / nullif(scheduled_paid_ms, 0) as external_shrinkage,
    cast(adherent_ms as double) / nullif(scheduled_ms, 0) as adherence,
    cast(logged_in_ms as double) / nullif(scheduled_ms, 0) as conformance,
    cast(logged_in_ms as double) / 3600000 as logged_in_h,
    cast(billable_ms as double) / 3600000 as billable_h
{%- endmacro %}
