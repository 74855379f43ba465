"""Where and how this process runs. The only reader of the environment.

Business numbers (targets, alert rules, contract terms) are not here: they are dated YAML in
``config/``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.alerting.receivers import Receivers
from pipeline.broker.address import addresses
from pipeline.broker.security import MECHANISMS, PLAINTEXT, Security
from pipeline.environment import Environment
from pipeline.errors import ConfigError
from pipeline.lake.bucket import URL as S3_URL

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"
DEVELOPMENT_KEY = b"vane-development-key"
PROJECT_ROOT = Path(__file__).resolve().parent.parent

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
_HOST: Final = re.compile(r"[A-Za-z0-9.:_-]+")
_DESK_URL: Final = re.compile(
    r"sqlite:///[^?#\s]+|postgresql://([^/@\s]*@)?[^/@?#\s]*/[^/?#\s]+(\?[^#\s]*)?"
)


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
    publish_url: str = ""
    """Bucket that published months are pushed to as well (``VANE_PUBLISH_URL``, s3://...)."""
    forecast_dir: Path | None = None
    """Forecasts that alert rules expect calls by (``VANE_FORECAST_DIR``; none: what a weekday
    usually brings)."""
    kernel: str = "auto"
    """Whether the worker's fold runs compiled (``VANE_KERNEL``: auto, compiled or python)."""
    desk_url: str = field(default="", repr=False)
    """Operational store (``VANE_DESK_URL``, or ``_URL_FILE``: ``postgresql://…`` or
    ``sqlite:///PATH``); default: a file in ``home``."""
    desk_password: str = field(default="", repr=False)
    """Its password, if not in the address (``VANE_DESK_PASSWORD`` or ``_PASSWORD_FILE``)."""
    serve_host: str = "127.0.0.1"
    """Address that ``vane serve`` listens on (``VANE_SERVE_HOST``, default loopback)."""
    serve_port: int = 6067
    """Its port (``VANE_SERVE_PORT``, 0: any free one)."""
    receivers: Receivers = field(default_factory=Receivers)
    """Who is told of alerts (``VANE_ALERTMANAGER_URL``, ``_WEBHOOK_URL`` and so on); by default
    they are in the log and the topic alone."""
    security: Security = PLAINTEXT
    """How the Kafka cluster lets us in (``VANE_KAFKA_SECURITY_PROTOCOL``, ``_SASL_MECHANISM``,
    ``_USERNAME``, ``_PASSWORD`` or ``_PASSWORD_FILE``, ``_CA_FILE``, ``_CERT_FILE``,
    ``_KEY_FILE``)."""

    @property
    def jars(self) -> Path:
        """Return where Kafka's jars are kept, the same for every home."""
        return PROJECT_ROOT / ".cache" / "kafka-jars"

    @property
    def parsed_models(self) -> Path:
        """Return where the dbt project is kept as parsed; may be removed at any time."""
        return PROJECT_ROOT / ".cache" / "dbt"

    @property
    def landing(self) -> Path:
        """Return where landed Parquet and manifests rest."""
        return self.home / "landing"

    @property
    def published(self) -> Path:
        """Return where published months and the catalog rest."""
        return self.home / "published"

    @property
    def desk_address(self) -> str:
        """Return the URL of the operational store."""
        return self.desk_url or f"sqlite:///{self.home / 'desk.sqlite'}"

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
        web_host=env.matching("VANE_WEB_HOST", _HOST, "a host name or address") or "127.0.0.1",
        web_port=env.port("VANE_WEB_PORT", default=6066),
        customer_key=env.text("VANE_CUSTOMER_KEY").encode() or DEVELOPMENT_KEY,
        ami_user=env.one_line("VANE_AMI_USER"),
        ami_secret=env.one_line("VANE_AMI_SECRET"),
        freeswitch_password=env.one_line("VANE_FREESWITCH_PASSWORD"),
        publish_url=env.matching("VANE_PUBLISH_URL", S3_URL, "s3://BUCKET or s3://BUCKET/PREFIX"),
        desk_url=env.desk_url(),
        desk_password=env.secret("VANE_DESK_PASSWORD"),
        serve_host=env.matching("VANE_SERVE_HOST", _HOST, "a host name or address") or "127.0.0.1",
        serve_port=env.port("VANE_SERVE_PORT", default=6067),
        forecast_dir=env.forecasts(),
        receivers=env.receivers(),
        kernel=env.choice("VANE_KERNEL", ("auto", "compiled", "python")),
    )
    env.raise_problems()
    return found


class _Environment(Environment):
    """What a process of Vane asks of its environment."""

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

    def forecasts(self) -> Path | None:
        if not (named := self.text("VANE_FORECAST_DIR")):
            return None
        found = Path(named).resolve()
        if not found.is_dir():
            self.problem("VANE_FORECAST_DIR", f"expected a folder, got {str(found)!r}")
        return found

    def bootstrap(self, home: Path) -> str:
        try:
            found = self.text("VANE_BOOTSTRAP") or _local_bootstrap(home)
            addresses(found)
        except ConfigError as error:
            self.problems.append(error)
            return ""
        return found

    def security(self) -> Security:
        found = Security(
            protocol=self.text("VANE_KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT",
            mechanism=self.text("VANE_KAFKA_SASL_MECHANISM") or MECHANISMS[0],
            username=self.one_line("VANE_KAFKA_USERNAME"),
            password=self.secret("VANE_KAFKA_PASSWORD"),
            ca_file=self.file("VANE_KAFKA_CA_FILE"),
            cert_file=self.file("VANE_KAFKA_CERT_FILE"),
            key_file=self.file("VANE_KAFKA_KEY_FILE"),
        )
        for name, problem in found.problems():
            self.problem(name, problem)
        return found

    def desk_url(self) -> str:
        found = self.secret("VANE_DESK_URL")
        # What is wrong is not quoted: there may be a password in it.
        if found and not _DESK_URL.fullmatch(found):
            expected = "expected postgresql://[USER@]HOST[:PORT]/DATABASE or sqlite:////PATH"
            self.problem("VANE_DESK_URL", expected)
        elif re.match(r"[a-z]+://[^/@]*:[^/@]+@", found) and self.secret("VANE_DESK_PASSWORD"):
            self.problem("VANE_DESK_PASSWORD", "expected it or a password in the URL, got both")
        return found

    def receivers(self) -> Receivers:
        found = Receivers(
            alertmanager_url=self.text("VANE_ALERTMANAGER_URL"),
            alertmanager_resend_s=self.seconds("VANE_ALERTMANAGER_RESEND_S", default=60.0),
            webhook_url=self.secret("VANE_WEBHOOK_URL"),
            webhook_secret=self.secret("VANE_WEBHOOK_SECRET"),
            smtp_url=self.text("VANE_SMTP_URL"),
            smtp_password=self.secret("VANE_SMTP_PASSWORD"),
            smtp_ca_file=self.file("VANE_SMTP_CA_FILE"),
            mail_from=self.text("VANE_MAIL_FROM"),
            mail_to=self.text("VANE_MAIL_TO"),
            dingtalk_url=self.secret("VANE_DINGTALK_URL"),
            dingtalk_secret=self.secret("VANE_DINGTALK_SECRET"),
            wecom_url=self.secret("VANE_WECOM_URL"),
            feishu_url=self.secret("VANE_FEISHU_URL"),
            feishu_secret=self.secret("VANE_FEISHU_SECRET"),
            slack_url=self.secret("VANE_SLACK_URL"),
        )
        for name, problem in found.problems():
            self.problem(name, problem)
        return found


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
