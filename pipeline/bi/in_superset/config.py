"""Superset's configuration, read by Superset's own interpreter (``SUPERSET_CONFIG_PATH``).

Every value that is not Superset's default is here. No page loads anything from another host, and
a connection to the catalog can read the published folder and no other file.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine

_HOME = Path(os.environ["VANE_SUPERSET_HOME"])
_PUBLISHED: str = json.loads((_HOME / "provision.json").read_text(encoding="utf-8"))["published"]

SECRET_KEY = (_HOME / "secret").read_text(encoding="utf-8")
_DATABASE = URL.create("sqlite", database=str(_HOME / "superset.db"))
SQLALCHEMY_DATABASE_URI = _DATABASE.render_as_string(hide_password=False)
DATA_DIR = str(_HOME)
APP_NAME = "Vane"
LOG_LEVEL = logging.WARNING
# What is published next is seen at once.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# One process serves; its memory is enough to count failed logins in.
RATELIMIT_STORAGE_URI = "memory://"
WTF_CSRF_ENABLED = True
SQLLAB_TIMEOUT = 60
SUPERSET_WEBSERVER_TIMEOUT = 120
# Nothing from other hosts: no telemetry pixel, no map tiles, no fonts.
_CSP = {
    "base-uri": ["'self'"],
    "default-src": ["'self'"],
    "img-src": ["'self'", "blob:", "data:"],
    "worker-src": ["'self'", "blob:"],
    "connect-src": ["'self'"],
    "font-src": ["'self'", "data:"],
    "object-src": "'none'",
    "style-src": ["'self'", "'unsafe-inline'"],
    "script-src": ["'self'", "'strict-dynamic'"],
}
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": _CSP,
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
FEATURE_FLAGS = {"ALERT_REPORTS": False, "THUMBNAILS": False}


_PARSER = duckdb.connect(":memory:")


def SQL_QUERY_MUTATOR(sql: str, **_asked: Any) -> str:  # noqa: N802, ANN401 - Superset's name
    """Refuse what is no query; Superset itself lets ``copy ... to`` a file through."""
    for statement in _PARSER.cursor().extract_statements(sql):
        # Nor EXPLAIN: with ANALYZE it runs what it explains.
        if statement.type != duckdb.StatementType.SELECT:
            msg = f"expected a query that reads, got {statement.type.name}"
            raise ValueError(msg)
    return sql


def _only_what_is_published(connection: Any, _record: Any) -> None:  # noqa: ANN401 - any driver's
    """Shut a DuckDB connection off from every file outside the published folder."""
    if "duckdb" not in type(connection).__module__:
        return
    folder = _PUBLISHED.replace("'", "''")
    # Refused where another connection to the same file has done it already: then it holds.
    with suppress(Exception):
        connection.execute(f"set allowed_directories = ['{folder}']")
    connection.execute("set enable_external_access = false")
    connection.execute("set TimeZone = 'UTC'")


event.listen(Engine, "connect", _only_what_is_published)
