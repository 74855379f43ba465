"""Clients that are said to come under one key, and do not."""

from __future__ import annotations

from structlog.testing import capture_logs

from pipeline.config_files import AlertRules
from pipeline.domain.alert_rule import DropRule
from pipeline.domain.alert_scope import Grouping
from pipeline.streams.key_watch import key_watch
from tests.unit.domain.test_alert import a_rule
from tests.unit.streams.live import a_record


def told(rules: AlertRules, *chunks: list[bytes | None]) -> list[tuple[str, str, int]]:
    watch = key_watch(rules)
    with capture_logs() as logs:
        for partition, keys in enumerate(chunks):
            watch.look(partition, [a_record(0, key=key) for key in keys])
    return [(line["client"], line["key"], line["partition"]) for line in logs]


def taking_for_whole(*clients: str) -> AlertRules:
    grouping = Grouping(whole_clients=frozenset(clients))
    return AlertRules((a_rule(DropRule, grouping=grouping),), "v")


def test_a_client_that_comes_under_keys_of_sites_is_told_of_once() -> None:
    acme = taking_for_whole("acme", "bank")
    assert told(acme, [b"acme", b"acmeco/north", None]) == []
    assert told(acme, [b"acme"], [b"acme/north", b"acme"], [b"acme/south"]) == [
        ("acme", "acme/north", 1)
    ]
    assert sorted(told(acme, [b"acme/north", b"bank/x"])) == [
        ("acme", "acme/north", 0),
        ("bank", "bank/x", 0),
    ]


def test_without_such_clients_no_key_is_looked_at() -> None:
    assert told(taking_for_whole(), [b"acme/north"]) == []
    assert told(AlertRules((), "v"), [b"acme/north"]) == []
