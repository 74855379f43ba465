"""Names of the headers by which a redriven record tells where it has been, and how often."""

from __future__ import annotations

from typing import Final

REDRIVE_FROM: Final = "redrive.from"
"""On a record that was sent again: topic/partition/offset of its dead letter."""
REDRIVE_ATTEMPT: Final = "redrive.attempt"
"""On a record that was sent again: for the how-manieth time, from 1."""
DLQ_ATTEMPT: Final = "dlq.attempt"
"""On a dead letter: how often what it holds had been sent again before; absent if never."""
