"""A rule of acceptance, and the suite of rules that a dataset has to pass.

A ``critical`` rule closes the gate, a ``warning`` is reported. A rule judges one number that DuckDB
has counted; ``keys`` is the query of the rows behind that number, so that whoever reads
"3 queues do not add up" can open the three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A metric must lie between ``least`` and ``most`` (inclusive, None: no limit).

    ``keys`` selects the violating rows, where there are rows to name.
    """

    metric: str
    severity: Severity
    why: str
    least: float | None = 0
    most: float | None = 0
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules at one boundary; ``name`` is also part of the names of files."""

    name: str
    rules: tuple[Rule, ...]
