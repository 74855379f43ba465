"""The figures as a picture: CPU per event, and how long a result takes; colour says if it is right.

Run in an environment of its own by ``draw``, since nothing else here needs the renderer.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from benchmarks.streaming import install
from benchmarks.streaming.table import speed
from pipeline.settings import PROJECT_ROOT

PICTURE: Final = PROJECT_ROOT / "docs" / "benchmarks.svg"
EXACT: Final = "equal to the oracle"
WRONG: Final = "not equal"
LIMIT: Final = "computes nothing"
_COLOURS: Final = {EXACT: "#2a7f62", WRONG: "#c8553d", LIMIT: "#9aa0a6"}
_RENDER: Final = (
    "import sys, vl_convert; sys.stdout.write(vl_convert.vegalite_to_svg(sys.stdin.read()))"
)


def specification(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a Vega-Lite specification of two panels that share the engines' order."""
    values = [_value(row) for row in rows if "throughput" in row]
    order = [v["engine"] for v in sorted(values, key=itemgetter("cpu_us"))]
    engine = {"field": "engine", "type": "nominal", "sort": order, "title": None}
    colour = {
        "field": "result", "type": "nominal", "title": "after one kill -9",
        "scale": {"domain": list(_COLOURS), "range": list(_COLOURS.values())},
    }  # fmt: skip
    cpu = {"field": "cpu_us", "type": "quantitative", "scale": {"type": "log"},
           "title": "µs CPU per event (log)"}  # fmt: skip
    low = {"field": "p50_ms", "type": "quantitative", "scale": {"type": "log"},
           "title": "event to result, p50 to p99, ms (log)"}  # fmt: skip
    dots = {"mark": {"type": "circle", "size": 60, "opacity": 1},
            "encoding": {"y": engine, "x": cpu, "color": colour}}  # fmt: skip
    text = {"field": "cpu_us", "format": ",.1f"}
    names = {"mark": {"type": "text", "align": "left", "dx": 8},
             "encoding": {"y": engine, "x": cpu, "text": text}}  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "data": {"values": values},
        "hconcat": [
            {"width": 330, "height": {"step": 22}, "layer": [dots, names]},
            {
                "width": 330, "height": {"step": 22},
                "transform": [{"filter": "isValid(datum.p50_ms)"}],
                "mark": {"type": "bar", "height": 8},
                "encoding": {"y": engine, "x": low, "x2": {"field": "p99_ms"}, "color": colour},
            },
        ],
    }  # fmt: skip


def draw(rows: Sequence[dict[str, Any]], picture: Path = PICTURE) -> None:
    """Write the picture.

    Raises:
        NotInstalledError: the renderer could not be installed.
    """
    done = subprocess.run(
        [str(install.python("plot")), "-c", _RENDER], input=json.dumps(specification(rows)),
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    picture.write_text(done.stdout, encoding="utf-8")


def _value(row: dict[str, Any]) -> dict[str, Any]:
    lived = row.get("life")
    if lived is None:
        result, p50, p99 = LIMIT, None, None
    else:
        found = lived["differences"]
        wrong = found["too_high"] + found["too_low"] + found["missing"]
        result = WRONG if wrong or not lived["finished"] else EXACT
        p50, p99 = (lived["p50_ms"], lived["p99_ms"]) if lived["kept_up"] else (None, None)
    return {"engine": row["title"], "cpu_us": round(speed(row).cpu_us, 2), "result": result,
            "p50_ms": p50, "p99_ms": p99}  # fmt: skip
