"""The month's core on Spark in one process (local[2]): a program of the environment of spark.txt.

See ``peers.py`` for the job. Of the product's package nothing is imported.
"""

from __future__ import annotations

import json
import sys
import time
from functools import reduce
from pathlib import Path
from typing import Any

started = time.perf_counter()

from pyspark.sql import DataFrame  # noqa: E402 - importing is part of the start
from pyspark.sql import functions as f  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "spark"))
from session import start  # noqa: E402 - how a session is started on this machine

LEG = ["client", "site", "queue", "contact_id", "leg"]
QUEUE = ["client", "site", "queue"]
TIMES = {
    "queued": "type = 'queued'",
    "answered": "type = 'answered'",
    "abandoned": "type = 'abandoned' and not reason <=> 'before_queue'",
    "before_queue": "type = 'abandoned' and reason = 'before_queue'",
    "callback": "type = 'callback_requested'",
    "flowed_out": "type = 'flowed_out'",
    "ended": "type = 'ended'",
    "wrapup_started": "type = 'wrapup_started'",
    "wrapup_ended": "type = 'wrapup_ended'",
}
ATTRIBUTIONS = {
    "arrival": "queued",
    "outcome": "outcome_at",
    "completion": "completed_at",
    "service_level": "service_level_at",
}
COUNTED = {
    "offered": "service_level_at is not null",
    "answered": "outcome = 'answered'",
    "answered_within": "outcome = 'answered' and is_within",
    "abandoned": "outcome = 'abandoned'",
    "abandoned_within": "outcome = 'abandoned' and is_within",
    "handled": "completed_at is not null",
}
OUTCOME = """
    case
        when queued is null then null
        when earliest is null then 'waiting'
        when answered + answer_shift_ms = earliest then 'answered'
        when callback = earliest then 'callback'
        when flowed_out = earliest then 'flowed_out'
        else 'abandoned'
    end
"""


def main(job: dict[str, Any]) -> None:
    """Do the job and tell the seconds of start and work."""
    spark = start(Path(job["home"]))
    spark.conf.set("spark.sql.shuffle.partitions", "4")
    start_s = time.perf_counter() - started
    params = {
        name: spark.read.parquet(f"{job['params']}/{name}.parquet")
        for name in ("queues", "service_targets", "watermarks", "zone_offsets")
    }
    legs = outcomes(spark.read.parquet(*job["files"]), params).persist()
    for name, found in (("intervals", intervals(legs, params)), ("months", months(legs, params))):
        found.coalesce(1).write.parquet(f"{job['out']}/{name}.parquet")
    told = {"start_s": start_s, "all_s": time.perf_counter() - started}
    sys.stdout.write(f"\n{json.dumps(told)}\n")


def outcomes(events: DataFrame, params: dict[str, DataFrame]) -> DataFrame:
    """Return one row per leg: its instants, how its wait ended, its handle times."""
    facts = events.groupBy(*LEG).agg(
        *(
            f.expr(f"min(occurred_at_ms) filter (where {which})").alias(name)
            for name, which in TIMES.items()
        ),
        f.min("occurred_at_ms").alias("first"),
        f.min("_partition").alias("_partition"),
    )
    holds = (
        events.where("type in ('hold_started', 'hold_ended')")
        .groupBy(*LEG, f.expr("coalesce(hold_seq, 0)").alias("hold_seq"))
        .agg(
            f.expr("min(occurred_at_ms) filter (where type = 'hold_started')").alias("start"),
            f.expr("min(occurred_at_ms) filter (where type = 'hold_ended')").alias("end"),
        )
        .join(facts.select(*LEG, "ended"), LEG)
        .where("start is not null and ended is not null")
        .groupBy(*LEG)
        .agg(f.expr("sum(greatest(0, coalesce(end, ended) - start))").alias("all_hold"))
    )
    terms = params["service_targets"]
    joined = (
        facts.join(holds, LEG, "left")
        .join(f.broadcast(params["watermarks"]), "_partition")
        .join(f.broadcast(terms), QUEUE)
        .where("coalesce(queued, first) >= from_ms and coalesce(queued, first) < to_ms")
        .drop("from_ms", "to_ms")
    )
    steps = {
        "all_hold": "coalesce(all_hold, 0)",
        "most": "threshold_ms - case when inclusive then 0 else 1 end",
        "earliest": "least(answered + answer_shift_ms, callback, flowed_out, abandoned)",
        "outcome": OUTCOME,
        "outcome_at": "case when queued is not null then earliest end",
        "wait": "greatest(0, coalesce(earliest, watermark_ms) - queued)",
        "is_within": "queued is not null and outcome <> 'waiting' and wait <= most",
        "is_completed": "queued is not null and answered is not null and ended is not null "
        "and (wrapup_started is null or wrapup_ended is not null)",
        "service_level_at": "case when queued is null then null "
        "when is_within then greatest(outcome_at, queued) "
        "when wait > most then queued + threshold_ms end",
        "completed_at": "case when is_completed then greatest(ended, wrapup_ended) end",
        "belongs_at": "coalesce(queued, before_queue, first)",
        "talk": "case when is_completed then greatest(0, ended - answered - all_hold) end",
        "hold": "case when is_completed then all_hold end",
        "acw": "case when is_completed "
        "then greatest(0, coalesce(wrapup_ended - wrapup_started, 0)) end",
    }
    return reduce(
        lambda frame, step: frame.withColumn(step[0], f.expr(step[1])), steps.items(), joined
    )


def counts() -> list[Any]:
    """Return the counts of a group of legs."""
    return [
        *(
            f.expr(f"count(*) filter (where {which})").alias(name)
            for name, which in COUNTED.items()
        ),
        *(
            f.expr(f"coalesce(sum({part}), 0)").alias(f"{part}_ms")
            for part in ("talk", "hold", "acw")
        ),
    ]


def intervals(legs: DataFrame, params: dict[str, DataFrame]) -> DataFrame:
    """Return quarter hours of the contract's clock under each attribution."""
    joined = legs.join(f.broadcast(params["queues"]), QUEUE)
    parts = []
    for attribution, at in ATTRIBUTIONS.items():
        inside = (
            joined.where(f"{at} >= month_start_ms and {at} < month_end_ms")
            .join(f.broadcast(params["zone_offsets"]), "zone")
            .where(f"{at} >= from_ms and {at} < to_ms")
        )
        start_ms = f.expr(f"greatest({at} - ({at} + offset_ms) % 900000, from_ms)")
        grouped = inside.groupBy(*QUEUE, start_ms.alias("interval_start_ms")).agg(*counts())
        parts.append(grouped.withColumn("attribution", f.lit(attribution)))
    return reduce(DataFrame.unionByName, parts)


def months(legs: DataFrame, params: dict[str, DataFrame]) -> DataFrame:
    """Return the month of each queue."""
    joined = legs.join(f.broadcast(params["queues"]), QUEUE)
    inside = joined.where("belongs_at >= month_start_ms and belongs_at < month_end_ms")
    return inside.groupBy(*QUEUE).agg(*counts())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
