"""The figures as two tables of Markdown, and their place in the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.settings import PROJECT_ROOT

DOCUMENT: Final = PROJECT_ROOT / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- figures of `make bench-peers`: begin -->"
END: Final = "<!-- figures of `make bench-peers`: end -->"

SPEED: Final = (
    "engine", "version", "events/s", "µs CPU/event", "peak MB", "start-up", "windows that differ",
)  # fmt: skip
LIFE: Final = (
    "engine", "set to", "a result comes", "p50", "p99", "results again", "windows that differ",
    "too high / too low / missing", "calls twice / lost",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Speed:
    """What a row's raw figures amount to, start-up apart."""

    events_per_s: float
    cpu_us: float
    start_s: float
    start_cpu_s: float


def speed(row: dict[str, Any]) -> Speed:
    """Take the start-up away: to the first result of this log, or of a few events if earlier.

    An engine that reads far ahead of its first result is so charged for what it read.
    """
    read = row["throughput"]
    if "first_s" not in read:
        return Speed(
            read["events"] / read["seconds"], read["cpu_s"] / read["events"] * 1e6, 0.0, 0.0
        )
    start = read["first_s"], read["first_cpu_s"], read["first_events"]
    if "life" in row and row["life"]["start_s"] < start[0]:
        start = row["life"]["start_s"], row["life"]["start_cpu_s"], 0
    events = read["events"] - start[2]
    return Speed(
        events / (read["seconds"] - start[0]), (read["cpu_s"] - start[1]) / events * 1e6, *start[:2]
    )


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return both tables; an engine that was not run is named with the reason."""
    lines = [_machine(rows), "", *_head(SPEED)]
    lines += [_line(_speed_cells(row)) for row in rows if "throughput" in row]
    lines += ["", *_head(LIFE)]
    lines += [_line(_life_cells(row)) for row in rows if "life" in row]
    lines += [_not_run(row) for row in rows if "not_run" in row]
    return "\n".join(lines) + "\n"


def write(rows: Sequence[dict[str, Any]], document: Path = DOCUMENT) -> None:
    """Put the tables between their marks in the document.

    Raises:
        ValueError: the document has no such marks.
    """
    text = document.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        msg = f"{document}: expected the lines {BEGIN!r} and {END!r}"
        raise ValueError(msg)
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    document.write_text(f"{before}{BEGIN}\n{markdown(rows)}{END}{after}", encoding="utf-8")


def _not_run(row: dict[str, Any]) -> str:
    what = "Not run to the end" if "throughput" in row else "Not run"
    return f"\n{what}: {row['title']}: {row['not_run']}"


def _machine(rows: Sequence[dict[str, Any]]) -> str:
    machines = sorted({row["machine"] for row in rows})
    events = sorted({f"{row['events']:,}" for row in rows})
    busiest = max(row["busy"] for row in rows)
    return (
        f"{'; '.join(machines)}. Log of {', '.join(events)} events. "
        f"Others used at most {busiest:.1f} cores when a run began."
    )


def _speed_cells(row: dict[str, Any]) -> list[str]:
    figures = speed(row)
    read = row["throughput"]
    apart = f"{figures.start_s:.1f} s, {figures.start_cpu_s:.1f} s CPU" if figures.start_s else ""
    return [
        row["title"],
        row["version"],
        f"{figures.events_per_s:,.0f}",
        f"{figures.cpu_us:,.1f}",
        f"{read['peak_mb']:,.0f}" if "peak_mb" in read else "",
        apart,
        _whole(read),
    ]


def _whole(read: dict[str, Any]) -> str:
    if "differences" not in read:
        return ""
    found = read["differences"]
    return "not read to its end" if found is None else _wrong(found)


def _wrong(found: dict[str, int]) -> str:
    return f"{found['too_high'] + found['too_low'] + found['missing']:,} of {found['windows']:,}"


def _life_cells(row: dict[str, Any]) -> list[str]:
    lived = row["life"]
    found = lived["differences"]
    again = "never" if lived["recovered_s"] is None else f"{lived['recovered_s']:.1f} s"
    return [
        row["title"],
        row["guarantee"],
        row["emits"],
        *(_latency(lived, name) for name in ("p50_ms", "p99_ms")),
        again,
        _wrong(found) + ("" if lived["finished"] else ", not finished"),
        f"{found['too_high']:,} / {found['too_low']:,} / {found['missing']:,}",
        f"{found['calls_over']:,} / {found['calls_lost']:,}",
    ]


def _latency(lived: dict[str, Any], name: str) -> str:
    if not lived["kept_up"]:
        return "falls behind"
    return "" if lived[name] is None else f"{lived[name]:,.0f} ms"


def _head(names: Sequence[str]) -> list[str]:
    return [_line(names), "|" + "---|" * len(names)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
