"""Where and how this process runs. The only reader of the environment.

Business numbers (targets, alert rules, contract terms) are not here: they are dated YAML in
``config/``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"
DEVELOPMENT_KEY = b"vane-development-key"
PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Validated process settings; built once at start and passed down as plain values."""

    home: Path
    """Working data: broker, landing, published months (``VANE_HOME``, default ``.vane``)."""
    bootstrap: str
    """Kafka bootstrap ``host:port`` (``VANE_BOOTSTRAP``, default: the local broker's)."""
    config_dir: Path
    """Dated YAML (``VANE_CONFIG``, default ``config/`` of the project)."""
    schemas_dir: Path
    """Topic and event contracts (``schemas/`` of the project)."""
    dbt_dir: Path
    """The dbt project (``dbt_like_sql/`` of the project)."""
    topic_prefix: str
    """Put before every topic name (``VANE_TOPIC_PREFIX``), so that deployments share a cluster."""
    webhook_url: str | None
    """Where alerts are posted (``VANE_WEBHOOK_URL``); None keeps them in the log and topic."""
    web_host: str
    """Address the worker's status page listens on (``VANE_WEB_HOST``, default loopback).

    The page asks for no password: open it to a network only behind something that does."""
    web_port: int
    """Port of the status page (``VANE_WEB_PORT``, 0: any free one)."""
    customer_key: bytes
    """Secret that keys ``customer_ref`` (``VANE_CUSTOMER_KEY``)."""
    ami_user: str = ""
    """Whom ``vane ingest --connect`` logs into Asterisk's AMI as (``VANE_AMI_USER``)."""
    ami_secret: str = field(default="", repr=False)
    """That user's secret (``VANE_AMI_SECRET``)."""
    freeswitch_password: str = field(default="", repr=False)
    """Password of FreeSWITCH's event socket (``VANE_FREESWITCH_PASSWORD``)."""
    kernel: str = "auto"
    """Whether the worker's fold runs compiled (``VANE_KERNEL``: auto, compiled or python)."""

    @property
    def jars(self) -> Path:
        """Return where Kafka's jars are kept, the same for every home."""
        return PROJECT_ROOT / ".cache" / "kafka-jars"

    @property
    def landing(self) -> Path:
        """Return where landed Parquet and manifests rest."""
        return self.home / "landing"

    @property
    def published(self) -> Path:
        """Return where published months and the catalog rest."""
        return self.home / "published"

    def topic(self, name: str) -> str:
        """Return the broker's name of a topic of ours."""
        return f"{self.topic_prefix}{name}"


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """Read the environment; a ConfigError names the variable, its value and what is expected."""
    env = dict(os.environ) if environ is None else environ
    home = Path(env.get("VANE_HOME") or ".vane").resolve()
    config_dir = Path(env.get("VANE_CONFIG") or PROJECT_ROOT / "config").resolve()
    if not config_dir.is_dir():
        msg = f"expected a folder of YAML files, got {str(config_dir)!r}"
        raise ConfigError("environment variable VANE_CONFIG", msg)
    return Settings(
        home=home,
        bootstrap=env.get("VANE_BOOTSTRAP") or _local_bootstrap(home),
        config_dir=config_dir,
        schemas_dir=PROJECT_ROOT / "schemas",
        dbt_dir=PROJECT_ROOT / "dbt_like_sql",
        topic_prefix=env.get("VANE_TOPIC_PREFIX", ""),
        webhook_url=env.get("VANE_WEBHOOK_URL") or None,
        web_host=env.get("VANE_WEB_HOST") or "127.0.0.1",
        web_port=_port(env, "VANE_WEB_PORT", default=6066),
        customer_key=env.get("VANE_CUSTOMER_KEY", "").encode() or DEVELOPMENT_KEY,
        ami_user=_one_line(env, "VANE_AMI_USER"),
        ami_secret=_one_line(env, "VANE_AMI_SECRET"),
        freeswitch_password=_one_line(env, "VANE_FREESWITCH_PASSWORD"),
        kernel=env.get("VANE_KERNEL") or "auto",
    )


def _local_bootstrap(home: Path) -> str:
    record = home / "kafka" / "broker.json"
    try:
        found = json.loads(record.read_text())["bootstrap"]
    except FileNotFoundError:
        return DEFAULT_BOOTSTRAP
    except (ValueError, KeyError, TypeError) as error:
        msg = "expected the local broker's record with a 'bootstrap'; run: vane kafka start"
        raise ConfigError(record, msg) from error
    return str(found)


def _one_line(env: dict[str, str], name: str) -> str:
    """Return a text that is sent as one line of a protocol; a line's end in it would forge two."""
    text = env.get(name, "")
    if "\n" in text or "\r" in text:
        raise ConfigError(f"environment variable {name}", "expected one line, got a line's end")
    return text


def _port(env: dict[str, str], name: str, *, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdecimal() or not 0 <= int(text) <= 65535:  # noqa: PLR2004 - the TCP port range
        msg = f"expected a port from 0 to 65535, got {text!r}"
        raise ConfigError(f"environment variable {name}", msg)
    return int(text)
