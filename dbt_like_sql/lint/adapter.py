"""dbt's ``adapter`` as sqlfluff needs it to render the models without dbt, for DuckDB."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str) -> Callable[..., str]:
    """Return DuckDB's macro of a name."""
    macro: Callable[..., str] = context[f"duckdb__{name}"]
    return macro
