with people as (

    select * from {{ ref('stg_people') }}

),

sites as (

    select * from {{ source('params', 'sites') }}

),

final as (

    select
        '{{ var("month") }}' as month,
        {{ agent_key('people') }},
        people.valid_from_ms,
        people.valid_to_ms,
        people.team,
        people.leader,
        people.role,
        people.queues
    from people
    inner join sites
        on people.client = sites.client
        and people.site = sites.site
    where people.valid_from_ms < sites.month_end_ms
        and (people.valid_to_ms is null or people.valid_to_ms > sites.month_start_ms)

)

select * from final
