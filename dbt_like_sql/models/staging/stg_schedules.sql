with landed as (

    select * from {{ source('landed', 'schedule') }}

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
        start_ms as started_at_ms,
        end_ms as ended_at_ms,
        activity,
        is_paid,
        is_billable,
        shift_id,
        as_of_ms,
        source
    from in_force

)

select * from final
