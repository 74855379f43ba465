"""Settings: what the environment may say, and what is said when it is wrong."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from pipeline.alerting.receivers import Receivers
from pipeline.errors import ConfigError
from pipeline.settings import DEFAULT_BOOTSTRAP, PROJECT_ROOT, load_settings


def test_an_empty_environment_gives_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = load_settings({})
    assert found.home == tmp_path / ".vane"
    assert found.bootstrap == DEFAULT_BOOTSTRAP
    assert found.config_dir == PROJECT_ROOT / "config"
    assert found.schemas_dir == PROJECT_ROOT / "schemas"
    assert found.dbt_dir == PROJECT_ROOT / "dbt_like_sql"
    assert (found.topic_prefix, found.receivers, found.web_port) == ("", Receivers(), 6066)
    assert found.landing == tmp_path / ".vane" / "landing"
    assert found.published == tmp_path / ".vane" / "published"


def test_every_variable_is_read(tmp_path: Path) -> None:
    found = load_settings(
        {
            "VANE_HOME": str(tmp_path / "home"),
            "VANE_BOOTSTRAP": "broker:9092",
            "VANE_CONFIG": str(tmp_path),
            "VANE_FORECAST_DIR": str(tmp_path),
            "VANE_TOPIC_PREFIX": "test.",
            "VANE_WEBHOOK_URL": "http://127.0.0.1/hook",
            "VANE_WEB_PORT": "0",
            "VANE_CUSTOMER_KEY": "secret",
            "VANE_AMI_USER": "vane",
            "VANE_AMI_SECRET": "s3cret",
            "VANE_FREESWITCH_PASSWORD": "ClueCon",
        }
    )
    assert (found.ami_user, found.ami_secret) == ("vane", "s3cret")
    assert found.freeswitch_password == "ClueCon"
    assert "s3cret" not in repr(found)
    assert "ClueCon" not in repr(found)
    assert found.home == tmp_path / "home"
    assert (found.bootstrap, found.config_dir) == ("broker:9092", tmp_path)
    assert found.forecast_dir == tmp_path
    assert (found.topic("acd.events"), found.web_port) == ("test.acd.events", 0)
    assert (found.receivers.webhook_url, found.customer_key) == ("http://127.0.0.1/hook", b"secret")


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    names = ("BOOTSTRAP", "CONFIG", "TOPIC_PREFIX", "WEBHOOK_URL", "WEB_PORT", "CUSTOMER_KEY")
    empty = load_settings({"VANE_HOME": str(tmp_path)} | {f"VANE_{name}": "" for name in names})
    assert empty == load_settings({"VANE_HOME": str(tmp_path)})


def test_the_process_environment_is_read_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VANE_TOPIC_PREFIX", "from-environment.")
    assert load_settings().topic_prefix == "from-environment."


@pytest.mark.parametrize("port", ["-1", "65536", "web", "80.0", " 80", "²"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    expected = "environment variable VANE_WEB_PORT: expected a port from 0 to 65535, got "
    with pytest.raises(ConfigError) as caught:
        load_settings({"VANE_WEB_PORT": port})
    assert str(caught.value) == expected + repr(port)


@pytest.mark.parametrize("port", ["0", "65535"])
def test_every_tcp_port_may_be_asked_for(port: str) -> None:
    assert load_settings({"VANE_WEB_PORT": port}).web_port == int(port)


def test_a_config_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="variable VANE_CONFIG: expected a folder of YAML files"):
        load_settings({"VANE_CONFIG": str(tmp_path / "nowhere")})
    with pytest.raises(ConfigError, match="variable VANE_FORECAST_DIR: expected a folder, got"):
        load_settings({"VANE_FORECAST_DIR": str(tmp_path / "nowhere")})


def record(home: Path, text: str) -> Path:
    path = home / "kafka" / "broker.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_the_local_brokers_record_says_where_it_listens(tmp_path: Path) -> None:
    record(tmp_path, json.dumps({"bootstrap": "127.0.0.1:12345"}))
    assert load_settings({"VANE_HOME": str(tmp_path)}).bootstrap == "127.0.0.1:12345"
    named = {"VANE_HOME": str(tmp_path), "VANE_BOOTSTRAP": "other:1"}
    assert load_settings(named).bootstrap == "other:1"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "7"])
def test_a_record_that_cannot_be_read_is_named_with_the_way_out(tmp_path: Path, text: str) -> None:
    path = record(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings({"VANE_HOME": str(tmp_path)})
    assert str(caught.value).startswith(f"{path}: expected the local broker's record")
    assert str(caught.value).endswith("run: vane kafka start")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        load_settings({}).web_port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", ["VANE_AMI_USER", "VANE_AMI_SECRET", "VANE_FREESWITCH_PASSWORD"])
def test_a_credential_that_would_forge_a_second_line_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"variable {name}: expected one line") as found:
        load_settings({name: "s3cret\r\nAction: Originate"})
    assert "s3cret" not in str(found.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/vane/desk.sqlite",
        "postgresql://vane@db/vane",
        "postgresql://vane:s3cret@db:5432/vane?sslmode=verify-full",
        "postgresql:///vane?host=/run/postgresql",
    ],
)
def test_the_operational_store_is_a_file_or_a_postgresql(tmp_path: Path, url: str) -> None:
    assert load_settings({"VANE_DESK_URL": url}).desk_address == url
    (tmp_path / "url").write_text(f"{url}\n")
    found = load_settings({"VANE_DESK_URL_FILE": str(tmp_path / "url")})
    assert found.desk_address == url
    assert "s3cret" not in repr(found)


def test_by_default_the_operational_store_is_a_file_of_the_home(tmp_path: Path) -> None:
    found = load_settings({"VANE_HOME": str(tmp_path)})
    assert found.desk_address == f"sqlite:///{tmp_path}/desk.sqlite"
    (tmp_path / "password").write_text("s3cret\n")
    found = load_settings({"VANE_DESK_PASSWORD_FILE": str(tmp_path / "password")})
    assert found.desk_password == "s3cret"
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "desk.sqlite",
        "sqlite://",
        "sqlite:///",
        "mysql://vane:s3cret@db/vane",
        "postgresql://vane:s3cret@db",
        "postgresql://vane:s3cret@db/",
    ],
)
def test_another_store_is_refused_without_telling_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="VANE_DESK_URL: expected postgresql://") as refused:
        load_settings({"VANE_DESK_URL": url})
    assert "s3cret" not in str(refused.value)


def test_a_password_in_the_url_and_another_are_refused() -> None:
    both = {"VANE_DESK_URL": "postgresql://vane:a@db/vane", "VANE_DESK_PASSWORD": "b"}
    with pytest.raises(ConfigError, match="VANE_DESK_PASSWORD: expected it or a password in the U"):
        load_settings(both)
