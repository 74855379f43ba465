with landed as (

    select * from {{ source('landed', 'qa') }}

),

in_force as (

    {{ newest('landed') }}

),

final as (

    select
        record_id,
        client,
        site,
        agent,
        form,
        evaluated_at_ms,
        score_milli,
        max_score_milli,
        sampling,
        evaluation_id,
        contact_id,
        queue,
        evaluator,
        customer_critical_count,
        business_critical_count,
        compliance_critical_count,
        non_critical_count,
        check_count,
        population_count,
        as_of_ms,
        source
    from in_force

)

select * from final
