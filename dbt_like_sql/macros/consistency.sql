{# Rows that one run of the month has and the other has not, of clients of whom no record was landed
   in between: nothing may have changed them. The month run shows the run before in `previous`. #}
{% macro changed_without_new_records(mart) -%}
  {%- set clients = source('params', 'unchanged_clients') -%}
  {%- if var('has_previous', false) -%}
with unchanged as (

    select * from {{ clients }}

),

before as (

    select * from previous.{{ mart.identifier }}
    where client in (select client from unchanged)

),

now as (

    select * from {{ mart }}
    where client in (select client from unchanged)

)

select 'before' as run, gone.*
from (select * from before except all select * from now) as gone
union all
select 'now' as run, came.*
from (select * from now except all select * from before) as came
  {%- else -%}
select 'nothing to compare with' as run where false
  {%- endif -%}
{%- endmacro %}
