"""The month's core in pandas: legs, outcomes, quarter hours, months. See ``peers.py`` for the job.

Instants are nullable integers; a leg is a number while it is folded, since grouping by five columns
of text for each kind of event would take most of the time.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

started = time.perf_counter()

import pandas as pd  # noqa: E402 - importing is part of the start

LEG = ["client", "site", "queue", "contact_id", "leg"]
QUEUE = ["client", "site", "queue"]
COLUMNS = [*LEG, "type", "reason", "hold_seq", "occurred_at_ms", "_partition"]
TYPES = {
    "queued": "queued",
    "answered": "answered",
    "abandoned": "abandoned",
    "before_queue": "before_queue",
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


def main(job: dict[str, Any]) -> None:
    """Do the job and tell the seconds of start and work."""
    start_s = time.perf_counter() - started
    params = {
        name: pd.read_parquet(f"{job['params']}/{name}.parquet")
        for name in ("queues", "service_targets", "watermarks", "zone_offsets")
    }
    files = [pd.read_parquet(path, columns=COLUMNS, partitioning=None) for path in job["files"]]
    legs = outcomes(pd.concat(files, ignore_index=True), params)
    intervals(legs, params).to_parquet(f"{job['out']}/intervals.parquet", index=False)
    months(legs, params).to_parquet(f"{job['out']}/months.parquet", index=False)
    told = {"start_s": start_s, "all_s": time.perf_counter() - started}
    sys.stdout.write(f"\n{json.dumps(told)}\n")


def outcomes(events: pd.DataFrame, params: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per leg: its instants, how its wait ended, its handle times."""
    events["id"] = events.groupby(LEG, sort=False).ngroup()
    before = (events["type"] == "abandoned") & (events["reason"] == "before_queue")
    kind = events["type"].mask(before.fillna(value=False), "before_queue")
    grouped = events.groupby("id")
    legs = grouped[LEG].first()
    legs["first_ms"] = grouped["occurred_at_ms"].min()
    legs["_partition"] = grouped["_partition"].min()
    for column, name in TYPES.items():
        found = events[kind == name].groupby("id")["occurred_at_ms"].min()
        legs[column] = found.reindex(legs.index).astype("Int64")
    legs["hold"] = held(events, legs)
    legs = legs.merge(params["watermarks"][["_partition", "watermark_ms"]], on="_partition")
    legs = legs.merge(params["service_targets"], on=QUEUE)
    term_at = legs["queued"].fillna(legs["first_ms"])
    legs = legs[(term_at >= legs["from_ms"]) & (term_at < legs["to_ms"])].copy()
    legs = legs.drop(columns=["from_ms", "to_ms"])
    decide(legs)
    handle(legs)
    return legs


def held(events: pd.DataFrame, legs: pd.DataFrame) -> pd.Series[Any]:
    """Return how long each leg was held, up to its end."""
    key = ["id", "hold_seq"]
    holds = events[events["type"].isin(["hold_started", "hold_ended"])]
    holds = holds.assign(hold_seq=holds["hold_seq"].fillna(0))
    begun = holds[holds["type"] == "hold_started"].groupby(key)["occurred_at_ms"].min()
    over = holds[holds["type"] == "hold_ended"].groupby(key)["occurred_at_ms"].min()
    spans = begun.to_frame("from").join(over.rename("to").astype("Int64"))
    spans["ended"] = spans.index.get_level_values("id").map(legs["ended"]).astype("Int64")
    spans = spans[spans["ended"].notna()]
    took = (spans["to"].fillna(spans["ended"]) - spans["from"]).clip(lower=0)
    return took.groupby(level="id").sum().reindex(legs.index).astype("Int64").fillna(0)


