"""A contact's risk as a record of ``kpi.risk``: an upsert, the newest record of a key holds."""

from __future__ import annotations

from typing import Final

import msgspec

from pipeline.domain.risk import Feature
from pipeline.domain.risk_fold import LiveRisk

_json: Final = msgspec.json.Encoder()


def encode_risk(risk: LiveRisk) -> tuple[bytes, bytes]:
    """Return key and value of a record: ``client/contact_id``, and all that is known."""
    value: dict[str, object] = {
        "v": 1,
        "client": risk.client,
        "site": risk.site,
        "queue": risk.queue,
        "contact_id": risk.contact_id,
        "customer_ref": risk.customer_ref,
        "started_at_ms": risk.started_at_ms,
        "business_on": risk.business_on.isoformat(),
        **{str(feature): risk.signals[feature] for feature in Feature},
        "risk_milli": risk.risk_milli,
        "is_listed": risk.is_listed,
        "reasons": risk.reasons,
    }
    return f"{risk.client}/{risk.contact_id}".encode(), _json.encode(value)
