-- Guards int_agent_source_spells, which tells logs apart by 64 bits of their names.
select {{ hash_64(agent_key() ~ ', source') }} as log_number
from (select distinct {{ agent_key() }}, source from {{ ref('stg_agent_states') }}) as logs
group by {{ hash_64(agent_key() ~ ', source') }}
having count(*) > 1
