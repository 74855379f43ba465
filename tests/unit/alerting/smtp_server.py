"""A real SMTP server on loopback: TLS, passwords, and whom it will not take mail for."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER, PASSWORD = "vane@acme", "p ss:w@rd"


@dataclass
class Server:
    """Where it is, how it answers, and what it took."""

    port: int = 0
    data_answer: str = "250 OK"
    quit_answer: str = "221 Bye"
    unknown: str = "nobody@acme.example"
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the name that the server calls
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address == self.unknown:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name that the server calls
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.data_answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            found = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(found, EmailMessage)
            self.taken.append(found)
            self.recipients.append(envelope.rcpt_tos)
            assert server.transport is not None
            tls = server.transport.get_extra_info("ssl_object")
            self.encrypted.append(tls is not None)
        return self.data_answer

    async def handle_QUIT(  # noqa: N802 - the name that the server calls
        self, _server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        return self.quit_answer

    def authenticate(self, *arguments: Any) -> AuthResult:
        data = arguments[-1]
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=good)


def certificate(folder: Path) -> Path:
    """Make a key and a certificate of 127.0.0.1 in one file, signed by itself; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of tests")])
    now = datetime.fromtimestamp(0, UTC) + timedelta(days=50 * 365)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=50 * 365))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + made.public_bytes(Encoding.PEM)
    )
    return path


def free_port() -> int:
    """Return a port at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def smtp_server(pem: Path | None = None, *, from_the_start: bool = False) -> Iterator[Server]:
    """Yield a server; with a certificate it asks for encryption and a password."""
    server = Server()
    options: dict[str, Any] = {}
    if pem is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        options = {"auth_required": True, "authenticator": server.authenticate}
        if from_the_start:
            options |= {"ssl_context": context, "auth_require_tls": False}
        else:
            options |= {"tls_context": context, "require_starttls": True}
    server.port = free_port()  # it knocks at the port that it was given, so 0 will not do
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
