"""The queue_log, read back line by line, says what the truth beside it says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import QUEUE_LOG_FOLDER, TRUTH_FILE, write_queue_log

ARGUMENTS = {
    "ENTERQUEUE": 3,
    "CONNECT": 3,
    "COMPLETEAGENT": 3,
    "COMPLETECALLER": 3,
    "ABANDON": 3,
    "EXITWITHTIMEOUT": 3,
    "EXITEMPTY": 3,
    "EXITWITHKEY": 4,
    "FULL": 0,
    "CLOSED": 0,
    "RINGNOANSWER": 1,
    "BLINDTRANSFER": 5,
    "ATTENDEDTRANSFER": 5,
    "ADDMEMBER": 1,
    "REMOVEMEMBER": 1,
    "PAUSE": 1,
    "UNPAUSE": 1,
}
THRESHOLDS_S = {"meridian": 20, "harbour": 30}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the logs of a hard day."""
    folder = tmp_path_factory.mktemp("asterisk")
    order = Order(scenario=Scenario.DOUBLE11, seed=2, year=2025, month=11, scale=0.5)
    write_queue_log(order, folder, lambda _: None)
    return folder


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    """Return what the simulator says it wrote."""
    content: dict[str, Any] = json.loads((folder / TRUTH_FILE).read_text())
    return content


def log_lines(folder: Path) -> dict[str, list[list[str]]]:
    """Return the fields of each line of each log."""
    return {
        path.stem: [line.split("|") for line in path.read_text().splitlines()]
        for path in sorted((folder / QUEUE_LOG_FOLDER).glob("*.log"))
    }


def test_there_is_one_log_per_floor(folder: Path) -> None:
    assert list(log_lines(folder)) == ["harbour", "meridian-cd", "meridian-sh"]


def test_every_line_has_the_arguments_of_its_verb_and_all_verbs_occur(folder: Path) -> None:
    seen = set()
    for lines in log_lines(folder).values():
        for fields in lines:
            assert len(fields) == 5 + ARGUMENTS[fields[4]], fields
            seen.add(fields[4])
    assert seen == set(ARGUMENTS)


def test_lines_are_in_time_order_and_whole_seconds(folder: Path) -> None:
    for lines in log_lines(folder).values():
        epochs = [int(fields[0]) for fields in lines]
        assert epochs == sorted(epochs)


def test_the_log_read_back_gives_the_truth(folder: Path, truth: dict[str, Any]) -> None:
    totals: dict[tuple[str, str, str], Counter[str]] = {}
    for name, lines in log_lines(folder).items():
        client, _, site = name.partition("-")
        entered: dict[str, int] = {}
        for epoch, call, queue, _, verb, *arguments in lines:
            if verb == "ENTERQUEUE":
                entered[call] = int(epoch)
            if verb == "CONNECT":
                assert int(epoch) - entered[call] == int(arguments[0])
            counts = counted(verb, arguments, THRESHOLDS_S[client])
            totals.setdefault((client, site, queue), Counter()).update(counts)
    for row in truth["queues"]:
        counts = totals[row["client"], row["site"], row["queue"]]
        for name, count in counts.items():
            assert row[name] == count, (row["client"], row["site"], row["queue"], name)
        for name in ("hold_ms", "acw_ms", "complaints", "abandoned_before_queue", "dialed"):
            assert row[name] == 0


def counted(  # noqa: PLR0911 - one line per verb
    verb: str, arguments: list[str], threshold_s: int
) -> dict[str, int]:
    """Return what one line counts for, by a reading of the log of its own."""
    match verb, arguments:
        case "ENTERQUEUE", _:
            return {"offered": 1}
        case "CONNECT", [waited, *_]:
            is_within = int(waited) <= threshold_s
            return {
                "answered": 1,
                "answered_within": int(is_within),
                "wait_answered_ms": int(waited) * 1000,
            }
        case (("COMPLETEAGENT" | "COMPLETECALLER"), [_, talked, _]):
            return {"talk_ms": int(talked) * 1000}
        case (("BLINDTRANSFER" | "ATTENDEDTRANSFER"), [_, _, _, talked, _]):
            return {"transfers": 1, "talk_ms": int(talked) * 1000}
        case "ABANDON", [_, _, waited]:
            return {"abandoned": 1, "abandoned_within": int(int(waited) <= threshold_s)}
        case (("EXITWITHTIMEOUT" | "EXITEMPTY"), _):
            return {"flowed_out": 1}
        case "EXITWITHKEY", _:
            return {"callbacks": 1}
        case (("FULL" | "CLOSED"), _):
            return {f"refused_{verb.lower()}": 1}
        case "RINGNOANSWER", _:
            return {"no_answers": 1}
        case _:
            return {}


def test_members_are_added_and_removed_in_turn(folder: Path) -> None:
    for lines in log_lines(folder).values():
        members: dict[str, str] = {}
        allowed = {
            None: {"ADDMEMBER"},
            "ADDMEMBER": {"PAUSE", "REMOVEMEMBER"},
            "PAUSE": {"PAUSE", "UNPAUSE", "REMOVEMEMBER"},
            "UNPAUSE": {"PAUSE", "REMOVEMEMBER"},
            "REMOVEMEMBER": {"ADDMEMBER"},
        }
        for _, _, _, member, verb, *_ in lines:
            if verb in {"ADDMEMBER", "REMOVEMEMBER", "PAUSE", "UNPAUSE"}:
                assert verb in allowed[members.get(member)]
                members[member] = verb
        assert set(members.values()) == {"REMOVEMEMBER"}
