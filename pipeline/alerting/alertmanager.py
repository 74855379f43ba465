"""Alerts for Prometheus' Alertmanager, by ``POST /api/v2/alerts``.

Alertmanager keeps alerts in memory and takes one that it is not told of any more for resolved. So
what fires is told again every minute, with an end that lies ahead. The end is hours away and not
minutes: a worker that is dead knows nothing of the calls, and loss of data is not "resolved".
``config/prometheus/vane.rules.yml`` tells of the dead worker itself, within two minutes.

Labels are identity and hold no number; what changes from one telling to the next is annotation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import structlog

from pipeline.alerting.posting import encode, host, post, require_ok
from pipeline.alerting.sentence import describe
from pipeline.alerting.sink import AlertRecord
from pipeline.errors import AlertRefused

log = structlog.get_logger(__name__)

STANDS_S: Final = 4 * 3600.0
"""How long an alert still stands if nobody tells of it again: longer than a night's repair takes,
shorter than a shift."""
ENDED_TOLD_S: Final = 15 * 60.0
"""How long an end is told again, as Prometheus does: an older telling that arrives after it would
else make the alert stand."""
BATCH: Final = 200

Subject: TypeAlias = tuple[str, ...]
Identity: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Known:
    """One alert as its receiver has to know it; ``ended_s`` is when (epoch s) it was over."""

    alert: AlertRecord
    starts_ms: int
    ended_s: float | None = None


def labels(alert: AlertRecord) -> dict[str, str]:
    """Return what makes an alert the same alert: names and a version, never a number."""
    found = {
        "alertname": alert["rule"],
        "client": alert["client"],
        "site": alert["site"],
        "programme": alert.get("programme", ""),
        "queue": alert["queue"],
        "kpi": alert.get("kpi", "service_level"),  # v1 of the schema knows no other
        "severity": alert["severity"],
        "rule_version": alert["rule_version"],
    }
    found["scope"] = next(n for n in ("queue", "programme", "site", "client") if found[n])
    return {name: str(value) for name, value in found.items() if value}


def notes(alert: AlertRecord) -> dict[str, str]:
    """Return the annotations: what people read, and where the numbers are."""
    return {
        "summary": describe(alert),
        "runbook": str(alert["runbook"]),
        "alert_id": str(alert["alert_id"]),
        "at": _instant(alert["at_ms"] / 1000),
        "window_min": str(alert["window_ms"] // 60_000),
        "offered": str(alert["offered"]),
        "answered_within": str(alert["answered_within"]),
        "goal_pct": f"{alert['goal_permille'] / 10:g}",
    }


class AlertmanagerSink:
    """One Alertmanager; of several that form a cluster each is told everything, as they expect."""

    batch: Final = BATCH

    def __init__(
        self, url: str, *, again_s: float = 60.0, clock: Callable[[], float] = time.time
    ) -> None:
        """Remember the address, before ``/api``, and how often to tell what fires again."""
        self.name = f"alertmanager-{host(url)}"
        self.again_s = again_s
        self._url = f"{url.rstrip('/')}/api/v2/alerts"
        self._clock = clock
        self._known: dict[Subject, dict[Identity, _Known]] = {}
        self._one_at_a_time = asyncio.Lock()
        """A telling of what fires must not overtake the news that it is over."""

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Tell of transitions; from then on, what fires is told again."""
        async with self._one_at_a_time:
            now = self._clock()
            told = [known for alert in alerts for known in self._note(alert, now)]
            try:
                await self._post(told)
            except AlertRefused:
                if len(alerts) == 1:
                    self._drop(alerts[0])
                raise

    def restore(self, alerts: Sequence[tuple[AlertRecord, float]]) -> None:
        """Take over a partition's alerts, as the log of them has it."""
        for alert, appended_s in alerts:
            self._note(alert, appended_s)

    def forget(self) -> None:
        """Leave what fires to be told by others."""
        self._known.clear()

    def standing(self) -> int:
        """Return how many alerts fire."""
        return sum(known.ended_s is None for known in self._all())

    async def send_again(self) -> None:
        """Tell what fires and what ended of late."""
        async with self._one_at_a_time:
            since = self._clock() - ENDED_TOLD_S
            told = []
            for known in list(self._all()):
                if known.ended_s is not None and known.ended_s < since:
                    self._drop(known.alert)
                else:
                    told.append(known)
            for first in range(0, len(told), BATCH):
                await self._post_or_drop(told[first : first + BATCH])

    def _all(self) -> Iterator[_Known]:
        for versions in self._known.values():
            yield from versions.values()

    def _drop(self, alert: AlertRecord) -> None:
        versions = self._known.get(_subject(alert), {})
        versions.pop(_identity(alert), None)
        if not versions:
            self._known.pop(_subject(alert), None)

    def _note(self, alert: AlertRecord, now: float) -> list[_Known]:
        """Take in a transition; return what has to be told because of it."""
        identity = _identity(alert)
        versions = self._known.setdefault(_subject(alert), {})
        known = versions.setdefault(identity, _Known(alert, alert["at_ms"]))
        if alert["status"] != "firing":
            known.alert, known.ended_s = alert, now
            return [known]
        if known.ended_s is not None:
            known.starts_ms = alert["at_ms"]
        known.alert, known.ended_s = alert, None
        # What an older version of the rule said of the same queue, nobody else will end.
        superseded = [o for o in versions.values() if o is not known and o.ended_s is None]
        for other in superseded:
            other.ended_s = now
        return [*superseded, known]

    async def _post_or_drop(self, known: Sequence[_Known]) -> None:
        """Post them; if they are refused, each alone, and let go of those that are."""
        try:
            await self._post(known)
        except AlertRefused as error:
            if len(known) > 1:
                for one in known:
                    await self._post_or_drop([one])
                return
            log.error("alert refused", sink=self.name, error=str(error))  # noqa: TRY400 - it tells
            self._drop(known[0].alert)

    async def _post(self, known: Sequence[_Known]) -> None:
        if known:
            now = self._clock()
            body = encode([_wire(one, now) for one in known])
            require_ok(self.name, self._url, await post(self.name, self._url, body, {}))


def _identity(alert: AlertRecord) -> Identity:
    return tuple(sorted(labels(alert).items()))


def _subject(alert: AlertRecord) -> Subject:
    programme = "" if alert["queue"] else alert.get("programme", "")  # a queue may come to another
    return (alert["rule"], alert["client"], alert["site"], programme, alert["queue"])


def _wire(known: _Known, now: float) -> dict[str, Any]:
    """Return an alert as API v2 has it; no instant of it is ahead of now but a standing end."""
    starts = min(known.starts_ms / 1000, now)
    if known.ended_s is None:
        ends = now + STANDS_S
    else:
        over = known.alert["at_ms"] / 1000 if known.alert["status"] == "resolved" else now
        ends = min(max(starts, over), known.ended_s)
    return {
        "labels": labels(known.alert),
        "annotations": notes(known.alert),
        "startsAt": _instant(min(starts, ends)),
        "endsAt": _instant(ends),
    }


def _instant(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")
