"""The calls of a log that are open or were seen lately, and when each is let go.

A call that nothing was said of for ``KEPT_MS`` is let go, one that is not over after
``KEPT_OPEN_MS``: two generations, of which the older goes when its time has come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipeline.codec.queue_log_fields import NO_CALL, UnusableError
from pipeline.codec.queue_log_leg import LoggedLeg

KEPT_MS: Final = 2 * 3_600_000
KEPT_OPEN_MS: Final = 12 * 3_600_000

Call = list[LoggedLeg]
"""The legs of one call; a leg that an attended transfer handed to it has another call's id."""


class KeptCalls:
    """Calls by id. ``over`` is given each that is let go, ``recall`` asked for unknown ones."""

    def __init__(
        self, *, over: Callable[[Call], None], recall: Callable[[str], Call | None]
    ) -> None:
        """Start without calls."""
        self._over, self._recall = over, recall
        self.young: dict[str, Call] = {}
        """Those spoken of lately: looked at first."""
        self._old: dict[str, Call] = {}
        self._turned_at = 0
        self.due_at = 0
        """When, by the time of a record, ``turn`` is to be called."""

    def call(self, name: str) -> Call:
        """Return a call, empty if it is new; raise UnusableError if it is none."""
        call = self.young.get(name)
        if call is None:
            call = self._old.pop(name, None)
            if call is None:
                if name in NO_CALL:
                    msg = f"expected the id of a call, got {name!r}"
                    raise UnusableError("no_call_id", msg)
                call = self._recall(name) or []
            self.young[name] = call
        return call

    def legs_of(self, call: str) -> Call:
        """Return the legs of a call that is kept; none if it is not."""
        return self.young.get(call) or self._old.get(call) or []

    @property
    def names(self) -> list[str]:
        """Return the names of the calls that are kept."""
        return [*self._old, *self.young]

    def turn(self, at: int) -> None:
        """Let go of what has been quiet for long; call it when a record is at or past ``due_at``.

        A single record far ahead of the others lets go only of what has been quiet before it.
        """
        going, self._old, self.young = self._old, self.young, {}
        self._turned_at, self.due_at = at, at + KEPT_MS
        for name, call in going.items():
            if all(leg.is_over for leg in call) or at - call[0].first_ms > KEPT_OPEN_MS:
                self._over(call)
            else:
                self._old[name] = call

    def went_back(self, at: int) -> None:
        """Note that the time of records has gone back to ``at``, so that ``turn`` comes in time."""
        if at < self._turned_at - KEPT_MS:
            self._turned_at, self.due_at = at, at + KEPT_MS

    def finish(self) -> None:
        """Let go of everything: the log is over."""
        for calls in (self._old, self.young):
            for call in calls.values():
                self._over(call)
        self._old, self.young = {}, {}
