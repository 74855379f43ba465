"""From an alert's firing to its end: at which instants of event time something is due to be said.

At the firing, every five minutes of event time while it fires, and at the end. If event time runs
faster than answers come (a worker that catches up), only the newest instant is due and the others
are counted, because an outlook of half an hour ago helps nobody. Knows no broker and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from pipeline.alerting.recovery import queue_of
from pipeline.alerting.sink import AlertRecord
from pipeline.domain.alert import AlertStatus

EVERY_MS: Final = 300_000
FORGOTTEN_MS: Final = 86_400_000
"""An end that was not told of is passed over when it is so long ago."""


class Due(NamedTuple):
    """Something is due to be said of an alert; ``skipped`` instants before it were passed over."""

    alert: AlertRecord
    status: AlertStatus
    at_ms: int
    skipped: int


class Said(NamedTuple):
    """What was said of an alert last."""

    at_ms: int
    is_last: bool


@dataclass(slots=True)
class _Episode:
    firing: AlertRecord
    resolved_ms: int | None = None


class Episodes:
    """The alerts of one partition, in any state, and what was said of each."""

    def __init__(self) -> None:
        """Know of none."""
        self._firing: dict[tuple[str, str, str, str], str] = {}
        self._episodes: dict[str, _Episode] = {}
        self._said: dict[str, Said] = {}

    def take(self, alert: AlertRecord) -> None:
        """Note a transition; a repeated one, which a worker that starts anew writes, says nothing.

        Transitions of one queue and rule come in their order.
        """
        where, alert_id = queue_of(alert), str(alert["alert_id"])
        if alert["status"] == AlertStatus.FIRING:
            if alert_id not in self._episodes:
                self._episodes[alert_id] = _Episode(alert)
                self._firing[where] = alert_id
            return
        fired = self._firing.get(where)
        if fired is not None and alert["at_ms"] >= self._episodes[fired].firing["at_ms"]:
            del self._firing[where]
            self._episodes[fired].resolved_ms = alert["at_ms"]

    def said(self, alert_id: str, at_ms: int, *, is_last: bool) -> None:
        """Note what was said of an alert, by this worker or one before it."""
        before = self._said.get(alert_id)
        if before is None or (at_ms, is_last) > before:
            self._said[alert_id] = Said(at_ms, is_last)

    def due(self, event_time_ms: int) -> list[Due]:
        """Return what is due at an event time, in order of instants."""
        found = []
        for alert_id, episode in list(self._episodes.items()):
            ended = episode.resolved_ms
            if ended is not None and event_time_ms - ended > FORGOTTEN_MS:
                del self._episodes[alert_id]
                self._said.pop(alert_id, None)
                continue
            due = _due(episode, self._said.get(alert_id), event_time_ms)
            if due is not None:
                found.append(due)
        return sorted(found, key=lambda due: (due.at_ms, str(due.alert["alert_id"])))


def _due(episode: _Episode, said: Said | None, event_time_ms: int) -> Due | None:
    began = int(episode.firing["at_ms"])
    told = 0 if said is None else (said.at_ms - began) // EVERY_MS + 1
    """Instants up to the last one said."""
    ended = episode.resolved_ms
    if ended is not None:
        if said is not None and said.is_last:
            return None
        # Those strictly before the end; the end has a record of its own.
        instants = -(-(ended - began) // EVERY_MS)
        return Due(episode.firing, AlertStatus.RESOLVED, ended, max(0, instants - told))
    instants = (event_time_ms - began) // EVERY_MS + 1
    if instants <= told:
        return None
    at_ms = began + (instants - 1) * EVERY_MS
    return Due(episode.firing, AlertStatus.FIRING, at_ms, instants - told - 1)
