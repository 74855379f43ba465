"""The models as dbt compiles them, once for all parity tests: it takes longer than running them."""

from __future__ import annotations

import pytest

from pipeline.batch.models import compiled
from pipeline.settings import PROJECT_ROOT


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The SQL of every model; its month is but a label."""
    work = tmp_path_factory.mktemp("dbt")
    variables = {"month": "2025-11", "admitted_only": False}
    project = PROJECT_ROOT / "dbt_like_sql"
    return compiled(project, work / "parity.duckdb", work=work, variables=variables)
