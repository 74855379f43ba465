with landed as (

    select * from {{ source('landed', 'incidents') }}

),

in_force as (

    {{ newest('landed') }}

),

final as (

    select
        record_id,
        client,
        site,
        incident_id,
        start_ms as started_at_ms,
        end_ms as ended_at_ms,
        kind,
        cause,
        queues,
        is_excluded,
        evidence,
        as_of_ms,
        source
    from in_force

)

select * from final
