"""Publishing to a bucket of a real S3 server: what readers of the bucket see, always."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from fsspec.implementations.arrow import ArrowFSWrapper
from moto.server import ThreadedMotoServer
from pyarrow.fs import S3FileSystem
from typer.testing import CliRunner

from pipeline.batch import push as pushing
from pipeline.commands import month, month_push, month_runs
from pipeline.errors import ConfigError, InputError, TransientError
from pipeline.lake import catalog
from pipeline.lake.billing import Billed, record_billed
from pipeline.lake.bucket import Bucket
from pipeline.lake.manifest import sha256
from pipeline.settings import Settings, load_settings

BUCKET = "contact-centre"
URL = f"s3://{BUCKET}/vane/live"
RUN = CliRunner()


class Filesystem(ArrowFSWrapper):  # type: ignore[misc] # the package has no types
    """What stands for DuckDB's httpfs, which is an extension to be downloaded."""

    protocol = "s3"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    found = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    found.start()
    host, port = found.get_host_and_port()
    yield f"http://{host}:{port}"
    found.stop()


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    environment = {
        "AWS_ENDPOINT_URL_S3": server,
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = boto3.client("s3")
    found.create_bucket(Bucket=BUCKET)
    yield found
    objects = found.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    for one in objects:
        found.delete_object(Bucket=BUCKET, Key=one["Key"])


def publish(published: Path, run_id: str, n: int) -> None:
    """Publish a run of one row, as a month run does."""
    path = published / "fct" / "month=2025-11" / f"run={run_id}" / "part-0.parquet"
    path.parent.mkdir(parents=True)
    duckdb.execute(f"copy (select 'a' as client, {n} as n) to '{path}'")
    relative = str(path.relative_to(published))
    run = catalog.Run(
        run_id=run_id,
        month="2025-11",
        client="",
        published_at_ms=len(catalog.read_runs(published)),
        config_hash="",
        landed={},
        warnings=[],
        datasets=[catalog.Dataset(name="fct", path=relative, rows=1, sha256=sha256(path))],
    )
    page = published / "reports" / run_id / "acceptance.html"
    page.parent.mkdir(parents=True)
    page.write_text("to sign")
    catalog.write(published, [*catalog.read_runs(published), run])
    catalog.record(published, run)


def push(published: Path) -> pushing.Pushed:
    return pushing.push(published, URL, lambda _: None)


def keys(client: Any) -> list[str]:
    return sorted(o["Key"] for o in client.list_objects_v2(Bucket=BUCKET).get("Contents", []))


def read(client: Any, server: str, folder: Path, view: str = "fct") -> list[tuple[Any, ...]]:
    """Read a view as a BI tool does that has nothing but the bucket."""
    file = folder / "downloaded.duckdb"
    client.download_file(BUCKET, "vane/live/catalog.duckdb", str(file))
    store = S3FileSystem(
        access_key="tester",
        secret_key="secret",
        endpoint_override=server.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
    )
    with duckdb.connect(str(file), read_only=True) as con:
        con.register_filesystem(Filesystem(store))
        return con.execute(f"select client, n from {view}").fetchall()


def test_a_reader_of_the_bucket_sees_the_month_and_then_the_later_run(
    client: Any, server: str, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    publish(published, "r1", 1)
    assert push(published).files == 3
    assert read(client, server, tmp_path) == [("a", 1)]
    record_billed(published, Billed(month="2025-11", run_id="r1", at_ms=0, by="Li Na"))
    publish(published, "r2", 2)
    pushed = push(published)
    assert (pushed.files, pushed.known) == (4, 3)
    assert read(client, server, tmp_path) == [("a", 1)]
    assert read(client, server, tmp_path, "known.fct") == [("a", 2)]
    assert keys(client) == [
        "vane/live/billed/2025-11.json",
        "vane/live/catalog.duckdb",
        "vane/live/fct/month=2025-11/run=r1/part-0.parquet",
        "vane/live/fct/month=2025-11/run=r2/part-0.parquet",
        "vane/live/manifest/r1.json",
        "vane/live/manifest/r2.json",
        "vane/live/reports/r1/acceptance.html",
        "vane/live/reports/r2/acceptance.html",
    ]


def test_pushed_again_nothing_is_sent_but_the_catalog(client: Any, tmp_path: Path) -> None:
    publish(tmp_path, "r1", 1)
    push(tmp_path)
    pushed = push(tmp_path)
    assert (pushed.files, pushed.bytes, pushed.known) == (0, 0, 3)


@pytest.mark.parametrize("at", range(4))
def test_cut_short_anywhere_the_old_state_is_read_until_the_next_push(
    client: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    published = tmp_path / "published"
    publish(published, "r1", 1)
    push(published)
    publish(published, "r2", 2)
    put, puts = Bucket.put, []

    def cut(self: Bucket, path: str, file: Path) -> None:
        puts.append(path)
        if len(puts) > at:
            raise KeyboardInterrupt
        put(self, path, file)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "put", cut)
        with pytest.raises(KeyboardInterrupt):
            push(published)
    there = keys(client)
    is_swapped = "catalog.duckdb" in puts[:at]
    assert read(client, server, tmp_path) == [("a", 2 if is_swapped else 1)]
    assert "vane/live/manifest/r2.json" not in there
    push(published)
    assert read(client, server, tmp_path) == [("a", 2)]
    assert "vane/live/manifest/r2.json" in keys(client)


def test_an_object_of_another_size_is_put_again(client: Any, server: str, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(published, "r1", 1)
    push(published)
    part = "vane/live/fct/month=2025-11/run=r1/part-0.parquet"
    client.put_object(Bucket=BUCKET, Key=part, Body=b"PAR1")
    assert push(published).files == 1
    assert read(client, server, tmp_path) == [("a", 1)]


def test_runs_that_only_the_bucket_knows_are_not_lost(client: Any, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    publish(one, "r1", 1)
    push(one)
    publish(other, "r9", 9)
    before = keys(client)
    with pytest.raises(InputError, match=r"has 1 runs that are not published here \(r1\)"):
        push(other)
    assert keys(client) == before


def test_objects_of_replaced_runs_go_after_the_time_of_grace(
    client: Any, server: str, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    publish(published, "r1", 1)
    publish(published, "r2", 2)
    push(published)
    part = "fct/month=2025-11/run=r1/part-0.parquet"
    assert pushing.collect(published, URL, keep_days=1, dry_run=False) == []
    assert pushing.collect(published, URL, keep_days=0, dry_run=True) == [part]
    assert f"vane/live/{part}" in keys(client)
    assert pushing.collect(published, URL, keep_days=0, dry_run=False) == [part]
    assert f"vane/live/{part}" not in keys(client)
    assert read(client, server, tmp_path) == [("a", 2)]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    found = load_settings({"VANE_HOME": str(tmp_path / "home"), "VANE_PUBLISH_URL": URL})
    for module in (month, month_push, month_runs):
        monkeypatch.setattr(module, "load_settings", lambda: found)
    return found


def test_commands_push_by_themselves_where_the_environment_says_so(
    client: Any, settings: Settings
) -> None:
    publish(settings.published, "r1", 1)
    said = RUN.invoke(month.app, ["bill", "--month", "2025-11", "--by", "Li Na"])
    assert said.exit_code == 0, said.output
    assert "pushed 4 files" in said.output
    assert "vane/live/billed/2025-11.json" in keys(client)
    said = RUN.invoke(month.app, ["gc", "--keep-days", "0"])
    assert f"0 objects removed from {URL}" in said.output
    said = RUN.invoke(month.app, ["push"])
    assert "pushed 0 files, 0.0 MB; 4 were there already" in said.output


def test_a_bucket_that_does_not_take_it_is_told_with_what_to_do(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, "r1", 1)
    with pytest.raises(TransientError, match=r"not all in s3://absent: .*vane month push"):
        pushing.push(tmp_path, "s3://absent", lambda _: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match="Could not connect"):
        push(tmp_path)


@pytest.mark.parametrize("url", ["s3://", "s3://A", "http://bucket", "s3://bucket//x", "bucket"])
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected s3://BUCKET"):
        pushing.push(tmp_path, url, lambda _: None)
    with pytest.raises(ConfigError, match="VANE_PUBLISH_URL"):
        load_settings({"VANE_PUBLISH_URL": url})


def test_without_an_address_push_says_what_it_expects(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(month_push, "load_settings", lambda: replace(settings, publish_url=""))
    said = RUN.invoke(month.app, ["push"])
    assert isinstance(said.exception, InputError)
    assert "VANE_PUBLISH_URL" in str(said.exception)


def test_what_is_in_a_manifest_is_json(client: Any, tmp_path: Path) -> None:
    publish(tmp_path, "r1", 1)
    push(tmp_path)
    found = client.get_object(Bucket=BUCKET, Key="vane/live/manifest/r1.json")
    assert json.load(found["Body"])["run_id"] == "r1"
