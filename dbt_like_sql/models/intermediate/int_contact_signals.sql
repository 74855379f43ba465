-- Mirrors pipeline/domain/risk_signals.py: what a contact gave its customer cause for, and the
-- terms in force on its business day.
with calls as (

    select * from {{ ref('fct_calls') }}

),

words as (

    select * from {{ ref('int_contact_words') }}

),

repeats as (

    select * from {{ ref('int_customer_repeats') }}
    where before_1_ms is not null

),

cases as (

    select * from {{ ref('int_customer_cases') }}

),

queues as (

    select * from {{ source('params', 'queues') }}

),

zone_offsets as (

    select * from {{ source('params', 'zone_offsets') }}

),

kpi_terms as (

    select * from {{ source('params', 'kpi_terms') }}
    where is_in_force

),

risk_terms as (

    select * from {{ source('params', 'risk_terms') }}

),

risk_words as (

    select * from {{ source('params', 'risk_words') }}

),

dated as (

    select
        calls.*,
        cast({{ wall_clock('calls.started_at_ms + zone_offsets.offset_ms') }} as date)
            as business_on,
        (calls.started_at_ms + zone_offsets.offset_ms) % 86400000 {{ div() }} 3600000 as local_hour,
        kpi_terms.repeat_window_ms
    from calls
    inner join queues
        on calls.client = queues.client
        and calls.first_site = queues.site
        and calls.first_queue = queues.queue
    inner join zone_offsets
        on queues.zone = zone_offsets.zone
        and calls.started_at_ms >= zone_offsets.from_ms
        and calls.started_at_ms < zone_offsets.to_ms
    inner join kpi_terms
        on calls.client = kpi_terms.client
        and calls.first_site = kpi_terms.site
        and calls.first_queue = kpi_terms.queue
        and calls.started_at_ms >= kpi_terms.from_ms
        and calls.started_at_ms < kpi_terms.to_ms

),

placed as (

    select
        dated.*,
        risk_terms.from_on as terms_from_on
    from dated
    inner join risk_terms
        on dated.client = risk_terms.client
        and dated.business_on >= risk_terms.from_on
        and dated.business_on < risk_terms.to_on

),

of_words as (

    select
        placed.client,
        placed.contact_id,
        min({{ record({'at': 'words.first_ms', 'word': 'words.word'}) }}) filter (
            where words.kind = 'wrapup_code'
        ) as first_code,
        count(risk_words.word) filter (where words.kind = 'keyword') as keywords,
        count(risk_words.word) filter (where words.kind = 'wrapup_code') as wrapup_codes
    from words
    inner join placed
        on words.client = placed.client
        and words.contact_id = placed.contact_id
    left join risk_words
        on placed.client = risk_words.client
        and placed.terms_from_on = risk_words.from_on
        and words.kind = risk_words.kind
        and words.word = risk_words.word
    group by placed.client, placed.contact_id

),

of_cases as (

    select
        placed.client,
        placed.contact_id,
        count(*) as open_cases
    from cases
    inner join placed
        on cases.client = placed.client
        and cases.customer_ref = placed.customer_ref
    where cases.received_at_ms <= placed.started_at_ms
        and (cases.closed_at_ms is null or cases.closed_at_ms > placed.started_at_ms)
    group by placed.client, placed.contact_id

),

final as (

    select
        placed.client,
        placed.contact_id,
        placed.customer_ref,
        placed.first_site as site,
        placed.first_queue as queue,
        placed.first_agent as agent,
        of_words.first_code.word as wrapup_code,
        placed.started_at_ms,
        placed.business_on,
        placed.local_hour,
        placed.terms_from_on,
        coalesce(of_cases.open_cases, 0) as open_cases,
        placed.complaints as complaint_flags,
        coalesce(of_words.keywords, 0) as keywords,
        coalesce(of_words.wrapup_codes, 0) as wrapup_codes,
        cast(
            {%- for place in range(1, 6) %}
            {{ '+ ' if not loop.first else '' }}case
                when repeats.first_ms - repeats.before_{{ place }}_ms <= placed.repeat_window_ms
                    then 1
                else 0
            end
            {%- endfor %}
            as bigint
        ) as earlier_contacts,
        placed.abandons,
        placed.wait_ms,
        placed.hold_ms,
        placed.transfers,
        placed.agent_hang_ups
    from placed
    left join of_words
        on placed.client = of_words.client
        and placed.contact_id = of_words.contact_id
    left join of_cases
        on placed.client = of_cases.client
        and placed.contact_id = of_cases.contact_id
    left join repeats
        on placed.client = repeats.client
        and placed.contact_id = repeats.contact_id

)

select * from final
