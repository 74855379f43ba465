"""Known-bad variants of the project: on one side only, so that the comparison must find them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

SPOILT: Final = {
    "int_leg_outcomes": ("wait_ms <= most_wait_ms", "wait_ms < most_wait_ms"),
    "fct_settlement_lines": ("as decimal(18, 2)", "as decimal(18, 3)"),
}
"""Model to what is changed in it: a call at the threshold is missed; money has another scale."""
FOUND_IN: Final = ("fct_leg_facts", "fct_settlement_lines")
"""The marts that then have to differ."""


def spoil(project: Path, target: Path) -> Path:
    """Copy the project, spoilt; return the copy.

    Raises:
        ValueError: a model no longer has the text that is to be changed.
    """
    shutil.copytree(project, target, dirs_exist_ok=True)
    for model, (good, bad) in SPOILT.items():
        (path,) = target.glob(f"models/*/{model}.sql")
        text = path.read_text()
        if good not in text:
            msg = f"{path.name}: expected {good!r} in it; change {__name__}"
            raise ValueError(msg)
        path.write_text(text.replace(good, bad))
    return target
