"""One queue's counts by quarter hour, its forecasts, and how long its callers waited.

Counts are the live side's, as landed; where nothing of it was landed, those of a published month.
Neither decides anything about calls: they are sums of what was decided leg by leg.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from pipeline.codec.fact_fields import TOPICS
from pipeline.domain.fact import FactKind
from pipeline.domain.kpi import SERVICE_LEVEL_FIELDS
from pipeline.domain.wait_histogram import WAIT_FIELDS
from pipeline.errors import InputError
from pipeline.lake import live, manifest
from pipeline.lake.catalog import CATALOG, open_catalog
from pipeline.lake.shape import SHAPES
from pipeline.lake.warehouse import show_files

QUARTER_MS: Final = 900_000
LANDED: Final = "landed live counts"
PUBLISHED: Final = "published months"
_COUNTS: Final = tuple(name for name in SERVICE_LEVEL_FIELDS if name not in WAIT_FIELDS)
_PUBLISHED_COUNTS: Final = (
    *("offered", "answered", "answered_within", "abandoned", "abandoned_within"),
    *("abandoned_short", "flowed_out", "callbacks", "callbacks_within", "waiting_over"),
    "wait_answered_ms",
)
_HANDLED: Final = ("handled", "talk_ms", "hold_ms", "acw_ms")


class QueueKey(NamedTuple):
    """Client, site (may be empty), queue."""

    client: str
    site: str
    queue: str

    def __str__(self) -> str:
        """Return ``client/site/queue`` without what is empty."""
        return "/".join(part for part in self if part)


@dataclass(frozen=True, slots=True)
class Quarter:
    """Counts of ``[start_ms, start_ms + length_ms)``, service level and handle time together."""

    start_ms: int
    length_ms: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """One forecast in force: calls expected, handle time (ms) and agents where it says so."""

    start_ms: int
    end_ms: int
    calls: float
    aht_ms: int | None
    agents: float | None
    as_of_ms: int


class Waits(NamedTuple):
    """All time that callers waited (ms), however it ended, and how many hung up."""

    waited_ms: int
    abandoned: int


class QueueData:
    """What is landed and published of queues; opened once, asked several times."""

    def __init__(self, landing: Path, published: Path) -> None:
        """Look at what there is; nothing is read yet."""
        self._published = published if (published / CATALOG).is_file() else None
        self._con = duckdb.connect()
        self._con.execute("set TimeZone = 'UTC'")
        live.show(self._con, landing)
        self._show_forecasts(landing)
        self.has_landed = bool(
            self._con.execute("select count(*) from landed.progress").fetchone()[0]  # type: ignore[index]
        )
        self._months = None if self._published is None else open_catalog(self._published)

    def _show_forecasts(self, landing: Path) -> None:
        topic = TOPICS[FactKind.FORECAST]
        batches = manifest.read_batches(landing, topic)
        damaged = manifest.damaged(landing, batches, days=None)
        if damaged:
            listed = "\n".join(f"  {damage}" for damage in damaged)
            msg = f"landed files are damaged; land them again with: vane land --repair\n{listed}"
            raise InputError(msg)
        paths = [landing / file.path for file in manifest.files(batches)]
        show_files(self._con, "forecast", SHAPES[topic], paths)

    def known_until_ms(self, at_ms: int) -> int:
        """Return up to when counts are there: as the live side has come, or whole quarters."""
        if not self.has_landed:
            return at_ms - at_ms % QUARTER_MS
        (row,) = self._con.execute("select max(watermark_ms) from landed.progress").fetchall()
        return min(at_ms, int(row[0]))

    @property
    def source(self) -> str:
        """Return where counts come from."""
        return LANDED if self.has_landed else PUBLISHED

    def sites(self, client: str, queue: str) -> list[str]:
        """Return the sites that have such a queue."""
        found: set[str] = set()
        if self.has_landed:
            view = live.view_name("service-level")
            found |= self._sites(self._con, f"landed.{view}", client, queue)
        elif self._months is not None:
            found |= self._sites(self._months, "fct_queue_intervals", client, queue)
        return sorted(found)

    def _sites(
        self, con: duckdb.DuckDBPyConnection, table: str, client: str, queue: str
    ) -> set[str]:
        sql = f"select distinct site from {table} where client = ? and queue = ?"
        return {site for (site,) in con.execute(sql, [client, queue]).fetchall()}

    def quarters(self, key: QueueKey, from_ms: int, to_ms: int) -> list[Quarter]:
        """Return counts that lie wholly within ``[from_ms, to_ms)``, ascending.

        Landed ones by the pane, so that they reach up to the last half minute; published ones by
        the quarter hour. Stretches in which nothing happened may be missing.
        """
        if self.has_landed:
            return self._live(key, from_ms, to_ms)
        if self._months is None:
            return []
        names = (*_PUBLISHED_COUNTS, *_HANDLED)
        sums = ", ".join(f"sum({n})::bigint" for n in names)
        rows = self._months.execute(
            f"select interval_start_ms, {sums} from fct_queue_intervals "
            "where client = ? and site = ? and queue = ? and interval_minutes = 15 "
            "and attribution = 'service_level' and interval_start_ms >= ? "
            f"and interval_start_ms + {QUARTER_MS} <= ? group by 1 order by 1",
            [*key, from_ms, to_ms],
        ).fetchall()
        return [Quarter(row[0], QUARTER_MS, _named(names, row[1:])) for row in rows]

    def _live(self, key: QueueKey, from_ms: int, to_ms: int) -> list[Quarter]:
        names = (*_COUNTS, *_HANDLED)
        service = ", ".join(f"coalesce({n}, 0) as {n}" for n in _COUNTS)
        handle = ", ".join(f"coalesce({n}, 0) as {n}" for n in _HANDLED)
        none = ", ".join(f"0 as {n}" for n in _HANDLED)
        nothing = ", ".join(f"0 as {n}" for n in _COUNTS)
        sums = ", ".join(f"sum({n})::bigint" for n in names)
        where = "client = ? and site = ? and queue = ? and pane_start_ms >= ? and pane_start_ms < ?"
        rows = self._con.execute(
            f"select pane_start_ms // {QUARTER_MS} * {QUARTER_MS}, {sums} from ("
            f"select pane_start_ms, {service}, {none} "
            f"from landed.{live.view_name('service-level')} where {where} "
            f"union all by name select pane_start_ms, {nothing}, {handle} "
            f"from landed.{live.view_name('handle-time')} where {where}) group by 1 order by 1",
            [*key, from_ms, to_ms, *key, from_ms, to_ms],
        ).fetchall()
        return [
            Quarter(
                max(row[0], from_ms),
                min(row[0] + QUARTER_MS, to_ms) - max(row[0], from_ms),
                _named(names, row[1:]),
            )
            for row in rows
        ]

    def forecasts(self, key: QueueKey, from_ms: int, to_ms: int) -> list[ForecastRow]:
        """Return the forecasts in force that begin in ``[from_ms, to_ms)``, ascending."""
        # The newest record of each holds, as in domain/fact.py and macros/facts.sql.
        rows = self._con.execute(
            "select interval_start_ms, interval_ms, calls_milli, aht_ms, agents_milli, as_of_ms "
            "from (select * from landed.forecast where client = ? and site = ? and queue = ? "
            "and interval_start_ms >= ? and interval_start_ms < ? "
            "qualify row_number() over "
            "(partition by record_id order by as_of_ms desc, revision_id desc) = 1) "
            "where not is_withdrawn order by interval_start_ms",
            [*key, from_ms, to_ms],
        ).fetchall()
        return [_forecast(row) for row in rows]

    def waits(self, key: QueueKey) -> Waits:
        """Return the waits of the published months' calls that waited for an answer."""
        if self._months is None:
            return Waits(0, 0)
        row = self._months.execute(
            "select coalesce(sum(wait_ms), 0)::bigint, "
            "count(*) filter (where outcome = 'abandoned') "
            "from fct_leg_facts where client = ? and site = ? and queue = ? "
            "and outcome in ('answered', 'abandoned', 'flowed_out', 'callback')",
            list(key),
        ).fetchone()
        return Waits(0, 0) if row is None else Waits(*row)


def _named(names: Sequence[str], values: Sequence[int]) -> dict[str, int]:
    return dict(zip(names, values, strict=True))


def _forecast(row: Sequence[Any]) -> ForecastRow:
    start, length, calls, aht, agents, as_of = row
    return ForecastRow(
        start_ms=start,
        end_ms=start + length,
        calls=calls / 1000,
        aht_ms=aht,
        agents=None if agents is None else agents / 1000,
        as_of_ms=as_of,
    )
