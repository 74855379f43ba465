"""agent_time.yaml: the shipped one loads; each kind of mistake is refused where it stands."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.config_agent_time import load_agent_time
from pipeline.domain.agent_terms import Measure
from pipeline.domain.business_time import midnight_ms
from pipeline.domain.events import AgentState
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT

SHIPPED = PROJECT_ROOT / "config" / "agent_time.yaml"
TERM = """\
      - from: 2025-01-01
        precedence: [on_contact, after_call_work, ringing, training, meeting, break, meal,
                     back_office, available, other]
        heartbeat_s: 60
        heartbeats_missed: 3
        ringing: idle
        productive: {states: [available], presumed: in}
        billable:
          states: [available, "break:rona"]
          presumed: out
          minimum_login_min: 30
        paid:
          states: [break]
          presumed: in
          cap_min: {break: 20}
        adherence:
          on_queue: [available]
          back_office: [back_office]
          break: [break, logged_out]
          meal: [meal]
          training: [training]
          meeting: [meeting]
          other: []
"""
GOOD = f'agent_time:\n  - client: "*"\n    terms:\n{TERM}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent_time.yaml"


def test_the_shipped_terms_load() -> None:
    found = load_agent_time(SHIPPED).history("harbour", "Asia/Shanghai")
    (terms,) = found.terms
    assert terms.lost_after_ms == 240_000
    assert terms.longest_silence_ms == 16 * 3_600_000
    assert not terms.measures[Measure.BILLABLE].counts_presumed


def test_terms_are_read_as_they_are_written(path: Path) -> None:
    path.write_text(GOOD)
    (terms,) = load_agent_time(path).history("acme", "UTC").terms
    assert (terms.lost_after_ms, terms.longest_silence_ms) == (180_000, None)
    billable, paid = terms.measures[Measure.BILLABLE], terms.measures[Measure.PAID]
    assert billable.minimum_login_ms == 1_800_000
    assert billable.counts(AgentState.BREAK, "rona")
    assert paid.caps == {AgentState.BREAK: 1_200_000}
    assert terms.adherence["break"] == {AgentState.BREAK, AgentState.LOGGED_OUT}


def test_a_client_of_its_own_has_terms_by_its_own_midnight(path: Path) -> None:
    later = TERM.replace("2025-01-01", "2025-11-11").replace("heartbeat_s: 60", "heartbeat_s: 90")
    path.write_text(f"{GOOD}  - client: acme\n    terms:\n{TERM}{later}")
    times = load_agent_time(path)
    own = times.history("acme", "Asia/Shanghai")
    midnight = midnight_ms(date(2025, 11, 11), "Asia/Shanghai")
    assert [own.at(midnight - 1).lost_after_ms, own.at(midnight).lost_after_ms] == [
        180_000,
        270_000,
    ]
    assert len(times.history("other", "UTC").terms) == 1


WRONG = {
    "unknown key at the top": ("agent_time:", "agents:", 1, "unknown key(s) ['agents']"),
    "no default": ('client: "*"', "client: acme", 1, 'expected an entry for client "*"'),
    "unknown key of an entry": ("    terms:", "    term:", 3, "unknown key(s) ['term']"),
    "no date": ("2025-01-01", "soon", 4, "from: expected date, got 'soon'"),
    "a date with a time": ("2025-01-01", "2025-01-01 08:00:00", 4, "a date without a time"),
    "unknown key of a term": ("        ringing:", "        wringing:", 9, "['wringing']"),
    "a state without a rank": ("available, other]", "available]", 5, "precedence: expected each"),
    "a state ranked twice": ("other]\n", "meal]\n", 5, "precedence: expected each of ['after"),
    "no heart-beat": ("heartbeat_s: 60", "heartbeat_s: 0", 7, "heartbeat_s: expected 1 to 3600"),
    "heart-beat as text": ("heartbeat_s: 60", 'heartbeat_s: "60"', 7, "expected int, got '60'"),
    "none may be missed": ("missed: 3", "missed: 0", 8, "heartbeats_missed: expected 1 to 100"),
    "endless silence": (
        "        ringing",
        "        longest_silence_h: 169\n        ringing",
        9,
        "longest_silence_h: expected 1 to 168, got 169",
    ),
    "ringing elsewhere": ("idle", "busy", 9, "one of ['idle', 'neither', 'occupied'], got 'busy'"),
    "a measure is missing": (
        "        productive: {states: [available], presumed: in}\n",
        "",
        4,
        "expected a key 'productive'",
    ),
    "unknown key of a measure": ("presumed: out", "presumptive: out", 13, "['presumptive']"),
    "an unknown state": ("[available, ", "[idle, ", 12, "states: expected some of ['after_call"),
    "a state counts logged out": ("[available, ", "[logged_out, ", 12, "got 'logged_out'"),
    "a colon without a reason": ('"break:rona"', '"break:"', 12, "got 'break:'"),
    "presumed otherwise": ("presumed: out", "presumed: maybe", 13, "expected one of ['in', 'out']"),
    "a cap of no state": ("{break: 20}", "{tea: 20}", 18, "unknown key(s) ['tea']"),
    "a cap beyond the day": ("{break: 20}", "{break: 1501}", 18, "break: expected 0 to 1500"),
    "a minimum below none": ("min: 30", "min: -1", 14, "minimum_login_min: expected 0 to 1500"),
    "an activity is missing": ("          meal: [meal]\n", "", 20, "expected a key 'meal'"),
    "an unknown activity": ("          meal:", "          leave:", 23, "unknown key(s) ['leave']"),
    "keeps to it by no state": ("meal: [meal]", "meal: [lunch]", 23, "got ['lunch']"),
}


@pytest.mark.parametrize(("old", "new", "line", "says"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_its_line(
    path: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as refused:
        load_agent_time(path)
    assert says in str(refused.value)
    assert str(refused.value).startswith(f"{path}:{line}: ")


def test_one_client_has_one_entry(path: Path) -> None:
    path.write_text(f'{GOOD}  - client: "*"\n    terms:\n{TERM}')
    with pytest.raises(ConfigError, match=r"one entry per client, got '\*' twice"):
        load_agent_time(path)


@pytest.mark.parametrize("terms", [TERM + TERM, TERM + TERM.replace("2025", "2024")])
def test_terms_ascend(path: Path, terms: str) -> None:
    path.write_text(f'agent_time:\n  - client: "*"\n    terms:\n{terms}')
    with pytest.raises(ConfigError, match="expected ascending, different days in from"):
        load_agent_time(path)


def test_no_terms_are_refused(path: Path) -> None:
    path.write_text('agent_time:\n  - client: "*"\n    terms: []\n')
    with pytest.raises(ConfigError, match=r"expected ascending, different days in from, got \[\]"):
        load_agent_time(path)


def test_the_version_is_of_what_moves_numbers_not_of_how_it_is_written(path: Path) -> None:
    def version(text: str) -> str:
        path.write_text(text)
        return load_agent_time(path).version

    first = version(GOOD)
    for old, new in (
        ('[available, "break:rona"]', '["break:rona", available]'),
        ("[break, logged_out]", "[logged_out, break]"),
        (
            "heartbeat_s: 60\n        heartbeats_missed: 3",
            "heartbeat_s: 90\n        heartbeats_missed: 2",
        ),
    ):
        assert old in GOOD
        assert version(GOOD.replace(old, new)) == first
    other = GOOD.removeprefix("agent_time:\n").replace('"*"', "acme").replace("idle", "neither")
    assert version(GOOD + other) == version(
        f"agent_time:\n{other}{GOOD.removeprefix('agent_time:')}"
    )
    changed = [
        GOOD.replace("on_contact, after_call_work", "after_call_work, on_contact"),
        *(GOOD.replace(*pair) for pair in (("60", "61"), ("idle", "occupied"), ("20}", "21}"))),
        *(GOOD.replace(*pair) for pair in ((": 30", ": 31"), ("presumed: out", "presumed: in"))),
        *(
            GOOD.replace(*pair)
            for pair in (("2025-01-01", "2025-01-02"), ("other: []", "other: [meal]"))
        ),
        GOOD + other,
    ]
    assert len({version(text) for text in [GOOD, *changed]}) == 1 + len(changed)
