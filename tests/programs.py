"""Programs out of Debian packages (``make programs``) that tests run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[1] / ".cache" / "debian" / "root" / "usr" / "bin"
TEMPLATES = Path("/usr/share/prometheus/alertmanager")
"""Debian's Alertmanager does not start without them."""


def program(name: str) -> Path:
    """Return where a program is, unpacked or installed; skip the test where it is neither."""
    found = shutil.which(name, path=str(UNPACKED)) or shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: run `make programs`, which takes it from a Debian package")
    return Path(found)


def alertmanager_program() -> Path:
    """Return where Alertmanager is; skip the test where it, or what it needs to start, is not."""
    found = program("prometheus-alertmanager")
    if not all((TEMPLATES / name).exists() for name in ("default.tmpl", "email.tmpl")):
        pytest.skip(f"no templates in {TEMPLATES}: run `make programs` as root, once")
    return found
