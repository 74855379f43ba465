"""Fails when a test report (JUnit XML) has a skipped test that had no good reason to be.

    python .ci/skips.py REPORT

The one good reason: a test needs the real data beside the repository, and the folder is absent.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"
REASON = "shared/realdata"


def unexpected(report: Path, *, has_real_data: bool) -> list[str]:
    """Return the skipped tests that should have run, each with the reason it gave."""
    found = []
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own report
        for skipped in case.iter("skipped"):
            reason = skipped.get("message", "")
            if has_real_data or REASON not in reason:
                found.append(f"{case.get('classname')}::{case.get('name')}: {reason}")
    return found


def main(report: Path) -> int:
    """Print what was skipped without a good reason; return the exit code."""
    found = unexpected(report, has_real_data=REAL_DATA.is_dir())
    for line in found:
        sys.stderr.write(f"unexpected skip: {line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
