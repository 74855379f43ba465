-- Scheduled time, and how much of it was spent as scheduled, as parts that add up: a scheduled
-- span counts as adherent if logged out keeps to it, and each state within it corrects that by
-- its own answer. domain/schedule.py `adherence`.
with schedule as (

    select * from {{ ref('int_agent_schedule') }}

),

ledger as (

    select * from {{ ref('int_agent_time') }}

),

zones as (

    select * from {{ source('params', 'agent_zones') }}

),

days as (

    select * from {{ source('params', 'days') }}

),

terms as (

    select * from {{ source('params', 'agent_terms') }}

),

kept_to as (

    select * from {{ source('params', 'agent_adherence') }}

),

clipped as (

    select
        {{ agent_key('schedule') }},
        days.business_on,
        terms.from_ms as term_from_ms,
        greatest(schedule.started_at_ms, days.from_ms) as started_at_ms,
        least(schedule.ended_at_ms, days.to_ms) as ended_at_ms,
        schedule.activity,
        schedule.is_work,
        schedule.is_paid,
        kept_to.state is not null as is_kept_to_when_logged_out
    from schedule
    inner join zones
        on schedule.client = zones.client
        and schedule.site = zones.site
    inner join days
        on zones.zone = days.zone
        and schedule.started_at_ms < days.to_ms
        and schedule.ended_at_ms > days.from_ms
    inner join terms
        on schedule.client = terms.client
        and schedule.site = terms.site
        and days.from_ms >= terms.from_ms
        and days.from_ms < terms.to_ms
    left join kept_to
        on terms.client = kept_to.client
        and terms.site = kept_to.site
        and terms.from_ms = kept_to.from_ms
        and schedule.activity = kept_to.activity
        and kept_to.state = 'logged_out'

),

worked as (

    select
        {{ agent_key('clipped') }},
        clipped.business_on,
        greatest(clipped.started_at_ms, ledger.started_at_ms) as started_at_ms,
        least(clipped.ended_at_ms, ledger.ended_at_ms) as ended_at_ms,
        cast(kept_to.state is not null as bigint)
            - cast(clipped.is_kept_to_when_logged_out as bigint) as adherent_weight
    from clipped
    inner join ledger
        on clipped.client = ledger.client
        and clipped.site = ledger.site
        and clipped.agent = ledger.agent
        and clipped.business_on = ledger.business_on
        and clipped.started_at_ms < ledger.ended_at_ms
        and clipped.ended_at_ms > ledger.started_at_ms
    left join kept_to
        on clipped.client = kept_to.client
        and clipped.site = kept_to.site
        and clipped.term_from_ms = kept_to.from_ms
        and clipped.activity = kept_to.activity
        and ledger.state = kept_to.state
    where clipped.is_work

),

final as (

    select
        {{ agent_key() }},
        business_on,
        started_at_ms,
        ended_at_ms,
        cast(is_work as bigint) as scheduled_weight,
        cast(is_work and is_kept_to_when_logged_out as bigint) as adherent_weight,
        cast(is_paid as bigint) as scheduled_paid_weight,
        cast(is_paid and not is_work as bigint) as absence_paid_weight
    from clipped
    union all
    select
        {{ agent_key() }},
        business_on,
        started_at_ms,
        ended_at_ms,
        cast(0 as bigint) as scheduled_weight,
        adherent_weight,
        cast(0 as bigint) as scheduled_paid_weight,
        cast(0 as bigint) as absence_paid_weight
    from worked
    where adherent_weight <> 0

)

select * from final
