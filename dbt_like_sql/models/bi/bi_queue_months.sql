with months as (

    select * from {{ ref('fct_queue_months') }}

),

figures as (

    select * from {{ ref('fct_kpi_months') }}
    where is_in_force

),

final as (

    select
        months.*,
        cast(figures.service_level_numerator as double)
            / nullif(figures.service_level_denominator, 0) as service_level,
        cast(figures.abandon_numerator as double)
            / nullif(figures.abandon_denominator, 0) as abandon_rate,
        {{ leg_ratios('months.') }},
        cast(months.contact_handle_ms as double)
            / nullif(months.contacts_handled, 0) / 1000 as aht_per_contact_s,
        cast(months.identified_contacts - months.repeated_contacts as double)
            / nullif(months.identified_contacts, 0) as first_contact_resolution,
        figures.definition_name,
        figures.definition_hash
    from months
    -- not `using`: that would put these columns first in Spark
    left join figures
        on months.client = figures.client
        and months.site = figures.site
        and months.queue = figures.queue

)

select * from final
