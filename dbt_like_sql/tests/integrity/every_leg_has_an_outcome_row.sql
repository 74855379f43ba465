-- Guards the target and watermark joins: a queue without terms would lose its legs silently.
select facts.legs, outcomes.legs as decided
from (select count(*) as legs from {{ ref('int_leg_facts') }}) as facts
cross join (select count(*) as legs from {{ ref('int_leg_outcomes') }}) as outcomes
where facts.legs <> outcomes.legs
