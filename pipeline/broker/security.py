"""How a client proves who it is and whom it talks to: TLS and SASL of every Kafka client.

Every client of ours, whichever library it is of, is made with ``client_arguments`` (a test sees
to it), so that none is forgotten when a cluster is closed to strangers.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipeline.broker.tls_close import close_at_once

PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")

Problem = tuple[str, str]
"""(environment variable, what is wrong with it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """The listener's protocol, our name and password there, and the certificates."""

    protocol: str = "PLAINTEXT"
    mechanism: str = MECHANISMS[0]
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    """Who signed the brokers' certificates; None: whom this system trusts."""
    cert_file: Path | None = None
    """Our own certificate, where the brokers ask for one."""
    key_file: Path | None = None
    """Its key, not encrypted; None: it is in ``cert_file``."""

    @property
    def uses_tls(self) -> bool:
        """Say whether the listener encrypts."""
        return self.protocol.endswith("SSL")

    @property
    def uses_sasl(self) -> bool:
        """Say whether the listener asks for a name and a password."""
        return self.protocol.startswith("SASL")

    def client_arguments(self) -> dict[str, Any]:
        """Return keyword arguments that aiokafka's and kafka-python's clients have in common."""
        found: dict[str, Any] = {"security_protocol": self.protocol}
        if self.uses_tls:
            found["ssl_context"] = self.ssl_context()
        if self.uses_sasl:
            found |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return found

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return what TLS is spoken with: the broker's certificate and name are checked.

        Raises:
            OSError: a file is not there, or not what it should be.
        """
        if not self.uses_tls:
            return None
        close_at_once()  # here, where every client of ours that speaks TLS passes
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            # An encrypted key would ask for its password on the terminal.
            context.load_cert_chain(self.cert_file, self.key_file, password=lambda: "")
        return context

    def problems(self) -> Iterator[Problem]:
        """Yield everything that cannot be, by the environment variable that says it."""
        if self.protocol not in PROTOCOLS:
            msg = f"expected one of {', '.join(PROTOCOLS)}, got {self.protocol!r}"
            yield "VANE_KAFKA_SECURITY_PROTOCOL", msg
            return
        yield from self._sasl_problems()
        yield from self._tls_problems()

    def _sasl_problems(self) -> Iterator[Problem]:
        given = {"VANE_KAFKA_USERNAME": self.username, "VANE_KAFKA_PASSWORD": self.password}
        for name, value in given.items():
            if self.uses_sasl and not value:
                yield name, f"expected a value with {self.protocol}, got none"
            if value and not self.uses_sasl:
                msg = f"expected SASL_SSL or SASL_PLAINTEXT with it, got {self.protocol}"
                yield name, f"{msg} in VANE_KAFKA_SECURITY_PROTOCOL"
        if self.mechanism not in MECHANISMS:
            msg = f"expected one of {', '.join(MECHANISMS)}, got {self.mechanism!r}"
            yield "VANE_KAFKA_SASL_MECHANISM", msg

    def _tls_problems(self) -> Iterator[Problem]:
        files = {
            "VANE_KAFKA_CA_FILE": self.ca_file,
            "VANE_KAFKA_CERT_FILE": self.cert_file,
            "VANE_KAFKA_KEY_FILE": self.key_file,
        }
        wrong = []
        for name, path in files.items():
            if path is None:
                continue
            if not self.uses_tls:
                msg = f"expected SSL or SASL_SSL with it, got {self.protocol}"
                wrong.append((name, f"{msg} in VANE_KAFKA_SECURITY_PROTOCOL"))
            if not path.is_file():
                wrong.append((name, f"expected a PEM file, found none at {str(path)!r}"))
        if self.key_file and not self.cert_file:
            wrong.append(("VANE_KAFKA_KEY_FILE", "expected VANE_KAFKA_CERT_FILE with it, got none"))
        yield from wrong
        if self.uses_tls and not wrong:
            yield from self._unreadable()

    def _unreadable(self) -> Iterator[Problem]:
        try:
            ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            yield "VANE_KAFKA_CA_FILE", f"expected certificates in PEM, got {_said(error)}"
            return
        try:
            self.ssl_context()
        except OSError as error:
            msg = f"expected a certificate and its unencrypted key in PEM, got {_said(error)}"
            yield "VANE_KAFKA_CERT_FILE", msg


def _said(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error)


PLAINTEXT: Final = Security()
"""Anybody, unencrypted: the local broker on loopback."""
