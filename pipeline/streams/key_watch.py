"""Whether clients that are said to lie whole in a partition come under their own key.

``keyed_by_client`` of ``config/alerts.yaml`` says so, and rules judge such a client as one. If its
records come under ``client/site`` all the same, each partition judges a part: that is told, once.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from pipeline.config_files import AlertRules
from pipeline.streams.record import Records

log = structlog.get_logger(__name__)


class KeyWatch:
    """Looks at the keys of records on behalf of some clients."""

    def __init__(self, clients: Iterable[str]) -> None:
        """Watch for keys with a site of these clients."""
        self._prefixes = {client: f"{client}/".encode() for client in clients}

    def look(self, partition: int, records: Records) -> None:
        """Log each client that does not come under its own key, the first time."""
        if not self._prefixes:
            return
        keys = {record.key for record in records if record.key}
        for client, prefix in list(self._prefixes.items()):
            found = next((key for key in keys if key.startswith(prefix)), None)
            if found is not None:
                del self._prefixes[client]
                log.error(
                    "client is not keyed as one",
                    client=client,
                    key=found.decode("utf-8", "replace"),
                    partition=partition,
                    fix="take it out of keyed_by_client in alerts.yaml, or send it under its name",
                )


def key_watch(rules: AlertRules) -> KeyWatch:
    """Return what watches the clients that the rules take for whole."""
    return KeyWatch(rules.rules[0].grouping.whole_clients if rules.rules else ())
