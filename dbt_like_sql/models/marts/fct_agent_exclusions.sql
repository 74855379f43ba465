with pieces as (

    select * from {{ ref('int_agent_time') }}

),

excluded as (

    {% for measure in agent_measures() %}
    {% if not loop.first %}
    union all
    {% endif %}
    select
        {{ agent_key() }},
        business_on,
        '{{ measure }}' as measure,
        {{ measure }}_excluded_by as excluded_by,
        state,
        reason,
        {{ total('ended_at_ms - started_at_ms') }} as excluded_ms
    from pieces
    where {{ measure }}_excluded_by is not null
    group by all
    {% endfor %}

),

final as (

    select '{{ var("month") }}' as month, * from excluded

)

select * from final
