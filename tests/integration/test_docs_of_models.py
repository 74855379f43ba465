"""The page on the models: whole in one file, with lineage, and nothing in it from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.batch import docs
from pipeline.batch.docs import write_docs
from pipeline.errors import TerminalError
from pipeline.settings import PROJECT_ROOT, Settings, load_settings

PLACES = re.compile(r"""(?:src|href)\s*[=:]\s*\\?["'](?P<place>(?:https?:)?//[^"']+)""")
LINKS = {"http://[::1]"}
"""What names a place and fetches nothing: a check of what the browser can do."""


def fetched(page: str) -> set[str]:
    """Return the places that a page would load something from."""
    return {found.group("place") for found in PLACES.finditer(page)} - LINKS


def inlined(page: str) -> tuple[Any, Any]:
    """Return the manifest and the catalog that a page carries."""
    decoder = json.JSONDecoder()
    manifest, end = decoder.raw_decode(page, page.index('{"metadata"'))
    catalog, _ = decoder.raw_decode(page, page.index('{"metadata"', end))
    return manifest, catalog


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings({"VANE_HOME": str(tmp_path_factory.mktemp("home"))})


@pytest.fixture(scope="module")
def page(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("docs") / "new"
    written = write_docs(settings, folder, lambda _line: None)
    assert sorted(path.name for path in folder.iterdir()) == ["models.html"]
    return written.read_text(encoding="utf-8")


def test_it_loads_nothing_from_elsewhere_and_cannot_call_home(page: str) -> None:
    assert fetched(page) == set()
    manifest, _ = inlined(page)
    assert manifest["metadata"]["send_anonymous_usage_stats"] is False


def test_a_page_that_loads_a_script_is_found() -> None:
    for bad in ('<script src="https://cdn.example/x.js">', "n.src='//cdn.example/x.js'"):
        assert fetched(bad) == {bad.split("'" if "'" in bad else '"')[1]}
    assert fetched('<a href="#top">') == set()


def test_it_holds_every_model_with_its_columns_types_and_parents(page: str) -> None:
    manifest, catalog = inlined(page)
    models = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}
    files = {path.stem for path in (PROJECT_ROOT / "dbt_like_sql/models").glob("**/*.sql")}
    assert set(models) == files
    for name, model in models.items():
        assert model["description"], name
        typed = catalog["nodes"][model["unique_id"]]["columns"]
        assert {column.lower() for column in typed} == set(model["columns"]), name
    parents = manifest["parent_map"]["model.vane.int_leg_outcomes"]
    assert "model.vane.int_leg_facts" in parents
    assert "source.vane.params.service_targets" in parents


def test_it_names_no_folder_of_the_machine(page: str, settings: Settings) -> None:
    assert str(PROJECT_ROOT) not in page
    assert str(settings.config_dir) not in page


def test_a_tracker_that_cannot_be_taken_out_is_an_error(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs, "TRACKER", re.compile("//elsewhere/sp.js"))
    with pytest.raises(TerminalError, match=r"models.html: expected one .*, found 0"):
        write_docs(settings, tmp_path, lambda _line: None)
    assert list(tmp_path.iterdir()) == []
