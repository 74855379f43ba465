with alerts as (

    select * from {{ ref('stg_alerts') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

sites as (

    select * from {{ source('params', 'sites') }}

),

followed as (

    select
        *,
        lead(status) over rule_log as next_status,
        lead(at_ms) over rule_log as next_at_ms,
        lead(offered) over rule_log as next_offered,
        lead(answered_within) over rule_log as next_answered_within
    from alerts
    window rule_log as (
        partition by client, site, queue, rule, rule_version order by at_ms, alert_id
    )

),

final as (

    select
        '{{ var("month") }}' as month,
        followed.client,
        followed.site,
        followed.queue,
        followed.alert_id,
        followed.rule,
        followed.rule_version,
        followed.severity,
        followed.runbook,
        followed.at_ms as fired_at_ms,
        -- fired twice in a row: when the first was over is not known
        case when followed.next_status = 'resolved' then followed.next_at_ms end as resolved_at_ms,
        case when followed.next_status = 'resolved' then followed.next_at_ms - followed.at_ms end
            as firing_ms,
        followed.window_ms,
        followed.goal_permille,
        followed.offered as offered_at_firing,
        followed.answered_within as answered_within_at_firing,
        case when followed.next_status = 'resolved' then followed.next_offered end
            as offered_at_resolving,
        case when followed.next_status = 'resolved' then followed.next_answered_within end
            as answered_within_at_resolving
    from followed
    inner join sites
        on followed.client = sites.client
        and followed.site = sites.site
    left join queues
        on followed.client = queues.client
        and followed.site = queues.site
        and followed.queue = queues.queue
    where followed.status = 'firing'
        and followed.at_ms >= coalesce(queues.month_start_ms, sites.month_start_ms)
        and followed.at_ms < coalesce(queues.month_end_ms, sites.month_end_ms)

)

select * from final
