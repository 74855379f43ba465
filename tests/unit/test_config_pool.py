from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config_pool import load_pool
from pipeline.errors import ConfigError

GOOD = """
pool:
  - name: leaders
    people: 12
    hours: "09:00-21:00"
    ramp_min: 5
  - name: cards
    client: harbour
    queue: cards
    ramp_min: 20
    cost_per_hour: 1.5
    pace: 1.2
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "pool.yaml"
    path.write_text(text)
    return path


def test_people_and_programmes_are_read(tmp_path: Path) -> None:
    leaders, cards = load_pool(written(tmp_path, GOOD))
    assert (leaders.people, leaders.hours, leaders.ramp_s) == (12, (540, 1260), 300)
    assert (leaders.cost_per_hour, leaders.pace, leaders.programme) == (1.0, 1.0, None)
    assert (cards.people, cards.hours) == (None, (0, 1440))
    assert (cards.programme, cards.cost_per_hour, cards.pace) == (
        ("harbour", "", "cards"),
        1.5,
        1.2,
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("people: 12", "people: -1", 4, "people: expected 0 to 100000, got -1"),
        ("people: 12", "persons: 12", 4, r"unknown key\(s\) \['persons'\]"),
        ("    people: 12\n", "", 3, "expected a key 'people'"),
        ('"09:00-21:00"', '"21:00-09:00"', 5, "hours: expected hours that end after they begin"),
        ("ramp_min: 5", "ramp_min: 5000", 6, "ramp_min: expected 0 to 1440, got 5000"),
        ("name: cards", "name: leaders", 7, "name: 'leaders' stands on line 3 already"),
        ("    client: harbour\n", "", 7, "expected a key 'client'"),
        ("1.5", "dear", 11, "cost_per_hour: expected a number from 0 on, got 'dear'"),
        ("1.2", "0", 12, "pace: expected a number from 0.1 on, got 0"),
        ("1.2", ".nan", 12, "pace: expected a number from 0.1 on, got nan"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigError, match=rf"pool\.yaml:{line}: {said}"):
        load_pool(path)
