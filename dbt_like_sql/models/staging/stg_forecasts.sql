with landed as (

    select * from {{ source('landed', 'forecast') }}

),

in_force as (

    {{ newest('landed') }}

),

final as (

    select
        record_id,
        client,
        site,
        queue,
        interval_start_ms,
        interval_start_ms + interval_ms as interval_end_ms,
        calls_milli,
        aht_ms,
        agents_milli,
        as_of_ms,
        source
    from in_force

)

select * from final