def decide(legs: pd.DataFrame) -> None:
    """Add how the wait ended, when it counts, and whether within the threshold."""
    is_queued = legs["queued"].notna()
    answer = legs["answered"] + legs["answer_shift_ms"]
    others = [legs[name] for name in ("callback", "flowed_out", "abandoned")]
    earliest = answer
    for other in others:
        is_earlier = (other < earliest).fillna(value=False) | earliest.isna()
        earliest = earliest.mask(is_earlier, other)
    outcome = pd.Series("abandoned", index=legs.index, dtype="str")
    for name in ("flowed_out", "callback"):
        outcome = outcome.mask((legs[name] == earliest).fillna(value=False), name)
    outcome = outcome.mask((answer == earliest).fillna(value=False), "answered")
    legs["outcome"] = outcome.mask(earliest.isna(), "waiting").where(is_queued)
    legs["outcome_at"] = earliest.where(is_queued)
    wait = (earliest.fillna(legs["watermark_ms"]) - legs["queued"]).clip(lower=0)
    most = legs["threshold_ms"] - (~legs["inclusive"]).astype("int64")
    short = (wait <= most).fillna(value=False)
    legs["is_within"] = short & (legs["outcome"] != "waiting")
    over = (wait > most).fillna(value=False)
    counted = legs["outcome_at"].mask(legs["outcome_at"] < legs["queued"], legs["queued"])
    late = (legs["queued"] + legs["threshold_ms"]).where(over)
    legs["service_level_at"] = counted.where(legs["is_within"], late)
    legs["belongs_at"] = legs["queued"].fillna(legs["before_queue"]).fillna(legs["first_ms"])


def handle(legs: pd.DataFrame) -> None:
    """Add the times of completed legs."""
    wrapped = legs["wrapup_started"].isna() | legs["wrapup_ended"].notna()
    done = legs["queued"].notna() & legs["answered"].notna() & legs["ended"].notna() & wrapped
    later = (legs["wrapup_ended"] > legs["ended"]).fillna(value=False)
    legs["completed_at"] = legs["ended"].mask(later, legs["wrapup_ended"]).where(done)
    legs["talk"] = (legs["ended"] - legs["answered"] - legs["hold"]).clip(lower=0).where(done)
    legs["hold"] = legs["hold"].where(done)
    acw = (legs["wrapup_ended"] - legs["wrapup_started"]).fillna(0).clip(lower=0)
    legs["acw"] = acw.where(done)


def counted(legs: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the counts of legs by these columns."""
    is_answered = legs["outcome"] == "answered"
    is_abandoned = legs["outcome"] == "abandoned"
    flags = legs[by].assign(
        offered=legs["service_level_at"].notna(),
        answered=is_answered,
        answered_within=is_answered & legs["is_within"],
        abandoned=is_abandoned,
        abandoned_within=is_abandoned & legs["is_within"],
        handled=legs["completed_at"].notna(),
        talk_ms=legs["talk"].fillna(0),
        hold_ms=legs["hold"].fillna(0),
        acw_ms=legs["acw"].fillna(0),
    )
    sums = flags.groupby(by, as_index=False).sum()
    return sums.astype({name: "int64" for name in sums.columns if name not in QUEUE})


def intervals(legs: pd.DataFrame, params: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return quarter hours of the contract's clock under each attribution."""
    joined = legs.merge(params["queues"], on=QUEUE)
    parts = []
    for attribution, column in ATTRIBUTIONS.items():
        at = joined[column]
        is_inside = (at >= joined["month_start_ms"]) & (at < joined["month_end_ms"])
        inside = joined[is_inside.fillna(value=False)].merge(params["zone_offsets"], on="zone")
        at = inside[column]
        inside = inside[(at >= inside["from_ms"]) & (at < inside["to_ms"])]
        at = inside[column]
        start = at - (at + inside["offset_ms"]) % 900_000
        start = start.mask(start < inside["from_ms"], inside["from_ms"])
        part = counted(inside.assign(interval_start_ms=start), [*QUEUE, "interval_start_ms"])
        parts.append(part.assign(attribution=attribution))
    return pd.concat(parts)


def months(legs: pd.DataFrame, params: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the month of each queue."""
    joined = legs.merge(params["queues"], on=QUEUE)
    at = joined["belongs_at"]
    inside = joined[(at >= joined["month_start_ms"]) & (at < joined["month_end_ms"])]
    return counted(inside, QUEUE)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
