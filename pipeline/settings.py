"""Where and how this process runs. The only reader of the environment.

Business numbers (targets, alert rules, contract terms) are not here: they are dated YAML in
``config/``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.broker.address import addresses
from pipeline.broker.security import MECHANISMS, PLAINTEXT, Security
from pipeline.errors import ConfigError

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"
DEVELOPMENT_KEY = b"vane-development-key"
PROJECT_ROOT = Path(__file__).resolve().parent.parent

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
_HOST: Final = re.compile(r"[A-Za-z0-9.:_-]+")
_URL: Final = re.compile(r"https?://[^\s/]+\S*")


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
    security: Security = PLAINTEXT
    """How the Kafka cluster lets us in (``VANE_KAFKA_SECURITY_PROTOCOL``, ``_SASL_MECHANISM``,
    ``_USERNAME``, ``_PASSWORD`` or ``_PASSWORD_FILE``, ``_CA_FILE``, ``_CERT_FILE``,
    ``_KEY_FILE``)."""

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


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment.

    Raises:
        ConfigError: names every variable that is wrong, its value and what is expected.
    """
    env = _Environment(os.environ if environ is None else environ)
    home = env.home()
    security = env.security()
    found = Settings(
        home=home,
        bootstrap=env.bootstrap(home),
        security=security,
        config_dir=env.folder("VANE_CONFIG", default=PROJECT_ROOT / "config"),
        schemas_dir=PROJECT_ROOT / "schemas",
        dbt_dir=PROJECT_ROOT / "dbt_like_sql",
        topic_prefix=env.matching("VANE_TOPIC_PREFIX", _TOPIC, "letters, digits, '.', '_', '-'"),
        webhook_url=env.url("VANE_WEBHOOK_URL"),
        web_host=env.matching("VANE_WEB_HOST", _HOST, "a host name or address") or "127.0.0.1",
        web_port=env.port("VANE_WEB_PORT", default=6066),
        customer_key=env.text("VANE_CUSTOMER_KEY").encode() or DEVELOPMENT_KEY,
        ami_user=env.one_line("VANE_AMI_USER"),
        ami_secret=env.one_line("VANE_AMI_SECRET"),
        freeswitch_password=env.one_line("VANE_FREESWITCH_PASSWORD"),
        kernel=env.choice("VANE_KERNEL", ("auto", "compiled", "python")),
    )
    env.raise_problems()
    return found


class _Environment:
    """Reads variables and keeps what is wrong with them, so that all of it is said at once."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[ConfigError] = []

    def problem(self, name: str, expected: str) -> None:
        self._problems.append(ConfigError(f"environment variable {name}", expected))

    def raise_problems(self) -> None:
        if len(self._problems) == 1:
            raise self._problems[0]
        if self._problems:
            listed = "".join(f"\n  {problem}" for problem in self._problems)
            raise ConfigError("settings", f"{len(self._problems)} problems{listed}")

    def text(self, name: str) -> str:
        return self._env.get(name, "")

    def home(self) -> Path:
        home = Path(self.text("VANE_HOME") or ".vane").resolve()
        if home.exists() and not home.is_dir():
            self.problem("VANE_HOME", f"expected a folder, or nothing yet, got {str(home)!r}")
        return home

    def folder(self, name: str, *, default: Path) -> Path:
        found = Path(self.text(name) or default).resolve()
        if not found.is_dir():
            self.problem(name, f"expected a folder of YAML files, got {str(found)!r}")
        return found

    def bootstrap(self, home: Path) -> str:
        try:
            found = self.text("VANE_BOOTSTRAP") or _local_bootstrap(home)
            addresses(found)
        except ConfigError as error:
            self._problems.append(error)
            return ""
        return found

    def matching(self, name: str, pattern: re.Pattern[str], expected: str) -> str:
        text = self.text(name)
        if text and not pattern.fullmatch(text):
            self.problem(name, f"expected {expected}, got {text!r}")
        return text

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return the value, by default the first of the choices."""
        text = self.text(name) or choices[0]
        if text not in choices:
            self.problem(name, f"expected one of {', '.join(choices)}, got {text!r}")
        return text

    def one_line(self, name: str) -> str:
        """Return a text sent as one line of a protocol; a line's end in it would forge two."""
        text = self.text(name)
        if "\n" in text or "\r" in text:
            self.problem(name, "expected one line, got a line's end")
        return text

    def port(self, name: str, *, default: int) -> int:
        text = self.text(name) or str(default)
        if not text.isdecimal() or not 0 <= int(text) <= 65535:  # noqa: PLR2004 - TCP's range
            self.problem(name, f"expected a port from 0 to 65535, got {text!r}")
            return default
        return int(text)

    def url(self, name: str) -> str | None:
        text = self.text(name)
        if text and not _URL.fullmatch(text):
            self.problem(name, f"expected http:// or https:// and a host, got {text!r}")
        return text or None

    def file(self, name: str) -> Path | None:
        text = self.text(name)
        return Path(text).resolve() if text else None

    def security(self) -> Security:
        found = Security(
            protocol=self.text("VANE_KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT",
            mechanism=self.text("VANE_KAFKA_SASL_MECHANISM") or MECHANISMS[0],
            username=self.one_line("VANE_KAFKA_USERNAME"),
            password=self._password(),
            ca_file=self.file("VANE_KAFKA_CA_FILE"),
            cert_file=self.file("VANE_KAFKA_CERT_FILE"),
            key_file=self.file("VANE_KAFKA_KEY_FILE"),
        )
        for name, problem in found.problems():
            self.problem(name, problem)
        return found

    def _password(self) -> str:
        path = self.file("VANE_KAFKA_PASSWORD_FILE")
        text = self.text("VANE_KAFKA_PASSWORD")
        if path is None:
            return text
        if text:
            msg = "expected it or VANE_KAFKA_PASSWORD, got both"
            self.problem("VANE_KAFKA_PASSWORD_FILE", msg)
            return text
        try:
            return path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "bytes that are no UTF-8"
            msg = f"expected a file with a password at {str(path)!r}, got: {said}"
            self.problem("VANE_KAFKA_PASSWORD_FILE", msg)
            return "unread"


def _local_bootstrap(home: Path) -> str:
    record = home / "kafka" / "broker.json"
    try:
        found = json.loads(record.read_text())["bootstrap"]
    except (FileNotFoundError, NotADirectoryError):
        return DEFAULT_BOOTSTRAP
    except (ValueError, KeyError, TypeError) as error:
        msg = "expected the local broker's record with a 'bootstrap'; run: vane kafka start"
        raise ConfigError(record, msg) from error
    return str(found)
