"""Gives the workers under the new configuration what was folded: panes, progress, a snapshot.

In this order, and each only when the one before is acknowledged: a worker goes on from a snapshot
whose panes are there. Cut short before it, the worker folds the log again itself, as without a
replay. What is late, rejected or quarantined does not depend on the configuration and has been
told when it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.domain.alert import Alert, AlertStatus, EndReason
from pipeline.domain.alert_scope import Scope
from pipeline.domain.events import event_id
from pipeline.domain.fold import PartitionFold
from pipeline.domain.fold_state import dump
from pipeline.domain.outbox import Outbox
from pipeline.replay.comparison import Comparison
from pipeline.replay.plan import Plan, Span
from pipeline.settings import Settings
from pipeline.streams import outgoing, snapshots
from pipeline.streams.publisher import Publisher


class Handover:
    """The publishing side of one partition's replay."""

    def __init__(self, settings: Settings, plan: Plan, span: Span, publisher: Publisher) -> None:
        """Prepare; ``publisher`` is started."""
        self._topic = settings.topic
        self._plan = plan
        self._span = span
        self._publisher = publisher
        self._partition = span.log.partition
        self._templates = outgoing.PaneTemplates(self._partition, plan.after.config_hash)

    async def publish(self, fold: PartitionFold, box: Outbox) -> None:
        """Publish the panes of a chunk; alerts only of what no worker has folded yet."""
        upserts = outgoing.pane_upserts(box, fold.next_offset, self._templates)
        for name, found in zip(outgoing.KPI_TOPICS, upserts, strict=True):
            if found:
                await self._publisher.publish(self._topic(name), self._partition, found)
        if not self._plan.compares and fold.next_offset > self._span.live_next:
            await self._tell(box.alerts, fold.next_offset)

    async def finish(self, fold: PartitionFold, comparison: Comparison) -> None:
        """Publish progress and the snapshot, once all before is acknowledged."""
        if self._plan.compares:
            await self._tell(list(_of_now(fold, comparison)), fold.next_offset)
        publish, config_hash = self._publisher.publish, self._plan.after.config_hash
        progress = outgoing.progress(fold, self._partition, config_hash)
        await publish(self._topic("kpi.progress"), self._partition, [progress])
        await self._publisher.flush(self._partition)
        snapshot = snapshots.record(
            self._partition, dump(fold), config_hash=config_hash, source_topic=self._span.log.name
        )
        await publish(self._topic("vane.snapshots"), self._partition, [snapshot])
        await self._publisher.flush(self._partition)

    async def _tell(self, alerts: list[Alert], revision: int) -> None:
        if alerts:
            records = [
                outgoing.alert_record(alert, revision=revision, partition=self._partition)
                for alert in alerts
            ]
            await self._publisher.publish(self._topic("kpi.alerts"), self._partition, records)


def _of_now(fold: PartitionFold, comparison: Comparison) -> Iterator[Alert]:
    """Yield what people have to be told at a switch: how things stand now, nothing of the past.

    What fires by the new configuration alone; and what fires by the old one alone, as resolved,
    since nobody looks at it any more.
    """
    before, after = comparison.firing
    yield from (a for where, a in after.items() if where not in before and _is_of(fold, a))
    for where, alert in before.items():
        if where not in after and _is_of(fold, alert):
            yield replace(
                alert,
                alert_id=event_id("vane replay", alert.alert_id),
                status=AlertStatus.RESOLVED,
                at_ms=fold.watermark.ms,
                end_reason=EndReason.RULE_ENDED,
            )


def _is_of(fold: PartitionFold, alert: Alert) -> bool:
    """Say whether an alert is about a queue of a fold, or about several of them."""
    if alert.scope is Scope.QUEUE:
        return (alert.client, alert.site, alert.queue) in fold.queues
    return any(
        q.client == alert.client and alert.site in {"", q.site} for q in fold.queues.values()
    )
