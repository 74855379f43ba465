"""Places in ``config/alerts.yaml``: which queues belong together, where work is planned."""

from __future__ import annotations

from datetime import datetime

from pipeline.config_problems import Problems
from pipeline.config_yaml import Located, check_keys, mappings, take
from pipeline.domain.alert_rule import Maintenance
from pipeline.domain.alert_scope import Grouping, Programme


def maintenance_of(problems: Problems, item: Located) -> Maintenance | None:
    """Return a planned window; None, and problems more, if it is none."""
    before = len(problems.found)
    problems.tried(check_keys, item, {"from", "until", "client", "site", "queue", "why"})
    problems.tried(take, item, "why", str)
    start, end = (_instant(problems, item, key) for key in ("from", "until"))
    names = {
        key: problems.tried(take, item, key, str)
        for key in ("client", "site", "queue")
        if key in item
    }
    if start >= end and len(problems.found) == before:
        problems.add(item.line_of("until"), "until: expected an instant after from")
    if len(problems.found) > before:
        return None
    return Maintenance(start_ms=start, end_ms=end, **names)


def grouping_of(problems: Problems, top: Located) -> Grouping:
    """Return the programmes, and the clients that lie whole in a partition."""
    found = []
    items = mappings(problems.path, top, "programmes") if "programmes" in top else []
    for item in items:
        before = len(problems.found)
        problems.tried(check_keys, item, {"name", "client", "site", "queue"})
        needed = ("name", "client", *({"site", "queue"} & item.keys()))
        names = {key: problems.tried(take, item, key, str) for key in needed}
        if len(problems.found) == before:
            found.append(Programme(**names))
    clients = problems.tried(take, top, "keyed_by_client", list) if "keyed_by_client" in top else []
    for client in clients or []:
        if not isinstance(client, str):
            line = top.line_of("keyed_by_client")
            problems.add(line, f"keyed_by_client: expected names of clients, got {client!r}")
    return Grouping(
        programmes=tuple(found),
        whole_clients=frozenset(client for client in clients or [] if isinstance(client, str)),
    )


def _instant(problems: Problems, item: Located, key: str) -> int:
    at: datetime | None = problems.tried(take, item, key, datetime)
    if at is None:
        return 0
    if at.tzinfo is None:
        problems.add(
            item.line_of(key),
            f"{key}: expected an instant with its offset, 2025-11-01T02:00:00+08:00, got {at}",
        )
        return 0
    return round(at.timestamp() * 1000)
