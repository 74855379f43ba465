"""Writes what pyworkforce says of some queues, run by an interpreter that has pyworkforce.

    python3.12 -m venv /tmp/pyworkforce && /tmp/pyworkforce/bin/pip install pyworkforce==0.5.4
    /tmp/pyworkforce/bin/python tests/unit/staffing/pyworkforce_figures.py \
        > tests/unit/staffing/pyworkforce-0.5.4.json

It needs Python 3.12 and packages that do not belong into Vane's environment, so its figures are
kept and Vane's own compared with them.
"""

from __future__ import annotations

import importlib
import json
import sys
from itertools import product
from typing import Any, Final

INTERVAL_S: Final = 3600
PATIENCES_S: Final = (15, 120, 900)
QUEUES: Final = ((12, 300), (100, 180), (1000, 240), (1428.6, 240), (9000, 400))
"""(calls an hour, handle time in seconds)."""
OVER_LOAD: Final = (0.7, 0.95, 1.1, 1.4)
THRESHOLD_S: Final = 20


def rows(queuing: Any) -> list[dict[str, Any]]:
    """Return one row per queue, patience and staffing; Erlang C where no queue is overloaded."""
    found = []
    for (calls, handle_s), share in product(QUEUES, OVER_LOAD):
        agents = max(1, round(share * calls * handle_s / INTERVAL_S))
        given = {
            "transactions": calls,
            "aht": handle_s,
            "asa": THRESHOLD_S,
            "interval": INTERVAL_S,
            "shrinkage": 0,
        }
        models: list[tuple[int | None, Any]] = [
            (patience, queuing.ErlangA(**given, patience=patience)) for patience in PATIENCES_S
        ]
        if agents > calls * handle_s / INTERVAL_S:
            models.append((None, queuing.ErlangC(**given)))
        found += [row(model, calls, handle_s, patience, agents) for patience, model in models]
    return found


def row(
    model: Any,
    calls: float,
    handle_s: int,
    patience: int | None,
    agents: int,
) -> dict[str, Any]:
    """Return inputs and figures of one queue."""
    gone = 0.0 if patience is None else model.abandonment_probability(positions=agents)
    return {
        "calls_an_hour": calls,
        "handle_s": handle_s,
        "patience_s": patience,
        "agents": agents,
        "waiting": model.waiting_probability(positions=agents),
        "within": model.service_level(positions=agents),
        "occupancy": model.achieved_occupancy(positions=agents),
        "abandoned": gone,
    }


def main() -> None:
    """Write JSON to standard output."""
    found = rows(importlib.import_module("pyworkforce.queuing"))
    sys.stdout.write("[\n" + ",\n".join(json.dumps(one) for one in found) + "\n]\n")


if __name__ == "__main__":
    main()
