"""Every alert has a runbook, and every runbook an alert."""

from __future__ import annotations

from pathlib import Path

from pipeline.config_files import load_alert_rules
from pipeline.settings import PROJECT_ROOT

RUNBOOKS = "docs/runbooks"


def missing_and_orphaned(root: Path) -> tuple[set[str], set[str]]:
    """Return runbooks that rules name and nobody wrote, and those that no rule names."""
    named = {rule.runbook for rule in load_alert_rules(root / "config" / "alerts.yaml").rules}
    written = {str(path.relative_to(root)) for path in (root / RUNBOOKS).iterdir()}
    return named - written, written - named


def test_every_alert_rule_has_its_runbook_and_every_runbook_its_rule() -> None:
    assert missing_and_orphaned(PROJECT_ROOT) == (set(), set())


def test_a_runbook_is_titled_with_its_rules_name() -> None:
    for rule in load_alert_rules(PROJECT_ROOT / "config" / "alerts.yaml").rules:
        first_line = (PROJECT_ROOT / rule.runbook).read_text().splitlines()[0]
        assert first_line == f"# Runbook: {rule.name}"


def test_the_check_sees_a_missing_runbook_and_an_orphan(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / RUNBOOKS).mkdir(parents=True)
    (tmp_path / RUNBOOKS / "orphan.md").write_text("# nobody asked")
    rules = (PROJECT_ROOT / "config" / "alerts.yaml").read_text()
    (tmp_path / "config" / "alerts.yaml").write_text(rules)
    assert missing_and_orphaned(tmp_path) == (
        {"docs/runbooks/service-level-drop.md"},
        {"docs/runbooks/orphan.md"},
    )
