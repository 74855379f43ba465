-- Guards int_duplicate_events: landed rows = distinct events + counted redeliveries.
select landed.rows_landed, landed.distinct_events, repeated.redeliveries
from (
    select count(*) as rows_landed, count(distinct event_id) as distinct_events
    from {{ ref('stg_call_events') }}
) as landed
cross join (
    select count(*) as redeliveries from {{ ref('int_duplicate_events') }}
) as repeated
where landed.rows_landed <> landed.distinct_events + repeated.redeliveries
