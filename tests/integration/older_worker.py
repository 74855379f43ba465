"""``vane`` as a release before this one might have been. Run as a module by a test.

It does not know the type ``callback_requested`` nor the field ``customer_ref``, allows legs up to
9 and records up to 2,000 bytes.
"""

from __future__ import annotations

import os
import sys

from pipeline.cli import main
from pipeline.codec import judge
from pipeline.codec.decode import decode_call_event
from pipeline.domain.events import CallEvent, EventType, Rejected


def decode(raw: bytes) -> CallEvent | Rejected:
    event = decode_call_event(raw)
    if isinstance(event, Rejected):
        return event
    refusals = {
        "too_large": len(raw) > 2_000,
        "unknown_type": event.type is EventType.CALLBACK_REQUESTED,
        "unknown_field": event.customer_ref is not None,
        "bad_value": event.leg > 9,
    }
    for reason, is_so in refusals.items():
        if is_so:
            return Rejected(reason=reason, message="as of an older release", raw=raw)
    return event


if __name__ == "__main__":
    # The domain is imported above, so the compiled one would come too late.
    os.environ["VANE_KERNEL"] = "python"
    vars(judge)["decode_call_event"] = decode
    main(sys.argv[1:])
