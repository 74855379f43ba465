"""A real broker closed to strangers: TLS, SASL and an authorizer that forbids what is not allowed.

Beside the listener for clients it has an open one on loopback, by which tests look on.
"""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from pipeline.broker import local, server_properties

USERS = (*("vane-admin", "vane-ingest", "vane-worker", "vane-lander", "vane-dlq", "vane-desk"),)
TEMPLATE = """
{common}
listeners=SASL_SSL://{{host}}:{{port}},INTERNAL://{{host}}:{internal},CONTROLLER://{{host}}:{{controller}}
advertised.listeners=SASL_SSL://{{host}}:{{port}},INTERNAL://{{host}}:{internal}
listener.security.protocol.map=SASL_SSL:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INTERNAL
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={security}.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config={security}.plain.PlainLoginModule required {plain};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
REPLACED = ("listeners=", "advertised.listeners=", "listener.security.protocol.map=")


@dataclass(frozen=True)
class SecureBroker:
    bootstrap: str
    """Where clients enter."""
    internal: str
    """Where tests look on."""
    ca_file: Path
    stranger_ca_file: Path
    """Of somebody who did not sign the broker's certificate."""

    def entry(self, user: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """Return the environment by which a user enters."""
        return {
            "VANE_BOOTSTRAP": self.bootstrap,
            "VANE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "VANE_KAFKA_SASL_MECHANISM": mechanism,
            "VANE_KAFKA_USERNAME": user,
            "VANE_KAFKA_PASSWORD": password_of(user),
            "VANE_KAFKA_CA_FILE": str(self.ca_file),
        }


def password_of(user: str) -> str:
    return f"of = {user};"


@contextmanager
def secure_broker(folder: Path, jars_dir: Path) -> Iterator[SecureBroker]:
    ca_file = write_certificates(folder)
    stranger = write_certificates(folder / "stranger")
    internal = local._free_port()
    common = "\n".join(
        line for line in server_properties._TEMPLATE.splitlines() if not line.startswith(REPLACED)
    )
    plain = " ".join(f'user_{user}="{password_of(user)}"' for user in USERS)
    template = TEMPLATE.format(
        common=common,
        internal=internal,
        folder=folder,
        security="org.apache.kafka.common.security",
        plain=plain,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_properties, "_TEMPLATE", template)
        patch.setattr(subprocess, "run", _with_scram(subprocess.run))
        with local.local_broker(folder / "home", jars_dir) as bootstrap:
            yield SecureBroker(bootstrap, f"127.0.0.1:{internal}", ca_file, stranger)


def _with_scram(run: Any) -> Any:
    def run_with(command: list[str], **options: Any) -> Any:
        if "kafka.tools.StorageTool" in command:
            for user in USERS:
                credential = f'SCRAM-SHA-512=[name="{user}",password="{password_of(user)}"]'
                command = [*command, "--add-scram", credential]
        return run(command, **options)

    return run_with


def write_certificates(folder: Path) -> Path:
    """Write ``broker.pem`` (key and certificate of 127.0.0.1) and ``ca.pem``; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _name(f"CA {folder.name}")
    ca = _signed(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=0))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    broker = _signed(_name("broker"), ca_name, key, ca_key, x509.SubjectAlternativeName([address]))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "broker.pem").write_bytes(pem + broker.public_bytes(Encoding.PEM))
    (folder / "ca.pem").write_bytes(ca.public_bytes(Encoding.PEM))
    return folder / "ca.pem"


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    ca_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)  # noqa: TID251 - a certificate is of today
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(ca_key, hashes.SHA256())
    )
