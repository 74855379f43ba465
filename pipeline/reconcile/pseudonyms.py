"""Callers' numbers of a client's file as the keyed hash that our own legs carry."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import polars as pl

from pipeline.codec.adapter import Origin
from pipeline.codec.leg_sheet import caller_ref
from pipeline.reconcile.mapping import ClientMapping

_LEAST_DIGITS: Final = 6


def pseudonyms(rows: pl.DataFrame, mapping: ClientMapping, key: bytes) -> pl.DataFrame:
    """Replace numbers by their hash, also within ids, as our adapters do."""
    origin = Origin(client=mapping.client, source="client file", customer_key=key)
    number = pl.col("number")
    for prefix in mapping.number_prefixes:
        number = number.str.strip_prefix(prefix)
    rows = rows.with_columns(number.alias("number"))
    listed = rows["number"].drop_nulls().unique().to_list()
    refs = pl.DataFrame(
        {"number": listed, "number_ref": [caller_ref(origin, text) for text in listed]},
        schema={"number": pl.String, "number_ref": pl.String},
    )
    digits, of_id = (pl.col(c).str.replace_all(r"\D", "") for c in ("number", "source_id"))
    holds = (digits.str.len_chars() >= _LEAST_DIGITS) & of_id.str.contains(digits, literal=True)
    rows = rows.join(refs, on="number", how="left", maintain_order="left")
    ids = rows.filter(holds)["source_id"].unique().to_list()
    hidden = dict(zip(ids, _hidden(ids, key), strict=True))
    if hidden:
        rows = rows.with_columns(pl.col("source_id").replace(hidden))
    return rows


def _hidden(ids: list[str], key: bytes) -> list[str]:
    return [hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:24] for text in ids]
