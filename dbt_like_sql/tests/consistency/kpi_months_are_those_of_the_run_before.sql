-- Guards the contractual figures: another client's late calls, or running again, must not change them.
{{ config(severity='warn') }}
{{ changed_without_new_records(ref('fct_kpi_months')) }}
