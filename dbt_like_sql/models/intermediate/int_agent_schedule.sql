-- A span within another (a break within a shift) holds for its time; domain/schedule.py `flatten`.
with spans as (

    select
        {{ agent_key() }},
        started_at_ms,
        ended_at_ms,
        activity,
        is_paid,
        is_billable
    from {{ ref('stg_schedules') }}
    where ended_at_ms > started_at_ms

),

edges as (

    select {{ agent_key() }}, started_at_ms as at_ms from spans
    union
    select {{ agent_key() }}, ended_at_ms as at_ms from spans

),

segments as (

    select *, lead(at_ms) over (partition by {{ agent_key() }} order by at_ms) as next_at_ms
    from edges

),

held as (

    select
        {{ agent_key('segments') }},
        segments.at_ms as started_at_ms,
        segments.next_at_ms as ended_at_ms,
        spans.activity,
        spans.is_paid,
        spans.is_billable
    from segments
    inner join spans
        on segments.client = spans.client
        and segments.site = spans.site
        and segments.agent = spans.agent
        and segments.at_ms >= spans.started_at_ms
        and segments.at_ms < spans.ended_at_ms
    qualify row_number() over (
        partition by {{ agent_key('segments') }}, segments.at_ms
        order by
            spans.ended_at_ms - spans.started_at_ms, spans.started_at_ms, spans.activity,
            spans.is_paid desc, spans.is_billable desc
    ) = 1

),

marked as (

    select
        *,
        coalesce(
            lag(ended_at_ms) over agent_log <> started_at_ms
            or lag(activity) over agent_log <> activity
            or lag(is_paid) over agent_log <> is_paid
            or lag(is_billable) over agent_log <> is_billable,
            true
        ) as is_new
    from held
    window agent_log as (partition by {{ agent_key() }} order by started_at_ms)

),

numbered as (

    select
        *,
        count(case when is_new then 1 end) over (
            partition by {{ agent_key() }} order by started_at_ms
        ) as span_number
    from marked

),

final as (

    select
        {{ agent_key() }},
        min(started_at_ms) as started_at_ms,
        max(ended_at_ms) as ended_at_ms,
        activity,
        is_paid,
        is_billable,
        activity not in ('leave', 'absence') as is_work
    from numbered
    group by {{ agent_key() }}, span_number, activity, is_paid, is_billable

)

select * from final
