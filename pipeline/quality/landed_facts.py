"""What must hold of landed facts (forecasts, schedules, evaluations, complaints, people…)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipeline.quality.rules import Rule, Suite

_SPANS: Final = (
    ("schedule", "end_ms <= start_ms"),
    ("incidents", "end_ms <= start_ms"),
    ("people", "valid_to_ms <= valid_from_ms"),
)
_LACKS_A_KEY: Final = (
    "record_id is null or revision_id is null or client is null or site is null or as_of_ms is null"
)
_DAY_AHEAD: Final = "as_of_ms > _appended_at_ms + 86400000"
FACTS_VIEW: Final = "landed.facts"


def all_facts_sql(views: Iterable[str]) -> str:
    """Return the query of all facts' common columns, given the names of their views."""
    return "\nunion all\n".join(
        f"select '{name}' as fact, record_id, revision_id, client, site, as_of_ms, _partition, "
        f"_offset, _appended_at_ms from landed.{name}"
        for name in views
    )


FACT_METRICS: Final = f"""
select
    count(*) as rows_read,
    count(*) - count(distinct (fact, _partition, _offset)) as offsets_landed_twice,
    count(*) filter ({_LACKS_A_KEY}) as rows_without_a_key,
    count(*) filter ({_DAY_AHEAD}) as rows_issued_in_the_future,
    (
        select count(*) from (
            select fact, record_id, as_of_ms
            from {FACTS_VIEW}
            group by all
            having count(distinct revision_id) > 1
        )
    ) as contradictory_revisions,
    {" + ".join(f"(select count(*) from landed.{n} where {w})" for n, w in _SPANS)}
        as spans_without_length
from {FACTS_VIEW}
"""

FACTS: Final = Suite(
    "landed-facts",
    (
        Rule("rows_missing", "critical", "rows read are not the rows the manifests count"),
        Rule(
            "offsets_landed_twice",
            "critical",
            "an offset of the log was landed more than once",
            keys=f"select * from {FACTS_VIEW} "
            "qualify row_number() over (partition by fact, _partition, _offset) > 1",
        ),
        Rule(
            "rows_without_a_key",
            "critical",
            "a fact lacks what identifies it",
            keys=f"select * from {FACTS_VIEW} where {_LACKS_A_KEY}",
        ),
        Rule(
            "rows_issued_in_the_future",
            "warning",
            "nothing issued until then can correct such a fact: its as_of lies more than a day "
            "ahead",
            keys=f"select * from {FACTS_VIEW} where {_DAY_AHEAD}",
        ),
        Rule(
            "contradictory_revisions",
            "warning",
            "one fact has two contents as of one instant",
            keys="select fact, record_id, as_of_ms, list(distinct revision_id) as revision_ids "
            f"from {FACTS_VIEW} group by all having count(distinct revision_id) > 1",
        ),
        Rule(
            "spans_without_length",
            "warning",
            "these end before they start and count for nothing",
            keys=" union all by name ".join(
                f"select '{n}' as fact, * from landed.{n} where {w}" for n, w in _SPANS
            ),
        ),
        Rule("rejects_per_mille", "warning", "more than 1 % of the records were no facts", most=10),
    ),
)
