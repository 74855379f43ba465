"""The gates of one month run: judges, keeps the violating rows, writes the page to sign.

All of it lies in ``published/reports/<run>/``, also of a run that was stopped: a reader of the
error can open the rows behind each number.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.errors import GateClosed
from pipeline.lake import catalog
from pipeline.lake.manifest import sync_folder
from pipeline.lake.warehouse import literal
from pipeline.quality.judge import judge
from pipeline.quality.report import Evidence, Header, Sheet, render
from pipeline.quality.rules import Suite

REPORTS: Final = "reports"
PAGE: Final = "acceptance.html"


@dataclass(slots=True)
class Acceptance:
    """What the gates of a run have found so far."""

    folder: Path
    run_id: str
    month: str
    client: str
    config_hash: str
    tell: Callable[[str], None]
    sheets: list[Sheet] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What else was let pass, outside the gates."""

    @property
    def warnings(self) -> list[str]:
        """Return the violations that were let pass, a line each."""
        return self.remarks + [
            f"{sheet.verdict.suite.name}: {violation}"
            for sheet in self.sheets
            for violation in sheet.verdict.violations
        ]

    def admit(
        self,
        con: duckdb.DuckDBPyConnection,
        suite: Suite,
        metrics: Mapping[str, Any],
        *,
        notes: Sequence[str] = (),
    ) -> None:
        """Judge a dataset, keep the rows behind each violation, and let the run go on or stop.

        Args:
            con: where the queries of violating rows run.
            suite: the rules.
            metrics: what was counted.
            notes: said beside a closed gate.

        Raises:
            GateClosed: a critical rule does not hold, or a rule could not be evaluated.
        """
        verdict = judge(suite, metrics)
        evidence = {
            violation.rule.metric: self._keep(con, suite, violation.rule.metric, rows)
            for violation in verdict.violations
            if (rows := violation.rule.keys) and not violation.note
        }
        self.sheets.append(Sheet(verdict, evidence))
        lines = [str(violation) for violation in verdict.violations]
        if verdict.critical:
            page = self._write(notes=notes)
            listed = "\n".join(f"  {line}" for line in (*map(str, verdict.critical), *notes))
            msg = f"the gate on {suite.name} is closed, nothing was published:\n{listed}\n"
            raise GateClosed(msg + f"report and violating rows: {page}")
        self.tell(f"gate on {suite.name}: {len(suite.rules)} rules, {len(lines)} warnings")
        for line in lines:
            self.tell(f"  {line}")

    def sign_off(
        self, landed: Mapping[str, Mapping[str, int]], datasets: Sequence[catalog.Dataset]
    ) -> Path:
        """Write the page of a run whose files are about to be published; return where it is."""
        return self._write(landed=landed, datasets=datasets, notes=self.remarks)

    def _keep(
        self, con: duckdb.DuckDBPyConnection, suite: Suite, metric: str, rows: str
    ) -> Evidence:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{suite.name}.{metric}.parquet"
        con.execute(
            f"copy ({rows}) to {literal(str(path))} (format parquet, compression zstd)"
        ).fetchall()
        counted = con.execute(f"select count(*) from read_parquet({literal(str(path))})")
        return Evidence(path.name, counted.fetchall()[0][0])

    def _write(self, **parts: Any) -> Path:  # noqa: ANN401 - what render takes
        header = Header(
            run_id=self.run_id,
            month=self.month,
            client=self.client,
            config_hash=self.config_hash,
            at_ms=int(time.time() * 1000),
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        page = self.folder / PAGE
        with page.open("w", encoding="utf-8") as out:
            out.write(render(header, self.sheets, **parts))
            out.flush()
            os.fsync(out.fileno())
        sync_folder(self.folder)
        return page
