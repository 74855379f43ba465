"""A client of Superset's REST API, with nothing but the standard library."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from typing import Any


class Superset:
    """A session of the admin."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._headers = {"Referer": url}
        said = {"username": "admin", "password": password, "provider": "db", "refresh": False}
        token = self.post("/api/v1/security/login", said)["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"
        self._headers["X-CSRFToken"] = self.get("/api/v1/security/csrf_token/")["result"]

    def get(self, path: str) -> Any:
        return self._ask(urllib.request.Request(self._url + path, headers=self._headers))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        headers = self._headers | {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        return self._ask(urllib.request.Request(self._url + path, data=data, headers=headers))

    def _ask(self, request: urllib.request.Request) -> Any:
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise Refused(error.code, said) from error

    def charts(self) -> dict[str, int]:
        """Return the id of each chart, by name."""
        found = self.get("/api/v1/chart/?q=(page_size:100)")["result"]
        return {chart["slice_name"]: chart["id"] for chart in found}

    def data(self, chart: int) -> list[list[dict[str, Any]]]:
        """Run a chart's queries; return the rows of each."""
        return [r["data"] for r in self.get(f"/api/v1/chart/{chart}/data/")["result"]]

    def sql(self, text: str) -> Any:
        """Run SQL as SQL Lab does."""
        found = self.get("/api/v1/database/")["result"]
        (database,) = [d["id"] for d in found if d["database_name"] == "Vane"]
        body = {"database_id": database, "sql": text, "runAsync": False, "schema": "main"}
        return self.post("/api/v1/sqllab/execute/", body)["data"]


class Refused(Exception):  # noqa: N818 - reads as what happened
    """Superset answered with an error."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{code}: {said}")
        self.code, self.said = code, said


def wait_until_up(url: str, seconds: float) -> None:
    """Return when the server answers; fail after so many seconds."""
    ends = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.5)
