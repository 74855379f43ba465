"""Runs ``vane`` as a user does: another process, told where to work by its environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipeline.settings import PROJECT_ROOT


def vane(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever that is; ``VANE_*`` variables are given in full."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("VANE_")}
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=PROJECT_ROOT,
        env=inherited | {"VANE_HOME": str(home), "COLUMNS": "200", **environment},
    )
