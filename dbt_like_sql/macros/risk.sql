{# What moves the score of the complaint wind vane: mirrors pipeline/domain/risk.py `Feature`, in the
   order in which reasons are given, each with what stands before and after the number in words. #}
{% macro risk_features() -%}
  {{ return({
    'open_cases': ('open complaint cases: ', ''),
    'complaint_flags': ('complaints flagged: ', ''),
    'keywords': ('words of risk said: ', ''),
    'wrapup_codes': ('wrap-up codes of risk: ', ''),
    'earlier_contacts': ('earlier contacts: ', ''),
    'abandons': ('gave up waiting: ', ''),
    'wait_ms': ('waited ', ' s'),
    'hold_ms': ('on hold ', ' s'),
    'transfers': ('transferred: ', ''),
    'agent_hang_ups': ('agent hung up: ', ''),
  }) }}
{%- endmacro %}

{# A signal of several contacts of one customer: `together`. What holds when a contact begins
   (`STANDING`) is the greatest, all else adds up. #}
{% macro risk_together(feature) -%}
  {%- if feature in ['open_cases', 'earlier_contacts'] -%}
    max({{ feature }})
  {%- else -%}
    {{ total(feature) }}
  {%- endif -%}
{%- endmacro %}

{# What one feature adds to a score, thousandths of log-odds. Wants the signal and the terms in
   scope. #}
{% macro risk_part(feature) -%}
  least({{ feature }} {{ div() }} {{ feature }}_unit, {{ feature }}_most) * {{ feature }}_weight
{%- endmacro %}

{# The score: intercept and parts, all of them whole. #}
{% macro risk_score() -%}
  cast(
    intercept
    {%- for feature in risk_features() %}
    + {{ risk_part(feature) }}
    {%- endfor %}
    as bigint
  )
{%- endmacro %}

{# A part in words: `waited 252 s (+0.840)`; NULL where it adds nothing. #}
{% macro risk_reason(feature, words) -%}
  case when {{ risk_part(feature) }} <> 0 then
    '{{ words | first }}'
    || cast({{ feature }}{{ ' ' ~ div() ~ ' 1000' if feature.endswith('_ms') else '' }} as string)
    || '{{ words | last }} ('
    || case when {{ risk_part(feature) }} < 0 then '-' else '+' end
    || cast(abs({{ risk_part(feature) }}) {{ div() }} 1000 as string)
    || '.'
    || lpad(cast(abs({{ risk_part(feature) }}) % 1000 as string), 3, '0')
    || ')'
  end
{%- endmacro %}

{# The parts that move a score, in words. #}
{% macro risk_reasons() -%}
  concat_ws(
    '; ',
    {%- for feature, words in risk_features().items() %}
    {{ risk_reason(feature, words) }}{{ '' if loop.last else ',' }}
    {%- endfor %}
  )
{%- endmacro %}
