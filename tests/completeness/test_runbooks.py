"""Every alert has a runbook, and every runbook an alert."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pipeline.config_files import load_alert_rules, load_yaml
from pipeline.settings import PROJECT_ROOT

RUNBOOKS = "docs/runbooks"


ABOUT_VANE = "config/prometheus/vane.rules.yml"


def rules_about_vane(root: Path) -> list[dict[str, Any]]:
    """Return the rules that Prometheus evaluates."""
    return [rule for group in load_yaml(root / ABOUT_VANE)["groups"] for rule in group["rules"]]


def missing_and_orphaned(root: Path) -> tuple[set[str], set[str]]:
    """Return runbooks that rules name and nobody wrote, and those that no rule names."""
    named = {rule.runbook for rule in load_alert_rules(root / "config" / "alerts.yaml").rules}
    named |= {rule["annotations"]["runbook"] for rule in rules_about_vane(root)}
    written = {str(path.relative_to(root)) for path in (root / RUNBOOKS).iterdir()}
    return named - written, written - named


def test_every_alert_rule_has_its_runbook_and_every_runbook_its_rule() -> None:
    assert missing_and_orphaned(PROJECT_ROOT) == (set(), set())


def test_a_runbook_is_titled_with_its_rules_name() -> None:
    for rule in load_alert_rules(PROJECT_ROOT / "config" / "alerts.yaml").rules:
        first_line = (PROJECT_ROOT / rule.runbook).read_text().splitlines()[0]
        assert first_line == f"# Runbook: {rule.name}"


def test_a_runbook_of_prometheus_rules_names_each_of_them() -> None:
    for rule in rules_about_vane(PROJECT_ROOT):
        runbook = (PROJECT_ROOT / rule["annotations"]["runbook"]).read_text()
        assert f"`{rule['alert']}`" in runbook


def test_prometheus_rules_speak_of_metrics_that_there_are() -> None:
    documented = set(re.findall(r"`(vane_\w+)`", (PROJECT_ROOT / "docs/metrics.md").read_text()))
    rules = rules_about_vane(PROJECT_ROOT)
    named = {name for rule in rules for name in re.findall(r"\bvane_\w+", rule["expr"])}
    assert named
    assert named - documented == set()


def test_the_check_sees_a_missing_runbook_and_an_orphan(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / RUNBOOKS).mkdir(parents=True)
    (tmp_path / RUNBOOKS / "orphan.md").write_text("# nobody asked")
    rules = (PROJECT_ROOT / "config" / "alerts.yaml").read_text()
    (tmp_path / "config" / "alerts.yaml").write_text(rules)
    (tmp_path / ABOUT_VANE).parent.mkdir()
    (tmp_path / ABOUT_VANE).write_text((PROJECT_ROOT / ABOUT_VANE).read_text())
    named = (
        *("service-level-drop", "service-level-burn", "abandon-rate", "feed-silence"),
        *("vane-blind", "alerts-not-delivered"),
    )
    assert missing_and_orphaned(tmp_path) == (
        {f"docs/runbooks/{name}.md" for name in named},
        {"docs/runbooks/orphan.md"},
    )
