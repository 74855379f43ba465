with terms as (

    select * from {{ source('params', 'kpi_terms') }}
    where is_shown

),

queues as (

    select * from {{ source('params', 'queues') }}

),

intervals as (

    select * from {{ ref('fct_kpi_intervals') }}

),

final as (

    select
        '{{ var("month") }}' as month,
        terms.registry,
        terms.is_in_force,
        terms.client,
        terms.site,
        terms.queue,
        terms.from_ms as term_from_ms,
        terms.to_ms as term_to_ms,
        terms.definition_name,
        terms.definition_hash,
        terms.definition,
        terms.threshold_ms,
        terms.goal_permille
    from terms
    inner join queues
        on terms.client = queues.client
        and terms.site = queues.site
        and terms.queue = queues.queue
    where (terms.from_ms < queues.month_end_ms and terms.to_ms > queues.month_start_ms)
        -- a leg queued before the month counts in it by the term it queued under
        or exists (
            select 1 from intervals
            where intervals.registry = terms.registry
                and intervals.client = terms.client
                and intervals.site = terms.site
                and intervals.queue = terms.queue
                and intervals.term_from_ms = terms.from_ms
        )

)

select * from final
