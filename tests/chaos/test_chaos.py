"""Real workers on a real broker under drawn faults: every number is as if nothing had happened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.settings import load_settings
from tests.chaos import campaign
from tests.chaos.runner import Campaign, broker_to_restart
from tests.chaos.schedule import Fault, draw, missing
from tests.chaos.verdict import DIFFERENT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

SEEDS = (0, 5)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    home = tmp_path_factory.mktemp("chaos")
    jars = load_settings({}).jars
    with broker_to_restart(home, jars) as found:
        yield found
    shutil.rmtree(home / "kafka" / "data")


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_change_no_number(broker: Campaign, tmp_path: Path, seed: int) -> None:
    campaign.run_schedule(broker, draw(seed), tmp_path)


def test_a_worker_that_is_wrong_is_found_out(broker: Campaign, tmp_path: Path) -> None:
    wrong = campaign.WRONG[0]
    with pytest.raises(AssertionError, match=DIFFERENT):
        campaign.run_schedule(broker, campaign.KILLED, tmp_path, wrong=wrong, sql=False)


def test_consecutive_seeds_have_every_fault() -> None:
    assert missing(draw(seed) for seed in range(100, 100 + len(Fault))) == set()
    assert missing([draw(0)])
