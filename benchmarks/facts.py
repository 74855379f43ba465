"""How fast files of facts are read: lines to encoded records, one core, no broker.

python -m benchmarks.facts
"""

from __future__ import annotations

import json
import time
from zoneinfo import ZoneInfo

from pipeline.codec.adapter import Origin
from pipeline.codec.encode import encode
from pipeline.codec.facts import FactAdapter
from pipeline.domain.events import Rejected
from pipeline.domain.fact import FactKind

ROWS = 50_000
ORIGIN = Origin(client="acme", source="wfm", customer_key=b"k", zone=ZoneInfo("Europe/Berlin"))


def day(number: int) -> str:
    """Return the day of a quarter hour in November 2025."""
    return f"2025-11-{1 + number // 96 % 30:02}"


def lines(*, is_json: bool) -> list[bytes]:
    """Return the lines of a file of forecasts."""
    names = ("queue", "interval_start", "interval_min", "calls", "aht_s")
    rows = [
        (f"q{n % 20}", f"{day(n)}T{n // 4 % 24:02}:{15 * (n % 4):02}", "15", f"{n % 300}.5", "240")
        for n in range(ROWS)
    ]
    if is_json:
        return [json.dumps(dict(zip(names, row, strict=True))).encode() for row in rows]
    return [",".join(row).encode() for row in (names, *rows)]


def main() -> None:
    """Print rows per second of CSV and of JSON."""
    for name, is_json in (("CSV", False), ("JSON", True)):
        given = lines(is_json=is_json)
        adapter = FactAdapter(FactKind.FORECAST, ORIGIN, as_of_ms=1)
        started = time.process_time()
        taken = 0
        for line in given:
            for fact in adapter.feed(line):
                taken += not isinstance(fact, Rejected) and len(encode(fact)) > 0
        spent_s = time.process_time() - started
        if taken != ROWS:
            raise AssertionError(taken)
        print(f"{name}: {taken / spent_s:,.0f} rows/s of processor time")


if __name__ == "__main__":
    main()
