with landed as (

    select * from {{ source('landed', 'call_events') }}

),

{% if var('admitted_only') %}
folded as (

    select * from {{ source('params', 'watermarks') }}

),

late as (

    select * from {{ source('landed', 'late_events') }}

),

final as (

    select landed.*
    from landed
    inner join folded
        on landed._partition = folded._partition
        and landed._offset >= folded.first_offset
        and landed._offset < folded.next_offset
    where not exists (
        select 1 from late
        where late.origin_partition = landed._partition
            and late.origin_offset = landed._offset
    )

)
{% else %}
final as (

    select * from landed

)
{% endif %}

select
    event_id,
    type,
    occurred_at_ms,
    client,
    site,
    queue,
    contact_id,
    leg,
    agent,
    hold_seq,
    reason,
    transfer_kind,
    transfer_target,
    customer_ref,
    source,
    source_position,
    _partition,
    _offset,
    _appended_at_ms
from final
