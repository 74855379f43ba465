{# Of each fact the revision in force, by record_id; withdrawn facts are gone. The same as
   pipeline/domain/fact.py `newest`; a test compares. Redeliveries differ in their place only. #}
{% macro newest(landed) -%}
  select *
  from (
    select *
    from {{ landed }}
    qualify row_number() over (
      partition by record_id order by as_of_ms desc, revision_id desc, _partition, _offset
    ) = 1
  ) as revisions
  where not is_withdrawn
{%- endmacro %}

{# What a complaint adds to each count: pipeline/domain/complaint.py `scopes`. #}
{% macro complaint_scopes() -%}
  {{ return({
    'cases': 'true',
    'cases_valid': 'coalesce(is_valid, false)',
    'cases_escalated': 'is_escalated',
    'cases_valid_escalated': 'coalesce(is_valid, false) and is_escalated',
    'cases_by_agent': "coalesce(is_valid, false) and fault = 'agent'",
    'cases_by_client': "coalesce(is_valid, false) and fault = 'client'",
    'cases_by_vendor': "coalesce(is_valid, false) and fault = 'vendor'",
    'cases_undecided': 'is_valid is null',
    'cases_closed': 'closed_at_ms is not null',
  }) }}
{%- endmacro %}
