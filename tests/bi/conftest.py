"""A published month and Superset's environment, made once; ``make test-bi`` runs these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.bi.superset import Place, make_environment
from pipeline.commands.bi import superset_place
from pipeline.settings import Settings
from tests.published_month import publish_month


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish_month(tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="session")
def place(month: Settings) -> Place:
    found = superset_place(month)
    make_environment(found, print)
    return found


@pytest.fixture(scope="session")
def older_python(place: Place) -> Path:
    """An interpreter with DuckDB 1.5 and pandas of its time: the one Superset runs by."""
    return place.python
