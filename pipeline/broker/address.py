"""Addresses of brokers as a client is given them: ``host:port``, several with commas."""

from __future__ import annotations

import re
from typing import Final

from pipeline.errors import ConfigError

_ADDRESS: Final = re.compile(r"(?P<host>[^\s:]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")


def addresses(bootstrap: str) -> list[tuple[str, int]]:
    """Return (host, port) of each address.

    Raises:
        ConfigError: one of them is none.
    """
    found = []
    for address in bootstrap.split(","):
        match = _ADDRESS.fullmatch(address)
        if match is None:
            problem = f"expected host:port, got {address!r}"
            raise ConfigError("environment variable VANE_BOOTSTRAP", problem)
        found.append((match["host"].strip("[]"), int(match["port"])))
    return found
