-- Guards int_leg_facts: if a row were lost or folded twice, every count after it would be wrong.
select landed.rows_landed, folded.rows_folded
from (select count(*) as rows_landed from {{ ref('stg_call_events') }}) as landed
cross join (
    select coalesce(sum(event_count), 0) as rows_folded from {{ ref('int_leg_facts') }}
) as folded
where landed.rows_landed <> folded.rows_folded
