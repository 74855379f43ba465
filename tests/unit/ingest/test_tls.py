"""A live socket over TLS: verified against a real server, refused where it proves nothing."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from pipeline.commands.ingest import app
from pipeline.errors import InputError
from pipeline.ingest.tls import client_context
from tests.unit.ingest.test_connect import Peer, ami, ami_login, for_ever, joined, talk


class Server:
    """A self-signed certificate for some addresses, as PEM files and as a server has it."""

    def __init__(self, folder: Path, *addresses: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbx")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(a)) for a in addresses])
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        folder.mkdir()
        self.pem = folder / "pbx.pem"
        self.pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = folder / "key.pem"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.pem, private)


@pytest.fixture(scope="module")
def pbx(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A server that proves to be 127.0.0.1."""
    return Server(tmp_path_factory.mktemp("tls") / "pbx", "127.0.0.1")


async def two_calls(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert writer.get_extra_info("cipher") is not None
    await ami_login(peer, reader, writer)
    writer.write(joined("1.1") + joined("1.2"))
    await for_ever(peer, reader)


async def cut(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await ami_login(peer, reader, writer)
    writer.write(joined("1.0") + joined("1.1")[:-10])
    await writer.drain()


def test_events_come_over_tls_and_again_after_it_broke(pbx: Server) -> None:
    peer = Peer(cut, two_calls, tls=pbx.context)
    talk(peer, ami, lambda p: len(p.events) == 5, tls=client_context(pbx.pem))
    assert [e["contact_id"] for e in peer.events] == ["boot", "1.0", "boot", "1.1", "1.2"]
    assert peer.intake.tally.rejected == {"cut_off": 1}
    assert peer.intake.tally.connects == 2


def refused(peer: Peer, tls: ssl.SSLContext) -> str:
    with pytest.raises(InputError) as found:
        talk(peer, ami, lambda _: False, tls=tls)
    assert peer.heard == []  # no password was sent
    return str(found.value)


def test_a_certificate_by_nobody_known_is_refused(pbx: Server) -> None:
    told = refused(Peer(two_calls, tls=pbx.context), client_context())
    assert "127.0.0.1:" in told
    assert "the certificate is not trusted: self-signed certificate" in told
    assert "--tls-ca" in told


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    other = Server(tmp_path / "other", "192.0.2.1")
    told = refused(Peer(two_calls, tls=other.context), client_context(other.pem))
    assert "is not valid for '127.0.0.1'" in told


def test_a_port_that_speaks_in_the_clear_is_refused(pbx: Server) -> None:
    told = refused(Peer(ami_login), client_context(pbx.pem))
    assert "no TLS handshake" in told
    assert "expected a port that speaks TLS" in told


def test_authorities_that_are_none_are_named(tmp_path: Path) -> None:
    gone, empty = tmp_path / "gone.pem", tmp_path / "empty.pem"
    empty.write_text("no certificate")
    with pytest.raises(InputError, match=r"gone\.pem: expected certificates in PEM, No such file"):
        client_context(gone)
    with pytest.raises(InputError, match=r"empty\.pem: expected certificates in PEM"):
        client_context(empty)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--tls queue_log", "--tls: expected --connect with it"),
        ("--connect pbx:5038 --tls-ca pbx.pem", "--tls-ca: expected --tls with it"),
        ("--connect pbx:5038 --tls --tls-ca gone.pem", "gone.pem: expected certificates in PEM"),
    ],
)
def test_options_that_encrypt_nothing_are_refused(options: str, expected: str) -> None:
    result = CliRunner().invoke(app, ["--format", "ami", "--client", "acme", *options.split()])
    assert result.exit_code != 0
    assert expected in f"{' '.join(result.output.split())} {result.exception}"
