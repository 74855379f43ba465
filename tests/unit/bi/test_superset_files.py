"""The provisioned files hang together: a wrong reference would be an empty chart."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.bi.superset import Place, environment, make_environment, prepare
from pipeline.commands import bi
from pipeline.errors import InputError, TerminalError
from pipeline.lake import catalog
from pipeline.settings import PROJECT_ROOT, load_settings

ASSETS = PROJECT_ROOT / "config" / "bi" / "superset"


def read(folder: str) -> dict[str, dict[str, Any]]:
    return {
        path.stem: yaml.safe_load(path.read_text()) for path in sorted(ASSETS.rglob("*.yaml"))
        if path.relative_to(ASSETS).parts[0] == folder
    }  # fmt: skip


CHARTS, DATASETS, DASHBOARDS = read("charts"), read("datasets"), read("dashboards")


def metrics_of(params: dict[str, Any], suffix: str = "") -> list[str]:
    one = params.get("metric")
    return [one] if one else list(params.get(f"metrics{suffix}", []))


def wrong_in(chart: dict[str, Any], dataset: dict[str, Any]) -> list[str]:
    """Return what a chart names that its dataset lacks, and where its saved query differs."""
    known_metrics = {m["metric_name"] for m in dataset["metrics"]}
    known_columns = {c["column_name"] for c in dataset["columns"]}
    params, wrong = chart["params"], []
    for suffix, query in zip(
        ("", "_b"), json.loads(chart["query_context"])["queries"], strict=False
    ):
        metrics = metrics_of(params, suffix)
        columns = [*params.get(f"groupby{suffix}", []), *params.get("all_columns", [])]
        axis = params.get("x_axis")
        wrong += [m for m in metrics if m not in known_metrics]
        wrong += [c for c in [*columns, *([axis] if axis else [])] if c not in known_columns]
        asked = [c if isinstance(c, str) else c["label"] for c in query["columns"]]
        if (sorted(asked), query["metrics"]) != (
            sorted({*columns, *filter(None, [axis])}),
            metrics,
        ):
            wrong.append(f"query {query}")
    return wrong


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_a_chart_names_what_its_dataset_has_and_asks_what_it_shows(name: str) -> None:
    by_uuid = {d["uuid"]: d for d in DATASETS.values()}
    assert wrong_in(CHARTS[name], by_uuid[CHARTS[name]["dataset_uuid"]]) == []


def test_a_chart_with_a_wrong_metric_column_or_query_is_noticed() -> None:
    chart, dataset = CHARTS["Volume_by_day"], DATASETS["operations"]
    without = {**dataset, "metrics": dataset["metrics"][:1]}
    assert "calls_answered" in wrong_in(chart, without)
    assert "local_start" in wrong_in(chart, {**dataset, "columns": []})
    other = {**chart, "params": {**chart["params"], "metrics": ["calls_offered"]}}
    assert wrong_in(other, dataset)[0].startswith("query")


@pytest.mark.parametrize("name", sorted(DASHBOARDS))
def test_a_dashboard_shows_charts_and_filters_that_are_there(name: str) -> None:
    dashboard = DASHBOARDS[name]
    cells = [c for c in dashboard["position"].values() if isinstance(c, dict)]
    shown = {c["meta"]["uuid"]: c["meta"]["sliceName"] for c in cells if c["type"] == "CHART"}
    known = {c["uuid"]: c["slice_name"] for c in CHARTS.values()}
    assert shown.items() <= known.items()
    assert len(shown) >= 5
    datasets = {d["uuid"]: {c["column_name"] for c in d["columns"]} for d in DATASETS.values()}
    for found in dashboard["metadata"]["native_filter_configuration"]:
        (target,) = found["targets"]
        assert target["column"]["name"] in datasets[target["datasetUuid"]]
    rows = [c for c in cells if c["type"] == "ROW"]
    for row in rows:
        widths = [dashboard["position"][child]["meta"]["width"] for child in row["children"]]
        assert sum(widths) == 12, row["id"]


def test_the_connection_is_read_only() -> None:
    (database,) = read("databases").values()
    assert database["extra"]["engine_params"]["connect_args"]["read_only"] is True
    assert not any(database[key] for key in ("allow_dml", "allow_ctas", "allow_cvas"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "requirements.txt").write_text("nothing-of-that-name==1 --hash=sha256:00\n")
    return Place(
        environment=tmp_path / "venv",
        requirements=tmp_path / "requirements.txt",
        assets=ASSETS,
        home=tmp_path / "superset",
        published=tmp_path / "published",
    )


def test_packages_that_do_not_install_are_told_and_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    for _ in range(2):
        with pytest.raises(TerminalError, match=r"requirements.txt: expected its packages"):
            make_environment(place, lambda _: None)


def test_a_superset_that_does_not_start_is_told_with_the_end_of_its_log(place: Place) -> None:
    place.python.parent.mkdir(parents=True)
    place.python.write_text("#!/bin/sh\necho 'no such table: dashboards'\nexit 3\n")
    place.python.chmod(0o755)
    for _ in range(2):
        with pytest.raises(TerminalError, match="no such table: dashboards"):
            prepare(place, lambda _: None)


def test_a_process_of_superset_gets_none_of_our_secrets(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANE_KAFKA_PASSWORD", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert "secret" not in environment(place).values()


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_without_a_catalog_or_a_free_port_nothing_is_started(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings({"VANE_HOME": str(tmp_path)})
    monkeypatch.setattr(bi, "load_settings", lambda: settings)
    said = CliRunner().invoke(bi.app, ["superset", "--port", str(taken)])
    assert isinstance(said.exception, InputError)
    assert "publish a month first" in str(said.exception)
    settings.published.mkdir()
    catalog.write(settings.published, [_run()])
    said = CliRunner().invoke(bi.app, ["superset", "--port", str(taken)])
    assert isinstance(said.exception, InputError)
    assert f"--port {taken}: expected an address to serve on" in str(said.exception)


def _run() -> catalog.Run:
    return catalog.Run(
        run_id="r1", month="2025-11", client="", published_at_ms=0, config_hash="", landed={},
        warnings=[], datasets=[],
    )  # fmt: skip
