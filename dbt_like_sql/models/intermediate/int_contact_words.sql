-- Mirrors pipeline/domain/risk_signals.py `words`: codes that agents set in wrap-up, and words of
-- transcripts, in the source's spelling.
with events as (

    select * from {{ ref('stg_call_events') }}
    where (type in ('wrapup_started', 'wrapup_ended') and reason <> '')
        or (type = 'complaint_flagged' and reason like 'keyword:_%')

),

named as (

    select
        client,
        contact_id,
        case type when 'complaint_flagged' then 'keyword' else 'wrapup_code' end as kind,
        case type when 'complaint_flagged' then substr(reason, 9) else reason end as word,
        occurred_at_ms
    from events

),

final as (

    select
        client,
        contact_id,
        kind,
        word,
        min(occurred_at_ms) as first_ms
    from named
    group by client, contact_id, kind, word

)

select * from final
