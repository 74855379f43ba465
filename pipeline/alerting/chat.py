"""What the robots of chat services have in common: one text of several lines, a code in the answer.

They answer 200 to a message that they did not take and say so in the body. Each robot may send some
20 messages a minute, so alerts that come together share one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.alerting.posting import Answer, code_of, encode, host, post, require_ok
from pipeline.alerting.sentence import line
from pipeline.alerting.sink import AlertRecord
from pipeline.errors import AlertRefused, ReceiverBusy, TransientError

TOO_MANY_S: Final = 60.0
"""How long a robot is left alone that has sent too many messages: its limits are by the minute."""
BATCH: Final = 20


@dataclass(frozen=True, slots=True)
class Codes:
    """A service's codes: by which names its answer has one, and what they mean; 0 is taken."""

    names: tuple[str, ...]
    too_many: Collection[int]
    passing: Collection[int] = ()


def text_of(alerts: Sequence[AlertRecord]) -> str:
    """Return the alerts, one line each."""
    return "\n".join(line(alert) for alert in alerts)


async def say(receiver: str, url: str, message: object, codes: Codes) -> None:
    """Post a message to a robot.

    Raises:
        ReceiverBusy: too many messages.
        TransientError: no answer, a server's error, or a code that passes.
        AlertRefused: any other code, or an answer that is not the service's.
    """
    judge(receiver, url, await post(receiver, url, encode(message), {}), codes)


def judge(receiver: str, url: str, answer: Answer, codes: Codes) -> None:
    """Do nothing if the message was taken; raises as ``say`` does."""
    try:
        code, text = code_of(receiver, url, answer, *codes.names)
    except AlertRefused:
        require_ok(receiver, url, answer)  # a proxy's 502 has no code and says more
        raise
    msg = f"{receiver} at {host(url)} answered {answer.status} with {text!r}, expected code 0"
    if code in codes.too_many:
        raise ReceiverBusy(msg, after_s=TOO_MANY_S)
    require_ok(receiver, url, answer)
    if code in codes.passing:
        raise TransientError(msg)
    if code:
        raise AlertRefused(msg)
