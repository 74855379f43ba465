with final as (

    select
        *,
        resolved_at_ms is not null as is_resolved,
        cast(firing_ms as double) / 60000 as firing_min,
        cast(goal_permille as double) / 1000 as goal,
        cast(answered_within_at_firing as double)
            / nullif(offered_at_firing, 0) as service_level_at_firing,
        cast(answered_within_at_resolving as double)
            / nullif(offered_at_resolving, 0) as service_level_at_resolving
    from {{ ref('fct_alerts') }}

)

select * from final
