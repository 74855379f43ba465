"""``vane kpi statistics``: rows in a file, JSON out, and what did not fit is said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.codec.statistics_query import PARAMETERS, parse_query
from pipeline.codec.statistics_rows import COLUMNS, TABLES, read_rows
from pipeline.commands.kpi_statistics import Subject, statistics_command
from pipeline.errors import InputError
from pipeline.offline.statistics import agent_statistics, queue_statistics, queue_wait_statistics
from pipeline.settings import PROJECT_ROOT

NIGHT = "2025-10-26T"
ROWS: dict[str, list[dict[str, Any]]] = {
    "queues": [{"id": 7, "queue_id": 1, "name": "orders", "tenant_uuid": "t"}],
    "queue_hours": [
        {"stat_queue_id": 7, "time": f"{NIGHT}00:00:00Z", "total": 3, "answered": 2, "closed": 1},
        {"stat_queue_id": 7, "time": f"{NIGHT}01:00:00Z", "total": 4, "answered": 2, "full": 1}
        | {"abandoned": 1},
    ],
    "calls": [
        {"stat_queue_id": 7, "time": f"{NIGHT}00:10:00Z", "status": "answered", "waittime": 20}
        | {"talktime": 60, "stat_agent_id": 5},
        {"stat_queue_id": 7, "time": f"{NIGHT}00:50:00Z", "status": "answered", "waittime": 21},
        {"stat_queue_id": 7, "time": f"{NIGHT}01:10:00Z", "status": "abandoned", "waittime": 9},
    ],
    "agents": [{"id": 5, "agent_id": 2, "name": "Agent/1001"}],
    "agent_hours": [
        {"stat_agent_id": 5, "time": f"{NIGHT}00:00:00Z", "login_time": "00:55:00"}
        | {"pause_time": 90},
    ],
}
RANGE = {
    "from": "2025-10-26 02:00",
    "until": "2025-10-26 04:00",
    "timezone": "Europe/Berlin",
}
NOW_MS = 1_767_225_600_000


def statistics(**given: Any) -> list[dict[str, Any]]:
    asked = RANGE | given
    items: list[dict[str, Any]] = queue_statistics(
        read_rows(ROWS), asked, queue_id=1, now_ms=NOW_MS
    )["items"]
    return items


def test_the_hour_that_comes_twice_is_two_intervals_and_they_add_up() -> None:
    items = statistics(interval="hour", qos_threshold=20)
    assert [item["from"] for item in items] == [
        "2025-10-26T02:00:00+02:00",
        "2025-10-26T02:00:00+01:00",
        "2025-10-26T03:00:00+01:00",
        "2025-10-26T02:00:00+02:00",
    ]
    assert [item["received"] for item in items] == [3, 4, 0, 7]
    assert [item["answered_rate"] for item in items] == [100.0, 50.0, None, 66.67]
    assert [item["quality_of_service"] for item in items] == [50.0, 0.0, None, 25.0]
    assert [item["average_waiting_time"] for item in items] == [20, 3, None, 10]


def test_waits_and_agents() -> None:
    rows = read_rows(ROWS)
    waits = queue_wait_statistics(
        rows, RANGE | {"qos_thresholds": "10,21"}, queue_id=1, now_ms=NOW_MS
    )
    spans = [tuple(s.values()) for s in waits["items"][0]["quality_of_service"]]
    assert spans == [(0, 10, 0, 1), (10, 21, 1, 0), (21, None, 1, 0)]
    (agent,) = agent_statistics(rows, RANGE, agent_id=2, now_ms=NOW_MS)["items"]
    assert (agent["agent_number"], agent["login_time"], agent["pause_time"]) == ("1001", 3300, 90)
    assert [(q["queue_id"], q["conversation_time"]) for q in agent["queues"]] == [(1, 60)]


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        ("queue_hours", {"time": "yesterday"}, "queue_hours row 1: time: expected a date and time"),
        ("queue_hours", {"time": "2025-02-30 00:00:00"}, "got '2025-02-30 00:00:00'"),
        ("queue_hours", {"time": f"{NIGHT}00:00Z", "total": -1}, "total: expected a whole number"),
        ("calls", {"time": f"{NIGHT}00:00Z", "waittime": 1.5}, "waittime: .* got 1.5"),
        ("agent_hours", {"time": f"{NIGHT}00:00Z", "login_time": "long"}, "login_time: expected a"),
        ("queues", {"deleted": "no"}, "deleted: expected true or false, got 'no'"),
        ("agents", ["Agent/1"], "agents row 1: expected a mapping"),
    ],
)
def test_a_bad_row_is_rejected_and_named_and_the_others_count(
    table: str, row: object, message: str
) -> None:
    rows = read_rows({table: [row, *ROWS[table]]})
    (rejected,) = rows.rejected
    assert re.search(message, rejected.message)
    assert getattr(rows, table)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (3, "expected a mapping of tables to rows, got int"),
        ({"stat_queues": []}, "expected a table of stat_queue, .* got 'stat_queues'"),
        ({"calls": {}}, "calls: expected a list of rows"),
        ([{"row": {}}], "item 1: expected"),
    ],
)
def test_what_is_no_document_of_rows_is_an_error(document: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_rows(document)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("interval", "fortnight"),
        ("timezone", "Europe/Atlantis"),
        ("week_days", "8"),
        ("qos_threshold", "-1"),
        ("day_start_time", "25:00"),
        ("until", "soon"),
        ("profile", "asterisk"),
    ],
)
def test_a_bad_parameter_is_named_with_its_value(parameter: str, value: str) -> None:
    with pytest.raises(InputError, match=rf"{parameter}: expected .*{re.escape(value)}"):
        parse_query({parameter: value})


def run(path: Path, **given: Any) -> None:
    asked = {"from_": "2025-10-26 02:00", "until": "2025-10-26 04:00"} | given
    statistics_command(path, timezone="Europe/Berlin", **asked)


def test_the_command_prints_json_and_says_what_was_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.json"
    more = {"calls": [*ROWS["calls"], {"time": None}, ROWS["calls"][0] | {"mood": "good"}]}
    path.write_text(json.dumps(ROWS | more))
    problem = "calls row 4: time: expected a date and time such as 2020-10-06T13:00:00+00:00"
    run(path)
    out, err = capsys.readouterr()
    assert json.loads(out)["items"][0]["queue_name"] == "orders"
    assert err.splitlines() == [
        f"{path}: {problem}, got None",
        f"{path}: 1 row(s) rejected",
        f"{path}: calls.mood is no known column; left out of 1 row(s)",
    ]
    run(path, of=Subject.AGENTS, subject_id=2)
    assert json.loads(capsys.readouterr().out)["items"][0]["login_time"] == 3300
    with pytest.raises(InputError, match="--id: expected the queue whose waits"):
        run(path, of=Subject.WAITS)
    with pytest.raises(InputError, match=r"queue_id: expected one of \[1\], got 9"):
        run(path, subject_id=9)


def test_a_row_is_used_or_rejected_never_both() -> None:
    hour = {"stat_queue_id": 7, "time": f"{NIGHT}00:00:00Z", "total": 3, "tenant_uuid": 5}
    call = {"stat_queue_id": 8, "time": f"{NIGHT}00:10:00Z", "tenant_uuid": []}
    found = read_rows({"queue_hours": [hour], "calls": [call]})
    assert [r.message[:27] for r in found.rejected] == [
        "queue_hours row 1: tenant_u",
        "calls row 1: tenant_uuid: e",
    ]
    assert (found.queue_hours, found.calls, found.queues) == ([], [], {})


def test_a_length_that_is_null_is_as_one_left_out() -> None:
    row = {"stat_agent_id": 5, "time": f"{NIGHT}00:00:00Z", "login_time": "00:55:00"}
    nulls = {"pause_time": None, "wrapup_time": None}
    assert read_rows({"agent_hours": [row | nulls]}) == read_rows({"agent_hours": [row]})


def test_an_agents_queues_may_be_shown_by_one_id() -> None:
    rows = read_rows(
        {
            "agents": [{"id": 5}],
            "queues": [{"id": 7, "queue_id": 1, "deleted": True}, {"id": 8, "queue_id": 1}],
            "calls": [
                {"stat_queue_id": queue, "stat_agent_id": 5, "time": f"{NIGHT}00:10:00Z"}
                | {"talktime": queue}
                for queue in (8, 7)
            ],
        }
    )
    (item,) = agent_statistics(rows, RANGE, now_ms=NOW_MS)["items"]
    assert [(q["queue_id"], q["conversation_time"]) for q in item["queues"]] == [(1, 7), (1, 8)]


def test_half_a_character_in_a_name_keeps_nothing_from_being_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.json"
    half = {"queues": [{"id": 7, "queue_id": 1, "name": "\ud83d"}], "calls": [{"time": "\ud83d"}]}
    path.write_text(json.dumps(ROWS | half))
    run(path)
    out, err = capsys.readouterr()
    assert '"queue_name": "\\ud83d"' in out
    assert "calls row 1: time: expected" in err


@pytest.mark.parametrize("text", ["[" * 100_000, f'{{"calls": [{"9" * 5_000}]}}'])
def test_json_beyond_all_bounds_is_an_error_with_the_files_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"{path}: expected a JSON file of rows: "):
        run(path)


def test_the_command_names_the_line_of_broken_json(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('{\n"calls": [}')
    with pytest.raises(InputError, match=rf"{path}:2: not valid JSON"):
        run(path)
    with pytest.raises(InputError, match="expected a JSON file of rows"):
        run(tmp_path / "none.json")


def test_the_document_explains_every_table_column_parameter_and_field() -> None:
    text = (PROJECT_ROOT / "docs" / "interval-statistics.md").read_text()
    fields = {*statistics()[0], *agent_statistics(read_rows(ROWS), RANGE, now_ms=0)["items"][0]}
    columns = {column for table in COLUMNS.values() for column in table}
    # Read and not needed: names of the row itself, and how long it rang.
    columns -= {"callid", "ringtime"}
    for name in (*TABLES, *TABLES.values(), *columns, *fields):
        assert f"`{name}`" in text, name
    for parameter in {*PARAMETERS} - {"tenant_uuids"}:
        assert f"--{parameter.replace('_', '-')}" in text, parameter
