-- An alert that a worker told again after a crash has the same identity, and is one. What another
-- version of the rule has decided anew since, folding the log again, stands in its place. Alerts of
-- a programme, a site or a client have no queue, and the month has no rows of such.
with landed as (

    select * from {{ source('landed', 'alerts') }}

),

told as (

    select *
    from landed
    qualify row_number() over (partition by alert_id order by _offset desc) = 1

),

decided_anew as (

    select told.alert_id
    from told
    inner join told as later
        on told._partition = later._partition
        and told.rule = later.rule
        and told.rule_version <> later.rule_version
        and told._offset < later._offset
        and told.at_ms >= later.at_ms

),

final as (

    select
        alert_id,
        status,
        rule,
        rule_version,
        severity,
        runbook,
        client,
        site,
        queue,
        at_ms,
        window_ms,
        offered,
        answered_within,
        goal_permille
    from told
    anti join decided_anew on told.alert_id = decided_anew.alert_id
    where queue is distinct from ''

)

select * from final
