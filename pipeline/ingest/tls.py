"""How a live socket is encrypted: TLS by the standard library, the other side's name proven."""

from __future__ import annotations

import ssl
from pathlib import Path

from pipeline.errors import InputError


def client_context(authorities: Path | None = None) -> ssl.SSLContext:
    """Return what TLS asks of a server: a certificate of its host name, by a known authority.

    Args:
        authorities: PEM file of certificates to trust instead of the system's; that of a
            self-signed server is its own authority.

    Raises:
        InputError: the file cannot be read, or holds no certificate.
    """
    if authorities is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=authorities)
    except OSError as error:  # ssl.SSLError is one
        msg = f"--tls-ca: {authorities}: expected certificates in PEM, {error.strerror or error}"
        raise InputError(msg) from error


def why_refused(error: ssl.SSLError) -> str:
    """Return in words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate is not trusted: {error.verify_message}; expected one of this host's "
            "name, by an authority of the system or of --tls-ca"
        )
    return f"no TLS handshake ({error.reason or error}); expected a port that speaks TLS"
