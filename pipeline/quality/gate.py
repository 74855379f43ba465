"""Lets a dataset pass or not: Great Expectations judges one row of metrics.

Great Expectations takes seconds to import, so it is imported when a gate is used; a month run lets
a process of its own do that (``judge``). Its own ``success`` is False for a warning too; the gate
looks at each result: a failed critical rule closes it, a failed warning is reported, and a rule
that could not be evaluated is critical whatever its severity.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.quality.rules import Rule, Severity, Suite


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold, and the value found."""

    rule: Rule
    severity: Severity
    found: object
    note: str = ""

    def __str__(self) -> str:
        """Say what was found, what was expected, and why it matters."""
        rule = self.rule
        limits = f"at least {rule.least}, at most {rule.most}"
        note = f" ({self.note})" if self.note else ""
        return f"{self.severity}: {rule.metric} = {self.found}, expected {limits}: {rule.why}{note}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate found: every metric that it was told, and the rules that do not hold."""

    suite: Suite
    metrics: Mapping[str, Any]
    violations: tuple[Violation, ...]

    @property
    def critical(self) -> tuple[Violation, ...]:
        """Return what closes the gate."""
        return tuple(v for v in self.violations if v.severity == "critical")


def load() -> Any:  # noqa: ANN401 - the module
    """Import Great Expectations and return it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations among its own dependencies
        import great_expectations
    return great_expectations


def judge(suite: Suite, metrics: Mapping[str, Any]) -> Verdict:
    """Judge metrics by a suite; a rule whose metric is absent or NULL cannot be evaluated."""
    gx = load()
    import pandas as pd  # type: ignore[import-untyped]

    for name in [n for n in logging.root.manager.loggerDict if n.startswith("great_expectations")]:
        logging.getLogger(name).setLevel(logging.WARNING)  # it sets its loggers itself
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(suite.name).add_dataframe_asset("metrics")
    batch = asset.add_batch_definition_whole_dataframe("all")
    expected = gx.ExpectationSuite(name=suite.name)
    by_column = {rule.metric: rule for rule in suite.rules}
    for rule in suite.rules:
        expected.add_expectation(
            gx.expectations.ExpectColumnValuesToBeBetween(
                column=rule.metric,
                min_value=rule.least,
                max_value=rule.most,
                severity=rule.severity,
            )
        )
    frame = pd.DataFrame([{key: value for key, value in metrics.items() if value is not None}])
    results = batch.get_batch({"dataframe": frame}).validate(expected).results
    violations = []
    for result in results:
        rule = by_column[result.expectation_config.kwargs["column"]]
        found = metrics.get(rule.metric)
        errors = _exceptions(result.exception_info)
        if errors:
            violations.append(Violation(rule, "critical", found, f"not evaluated: {errors}"))
        elif not result.success:
            violations.append(Violation(rule, rule.severity, found))
    if len(results) != len(suite.rules):
        msg = f"{suite.name}: {len(suite.rules)} rules, {len(results)} results"
        raise AssertionError(msg)
    return Verdict(suite, metrics, tuple(violations))


def _exceptions(info: Mapping[str, Any] | None) -> str:
    if not info:
        return ""
    parts = [info] if "raised_exception" in info else list(info.values())
    raised = [p for p in parts if p.get("raised_exception")]
    return "; ".join(str(p.get("exception_message", "")).splitlines()[0][:200] for p in raised)
