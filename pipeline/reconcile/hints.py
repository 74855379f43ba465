"""What a comparison suggests that the mapping lacks; it changes no class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import duckdb

from pipeline.reconcile.mapping import ClientMapping

_LEAST: Final = 5
"""So many calls before anything is said of them."""


def short_calls(con: duckdb.DuckDBPyConnection, mapping: ClientMapping) -> Iterator[str]:
    """Say so if most calls missing there are shorter than every call of the file."""
    if mapping.rules.short_call_ms:
        return
    missing, shorter, shortest_ms = con.execute("""
with file as (select min(length_ms) as shortest_ms from theirs where outcome = 'answered')
select
    count(*), count(*) filter (where o.length_ms < file.shortest_ms), any_value(file.shortest_ms)
from variances as v inner join ours as o on o.our_id = v.our_ids[1] cross join file
where v.class = 'missing_there'
""").fetchall()[0]
    if shorter >= _LEAST and 2 * shorter > missing:
        yield (
            f"{shorter:,} of {missing:,} calls missing there are shorter than any call of the file "
            f"({shortest_ms // 1000} s): does the client leave short calls out? "
            "Then say so with rules: {short_call_s: …} in the mapping"
        )
