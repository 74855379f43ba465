"""How Hypothesis runs: no clock (machines differ), and in CI the same examples every time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from pipeline import kernel

# The same tests hold for the compiled domain; the plain one is what coverage and mutants look at.
kernel.use(os.environ.get("VANE_TEST_KERNEL", "python"))

IN_CI = bool(os.environ.get("CI"))

settings.register_profile(
    "vane", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=IN_CI
)
settings.load_profile("vane")
