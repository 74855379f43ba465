"""Lets a dataset pass or not: Great Expectations judges one row of metrics.

Great Expectations takes seconds to import, so it is imported when a gate is used. Its own
``success`` is False for a warning too; the gate looks at each result: a failed critical rule
closes it, a failed warning is reported, and a rule that could not be evaluated is critical
whatever its severity.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import GateClosed
from pipeline.quality.suites import Rule, Severity


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
    """What a gate found of a dataset."""

    dataset: str
    rules: int
    violations: tuple[Violation, ...]

    @property
    def critical(self) -> tuple[Violation, ...]:
        """Return what closes the gate."""
        return tuple(v for v in self.violations if v.severity == "critical")


def judge(dataset: str, metrics: Mapping[str, Any], rules: Sequence[Rule]) -> Verdict:
    """Judge metrics by rules; a rule whose metric is absent or NULL cannot be evaluated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations among its own dependencies
        import great_expectations as gx
    import pandas as pd  # type: ignore[import-untyped]

    for name in [n for n in logging.root.manager.loggerDict if n.startswith("great_expectations")]:
        logging.getLogger(name).setLevel(logging.WARNING)  # it sets its loggers itself
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(dataset).add_dataframe_asset("metrics")
    batch = asset.add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(name=dataset)
    by_column = {rule.metric: rule for rule in rules}
    for rule in rules:
        suite.add_expectation(
            gx.expectations.ExpectColumnValuesToBeBetween(
                column=rule.metric,
                min_value=rule.least,
                max_value=rule.most,
                severity=rule.severity,
            )
        )
    frame = pd.DataFrame([{key: value for key, value in metrics.items() if value is not None}])
    results = batch.get_batch({"dataframe": frame}).validate(suite).results
    violations = []
    for result in results:
        rule = by_column[result.expectation_config.kwargs["column"]]
        found = metrics.get(rule.metric)
        errors = _exceptions(result.exception_info)
        if errors:
            violations.append(Violation(rule, "critical", found, f"not evaluated: {errors}"))
        elif not result.success:
            violations.append(Violation(rule, rule.severity, found))
    if len(results) != len(rules):
        msg = f"{dataset}: {len(rules)} rules, {len(results)} results"
        raise AssertionError(msg)
    return Verdict(dataset, len(rules), tuple(violations))


def _exceptions(info: Mapping[str, Any] | None) -> str:
    if not info:
        return ""
    parts = [info] if "raised_exception" in info else list(info.values())
    raised = [p for p in parts if p.get("raised_exception")]
    return "; ".join(str(p.get("exception_message", "")).splitlines()[0][:200] for p in raised)


def check(dataset: str, metrics: Mapping[str, Any], rules: Sequence[Rule]) -> Verdict:
    """Judge and let pass, or raise.

    Raises:
        GateClosed: a critical rule does not hold, or a rule could not be evaluated.
    """
    verdict = judge(dataset, metrics, rules)
    if verdict.critical:
        listed = "\n".join(f"  {violation}" for violation in verdict.critical)
        msg = f"the gate on {dataset} is closed, nothing was published:\n{listed}"
        raise GateClosed(msg)
    return verdict
