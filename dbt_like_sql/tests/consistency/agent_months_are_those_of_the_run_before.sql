-- Guards what agents' time is paid and billed by: another client's late calls, or running again,
-- must not change them.
{{ config(severity='warn') }}
{{ changed_without_new_records(ref('fct_agent_months')) }}
