"""Signs what the webhook is sent, so that its receiver can tell who sent it, and when.

``Vane-Signature: t=1764230400,v1=HEX``: HEX is the HMAC-SHA256, under the shared secret, of the
bytes ``1764230400.`` and the body as sent. A receiver computes it anew, compares in constant time,
and refuses a time that is more than five minutes off, so that nobody can send a recording again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

HEADER: Final = "Vane-Signature"
TOLERANCE_S: Final = 300

_SHAPE: Final = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: bytes, body: bytes, at_s: int) -> str:
    """Return the header's value for a body that is sent at an instant (epoch seconds)."""
    return f"t={at_s},v1={_digest(secret, body, at_s)}"


def verify(secret: bytes, body: bytes, header: str, now_s: float) -> bool:
    """Say whether the body is from who has the secret, and of now."""
    found = _SHAPE.fullmatch(header)
    if found is None:
        return False
    at_s, digest = int(found[1]), found[2]
    fresh = abs(now_s - at_s) <= TOLERANCE_S
    return hmac.compare_digest(digest, _digest(secret, body, at_s)) and fresh


def _digest(secret: bytes, body: bytes, at_s: int) -> str:
    return hmac.new(secret, b"%d." % at_s + body, hashlib.sha256).hexdigest()
