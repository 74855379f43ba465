"""The same rolling KPI by Vane and by other stream engines: one machine, one log, one oracle."""
