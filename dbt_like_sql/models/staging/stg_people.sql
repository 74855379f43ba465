-- Who begins later ends what was said before: one team at a time; domain/person.py `spells`.
with landed as (

    select * from {{ source('landed', 'people') }}

),

in_force as (

    {{ newest('landed') }}

),

final as (

    select
        record_id,
        client,
        site,
        agent,
        team,
        leader,
        role,
        queues,
        valid_from_ms,
        -- least() passes over NULL
        least(
            valid_to_ms, lead(valid_from_ms) over (partition by {{ agent_key() }} order by valid_from_ms)
        ) as valid_to_ms,
        as_of_ms,
        source
    from in_force

)

select * from final
