{% test unique_key(model, columns) %}
{# The grain: no two rows share these columns. Keys are compared where their hashes are equal only. #}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
where {{ hash_64(columns | join(', ')) }} in (
    select {{ hash_64(columns | join(', ')) }}
    from {{ model }}
    group by {{ hash_64(columns | join(', ')) }}
    having count(*) > 1
)
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
