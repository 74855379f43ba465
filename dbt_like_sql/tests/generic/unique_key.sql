{% test unique_key(model, columns) %}
{# The grain: no two rows share these columns. #}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
