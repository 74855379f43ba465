"""A broker that cannot be reached is said so, with the address and what to do."""

from __future__ import annotations

import re

import pytest

from pipeline.broker.admin import admin
from pipeline.errors import BrokerUnavailable, ConfigError


@pytest.mark.parametrize("address", ["kafka", "kafka:x", "", "a:1,", "a:1 b:2", "kafka://a"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    expected = "VANE_BOOTSTRAP: expected host:port"
    with pytest.raises(ConfigError, match=expected), admin(address):
        pytest.fail("connected")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "[::1]:1,127.0.0.1:1"])
def test_a_broker_that_does_not_answer_is_named_with_what_to_do(address: str) -> None:
    expected = rf"no Kafka broker answers at {re.escape(address)} .*vane kafka start"
    with pytest.raises(BrokerUnavailable, match=expected), admin(address):
        pytest.fail("connected")
