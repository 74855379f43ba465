-- What time logged in counts for, or why not; domain/agent_time.py. Caps of a business day are
-- used up in order of time, so a spell is cut where one is.
with ledger as (

    select * from {{ ref('int_agent_ledger') }}

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

classes as (

    select * from {{ source('params', 'agent_classes') }}
    where reason is null

),

reasons as (

    select * from {{ source('params', 'agent_classes') }}
    where reason is not null

),

clipped as (

    select
        {{ agent_key('ledger') }},
        ledger.agent_number,
        days.business_on,
        days.from_ms as day_from_ms,
        greatest(ledger.started_at_ms, days.from_ms) as started_at_ms,
        least(ledger.ended_at_ms, days.to_ms) as ended_at_ms,
        ledger.state,
        ledger.reason,
        ledger.source,
        ledger.is_presumed
    from ledger
    inner join zones
        on ledger.client = zones.client
        and ledger.site = zones.site
    inner join days
        on zones.zone = days.zone
        and ledger.started_at_ms < days.to_ms
        and ledger.ended_at_ms > days.from_ms

),

logins as (

    select
        agent_number,
        business_on,
        cast(sum(ended_at_ms - started_at_ms) as bigint) as login_ms
    from clipped
    group by agent_number, business_on

),

-- how much of a state came before matters where it is capped
used as (

    select
        clipped.agent_number,
        clipped.started_at_ms,
        cast(coalesce(sum(clipped.ended_at_ms - clipped.started_at_ms) over (
            partition by clipped.agent_number, clipped.business_on, clipped.state
            order by clipped.started_at_ms
            rows between unbounded preceding and 1 preceding
        ), 0) as bigint) as used_ms
    from clipped
    semi join (
        select * from classes
        where {% for measure in agent_measures() -%}
            {{ measure }}_cap_ms is not null{{ '' if loop.last else ' or ' }}
            {%- endfor %}
    ) as capped
        on clipped.client = capped.client
        and clipped.site = capped.site
        and clipped.state = capped.state

),

measured as (

    select
        clipped.*,
        clipped.ended_at_ms - clipped.started_at_ms as spell_ms,
        coalesce(used.used_ms, 0) as used_ms,
        logins.login_ms
    from clipped
    inner join logins
        on clipped.agent_number = logins.agent_number
        and clipped.business_on = logins.business_on
    left join used
        on clipped.agent_number = used.agent_number
        and clipped.started_at_ms = used.started_at_ms

),

judged as (

    select
        measured.*,
        terms.* {{ without('client, site, from_ms, to_ms, lost_after_ms, longest_silence_ms') }},
        classes.is_occupied,
        classes.is_occupiable,
        {%- for measure in agent_measures() %}
        coalesce(reasons.is_{{ measure }}, classes.is_{{ measure }}) as is_{{ measure }},
        classes.{{ measure }}_cap_ms,
        -- a state without a cap is cut at its start: not at all
        least(greatest(coalesce(classes.{{ measure }}_cap_ms - used_ms, 0), 0), spell_ms)
            as {{ measure }}_cut_ms{{ '' if loop.last else ',' }}
        {%- endfor %}
    from measured
    inner join terms
        on measured.client = terms.client
        and measured.site = terms.site
        and measured.day_from_ms >= terms.from_ms
        and measured.day_from_ms < terms.to_ms
    inner join classes
        on terms.client = classes.client
        and terms.site = classes.site
        and terms.from_ms = classes.from_ms
        and measured.state = classes.state
    left join reasons
        on terms.client = reasons.client
        and terms.site = reasons.site
        and terms.from_ms = reasons.from_ms
        and measured.state = reasons.state
        and measured.reason = reasons.reason

),

{%- set cuts = ['0', 'spell_ms'] -%}
{%- for measure in agent_measures() -%}{%- do cuts.append(measure ~ '_cut_ms') -%}{%- endfor %}

cut as (

    select
        *,
        case
            -- most spells lie on one side of every cut
            when {% for measure in agent_measures() -%}
                {{ measure }}_cut_ms in (0, spell_ms){{ '' if loop.last else ' and ' }}
                {%- endfor %} then {{ list_of(['0', 'spell_ms']) }}
            else array_sort(array_distinct({{ list_of(cuts) }}))
        end as cuts
    from judged

),

numbered as (

    select *, {{ each_of_range('1', list_size('cuts')) }} as piece_number
    from cut

),

pieces as (

    select
        *,
        started_at_ms + {{ list_item('cuts', 'piece_number') }} as piece_started_at_ms,
        started_at_ms + {{ list_item('cuts', 'piece_number + 1') }} as piece_ended_at_ms,
        used_ms + {{ list_item('cuts', 'piece_number') }} as piece_used_ms
    from numbered

),

final as (

    select
        {{ agent_key() }},
        business_on,
        piece_started_at_ms as started_at_ms,
        piece_ended_at_ms as ended_at_ms,
        state,
        reason,
        source,
        is_presumed,
        is_occupied,
        is_occupiable,
        spell_ms,
        {%- for measure in agent_measures() %}
        case
            when not is_{{ measure }} then 'state'
            when is_presumed and not {{ measure }}_counts_presumed then 'presumed'
            when piece_used_ms >= {{ measure }}_cap_ms then 'over_cap'
            when login_ms < {{ measure }}_minimum_login_ms then 'below_minimum_login'
        end as {{ measure }}_excluded_by{{ '' if loop.last else ',' }}
        {%- endfor %}
    from pieces

)

select * from final
