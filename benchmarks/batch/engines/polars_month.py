"""The month's core in Polars: legs, outcomes, quarter hours, months. The job: see ``peers.py``."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

started = time.perf_counter()

import polars as pl  # noqa: E402 - importing is part of the start

LEG = ["client", "site", "queue", "contact_id", "leg"]
QUEUE = ["client", "site", "queue"]
TIMES = {
    "answered": "answered",
    "callback": "callback_requested",
    "flowed_out": "flowed_out",
    "ended": "ended",
    "wrapup_started": "wrapup_started",
    "wrapup_ended": "wrapup_ended",
}
ATTRIBUTIONS = {
    "arrival": "queued",
    "outcome": "outcome_at",
    "completion": "completed_at",
    "service_level": "service_level_at",
}
col, lit = pl.col, pl.lit


def main(job: dict[str, Any]) -> None:
    """Do the job and tell the seconds of start and work."""
    start_s = time.perf_counter() - started
    params = {
        name: pl.scan_parquet(f"{job['params']}/{name}.parquet")
        for name in ("queues", "service_targets", "watermarks", "zone_offsets")
    }
    legs = outcomes(pl.scan_parquet(job["files"], missing_columns="insert"), params).collect()
    intervals(legs.lazy(), params).sink_parquet(f"{job['out']}/intervals.parquet")
    months(legs.lazy(), params).sink_parquet(f"{job['out']}/months.parquet")
    told = {"start_s": start_s, "all_s": time.perf_counter() - started}
    sys.stdout.write(f"\n{json.dumps(told)}\n")


def outcomes(events: pl.LazyFrame, params: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return one row per leg: its instants, how its wait ended, its handle times."""
    at, kind = col("occurred_at_ms"), col("type")
    is_before = (kind == "abandoned") & (col("reason") == "before_queue").fill_null(value=False)
    facts = events.group_by(LEG).agg(
        at.filter(kind == "queued").min().alias("queued"),
        at.filter((kind == "abandoned") & ~is_before).min().alias("abandoned"),
        at.filter(is_before).min().alias("before_queue"),
        *(at.filter(kind == name).min().alias(column) for column, name in TIMES.items()),
        at.min().alias("first"),
        col("_partition").min(),
    )
    holds = (
        events.filter(kind.is_in(["hold_started", "hold_ended"]))
        .group_by(*LEG, col("hold_seq").fill_null(0))
        .agg(
            at.filter(kind == "hold_started").min().alias("from"),
            at.filter(kind == "hold_ended").min().alias("to"),
        )
        .join(facts.select(*LEG, "ended"), on=LEG)
        .filter(col("from").is_not_null() & col("ended").is_not_null())
        .group_by(LEG)
        .agg(pl.max_horizontal(0, pl.coalesce("to", "ended") - col("from")).sum().alias("hold"))
    )
    joined = (
        facts.join(holds, on=LEG, how="left")
        .join(params["watermarks"].select("_partition", "watermark_ms"), on="_partition")
        .join(params["service_targets"], on=QUEUE)
        .with_columns(term_at=pl.coalesce("queued", "first"))
        .filter((col("term_at") >= col("from_ms")) & (col("term_at") < col("to_ms")))
    )
    answer = col("answered") + col("answer_shift_ms")
    most = col("threshold_ms") - pl.when("inclusive").then(0).otherwise(1)
    decided = joined.with_columns(
        earliest=pl.min_horizontal(answer, "callback", "flowed_out", "abandoned")
    ).with_columns(
        outcome=pl.when(col("queued").is_null())
        .then(lit(None, dtype=pl.String))
        .when(col("earliest").is_null())
        .then(lit("waiting"))
        .when(answer == col("earliest"))
        .then(lit("answered"))
        .when(col("callback") == col("earliest"))
        .then(lit("callback"))
        .when(col("flowed_out") == col("earliest"))
        .then(lit("flowed_out"))
        .otherwise(lit("abandoned")),
        outcome_at=pl.when(col("queued").is_not_null()).then("earliest"),
        wait=pl.when(col("queued").is_not_null()).then(
            pl.max_horizontal(0, pl.coalesce("earliest", "watermark_ms") - col("queued"))
        ),
        is_completed=col("queued").is_not_null()
        & col("answered").is_not_null()
        & col("ended").is_not_null()
        & (col("wrapup_started").is_null() | col("wrapup_ended").is_not_null()),
    )
    within = ((col("outcome") != "waiting") & (col("wait") <= most)).fill_null(value=False)
    return decided.with_columns(
        is_within=within,
        service_level_at=pl.when(within)
        .then(pl.max_horizontal("outcome_at", "queued"))
        .when(col("wait") > most)
        .then(col("queued") + col("threshold_ms")),
        completed_at=pl.when("is_completed").then(pl.max_horizontal("ended", "wrapup_ended")),
        belongs_at=pl.coalesce("queued", "before_queue", "first"),
        talk=pl.when("is_completed").then(
            pl.max_horizontal(0, col("ended") - col("answered") - col("hold").fill_null(0))
        ),
        hold=pl.when("is_completed").then(col("hold").fill_null(0)),
        acw=pl.when("is_completed").then(
            pl.max_horizontal(0, (col("wrapup_ended") - col("wrapup_started")).fill_null(0))
        ),
    )


def counts() -> list[pl.Expr]:
    """Return the counts of a group of legs."""
    outcome, within = col("outcome"), col("is_within")
    counted = {
        "offered": col("service_level_at").is_not_null(),
        "answered": outcome == "answered",
        "answered_within": (outcome == "answered") & within,
        "abandoned": outcome == "abandoned",
        "abandoned_within": (outcome == "abandoned") & within,
        "handled": col("completed_at").is_not_null(),
    }
    return [
        *(which.sum().cast(pl.Int64).alias(name) for name, which in counted.items()),
        *(col(part).sum().alias(f"{part}_ms") for part in ("talk", "hold", "acw")),
    ]


def intervals(legs: pl.LazyFrame, params: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return quarter hours of the contract's clock under each attribution."""
    parts = []
    for attribution, column in ATTRIBUTIONS.items():
        at = col(column)
        shifted = (
            legs.join(params["queues"], on=QUEUE)
            .filter((at >= col("month_start_ms")) & (at < col("month_end_ms")))
            .join(params["zone_offsets"], on="zone", suffix="_clock")
            .filter((at >= col("from_ms_clock")) & (at < col("to_ms_clock")))
        )
        start = pl.max_horizontal(at - (at + col("offset_ms")) % 900_000, "from_ms_clock")
        parts.append(
            shifted.group_by(*QUEUE, start.alias("interval_start_ms"))
            .agg(counts())
            .with_columns(attribution=lit(attribution))
        )
    return pl.concat(parts)


def months(legs: pl.LazyFrame, params: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return the month of each queue."""
    at = col("belongs_at")
    joined = legs.join(params["queues"], on=QUEUE)
    inside = joined.filter((at >= col("month_start_ms")) & (at < col("month_end_ms")))
    return inside.group_by(QUEUE).agg(counts())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
