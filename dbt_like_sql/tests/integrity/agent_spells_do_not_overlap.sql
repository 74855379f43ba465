-- Guards int_agent_ledger: two states at once would be paid and charged twice.
select *
from (
    select
        {{ agent_key() }}, started_at_ms, ended_at_ms,
        lead(started_at_ms) over (partition by agent_number order by started_at_ms) as next_ms
    from {{ ref('int_agent_ledger') }}
) as spells
where ended_at_ms <= started_at_ms or next_ms < ended_at_ms
