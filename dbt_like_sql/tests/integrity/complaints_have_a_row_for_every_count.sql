-- Guards fct_complaints and fct_complaint_signals: the lists have what months and panes count.
with cases as (

    select
        client, site, queue, 'received' as attribution,
        count(*) as cases,
        count(*) filter (where is_valid) as cases_valid
    from {{ ref('fct_complaints') }}
    where is_received_in_month
    group by all

),

months as (

    select * from {{ ref('fct_complaint_months') }}
    where attribution = 'received'

),

signals as (

    select
        client, site, queue,
        count(*) filter (where signal = 'complaint') as complaints,
        count(*) filter (where signal = 'transfer') as transfers,
        count(*) filter (where signal = 'long_hold') as long_holds
    from {{ ref('fct_complaint_signals') }}
    group by all

),

panes as (

    select
        client, site, queue,
        sum(complaints) as complaints,
        sum(transfers) as transfers,
        sum(long_holds) as long_holds
    from {{ ref('fct_kpi_panes') }}
    group by all

)

select client, site, queue, 'months' as of_which
from months
full outer join cases using (client, site, queue)
where coalesce(months.cases, 0) <> coalesce(cases.cases, 0)
    or coalesce(months.cases_valid, 0) <> coalesce(cases.cases_valid, 0)
union all
select client, site, queue, 'panes' as of_which
from panes
full outer join signals using (client, site, queue)
where coalesce(panes.complaints, 0) <> coalesce(signals.complaints, 0)
    or coalesce(panes.transfers, 0) <> coalesce(signals.transfers, 0)
    or coalesce(panes.long_holds, 0) <> coalesce(signals.long_holds, 0)
