"""``vane kpi PATH…`` as people call it: files in, rows out, and what became of every line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.settings import PROJECT_ROOT

HOUR = 1_700_002_800  # 2023-11-14T23:00:00Z


def line(seconds: int, rest: str) -> str:
    return f"{HOUR + seconds}|{rest}"


CALLS = [
    line(0, "c1|sales|NONE|ENTERQUEUE||4930111|1"),
    line(10, "c1|sales|Ann|CONNECT|10|b|4"),
    line(70, "c1|sales|Ann|COMPLETECALLER|10|60|1"),
    line(100, "c2|sales|NONE|ENTERQUEUE||4930222|1"),
    line(125, "c2|sales|Ann|CONNECT|25|b|4"),
    line(225, "c2|sales|Ann|COMPLETEAGENT|25|100|1"),
    line(300, "c3|sales|NONE|ENTERQUEUE||4930333|1"),
    line(330, "c3|sales|NONE|ABANDON|1|1|30"),
    line(400, "c4|sales|NONE|FULL"),
    line(410, "c5|sales|NONE|CLOSED"),
    line(3700, "c6|sales|NONE|ENTERQUEUE||4930444|1"),
    line(3760, "c6|sales|NONE|EXITWITHTIMEOUT|1|1|60"),
]


@dataclass(frozen=True)
class Done:
    """What a call of the command left behind."""

    returncode: int
    stdout: bytes
    stderr: bytes


def vane(*arguments: object, stdin: bytes = b"") -> Done:
    """Call the command in this process, with streams of its own."""
    given = io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)), encoding="utf-8")
    held = [io.BytesIO(), io.BytesIO()]
    streams: list[io.TextIOWrapper[Any]] = [given]
    streams += [io.TextIOWrapper(stream, encoding="utf-8") for stream in held]
    code: object = 0
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        try:
            cli.main(["kpi", *map(str, arguments)])
        except SystemExit as done:
            code = done.code
    for stream in streams[1:]:
        stream.flush()
    return Done(int(str(code or 0)), *(stream.getvalue() for stream in held))


def rows(*arguments: object, stdin: bytes = b"") -> list[dict[str, Any]]:
    done = vane(*arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "queue_log"
    path.write_text("\n".join(CALLS) + "\n")
    return path


def test_a_log_alone_gives_figures_per_queue_and_hour(log: Path) -> None:
    first, second = rows(
        log, "--format", "queue_log", "--interval", "1h", "--timezone", "UTC",
        "--profile", "wazo", "--threshold", "20", "--threshold", "30",
    )  # fmt: skip
    assert first["queue"] == "sales"
    assert first["interval_start"] == "2023-11-14T23:00:00+00:00"
    assert second["interval_start"] == "2023-11-15T00:00:00+00:00"
    expected = {
        "received": 5,
        "offered": 3,
        "answered": 2,
        "abandoned": 1,
        "closed": 1,
        "saturated": 1,
        "timeout": 0,
        "left_empty": 0,
        "wait_s_total": 65,
        "talk_s_total": 160,
        "answered_rate": 0.5,
        "average_speed_of_answer_s": 17.5,
    }
    assert {name: first[name] for name in expected} == expected
    assert first["average_wait_s"] == pytest.approx(65 / 3)
    assert first["contract_service_level"] == {"20": 0.5, "30": 1.0}
    assert first["service_level"]["20"]["SL1"] == pytest.approx(1 / 3)
    assert first["service_level"]["30"]["SL3"] == 1.0
    assert set(first["service_level"]["30"]) == {f"SL{i}" for i in range(1, 8)}
    assert (second["timeout"], second["answered_rate"], second["answered"]) == (1, 0.0, 0)
    assert second["average_speed_of_answer_s"] is None


def test_by_agent_and_with_totals(tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    more = [
        line(-600, "NONE|NONE|Ann|AGENTCALLBACKLOGIN|1@d"),
        *CALLS[:6],
        line(225, "c2|sales|Ann|WRAPUPSTART|30"),
        line(600, "NONE|NONE|Ann|PAUSEALL|"),
        line(900, "NONE|NONE|Ann|UNPAUSEALL|"),
        line(4200, "NONE|NONE|Ann|AGENTCALLBACKLOGOFF|1@d|4800|"),
    ]
    path.write_text("\n".join(more) + "\n")
    found = rows(path, "--by", "agent", "--interval", "1h", "--totals")
    assert [row["login_s"] for row in found] == [600, 3600, 600, 4800]
    total = found[-1]
    assert total["interval_start"] is None
    names = ("answered", "conversation_s", "login_s", "pause_s", "wrapup_s")
    assert [total[name] for name in names] == [2, 160, 4800, 300, 30]


def test_a_folder_of_rotated_pieces_a_pipe_and_one_file_say_the_same(
    tmp_path: Path, log: Path
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "queue_log").write_text("\n".join(CALLS[7:]) + "\n")
    (folder / "queue_log.1").write_text("\n".join(CALLS[4:7]) + "\n")
    packed = gzip.compress(("\n".join(CALLS[:4]) + "\n").encode())
    (folder / "queue_log.2.gz").write_bytes(packed)
    assert rows(folder) == rows(log)
    assert rows("-", stdin=log.read_bytes()) == rows(log)
    assert rows("-", stdin=gzip.compress(log.read_bytes())) == rows(log)


def test_a_copy_of_a_log_counts_nothing_twice(tmp_path: Path, log: Path) -> None:
    copy = tmp_path / "copy.gz"
    copy.write_bytes(gzip.compress(log.read_bytes()))
    done = vane(log, copy, "--json")
    assert json.loads(done.stdout) == rows(log)
    assert b"left out as a copy" in done.stderr


def test_intervals_follow_the_clock_of_the_zone(log: Path) -> None:
    (day,) = rows(log, "--interval", "1d", "--timezone", "America/New_York")
    assert day["interval_start"] == "2023-11-14T00:00:00-05:00"
    assert day["received"] == 6


def test_a_range_shows_every_interval_of_it(log: Path) -> None:
    found = rows(log, "--from", "2023-11-14 22:00", "--until", "2023-11-15 01:00")
    assert [row["received"] for row in found] == [0, 5, 1]


def test_csv_has_a_column_per_level(log: Path) -> None:
    done = vane(log, "--csv", "--threshold", "20")
    (first, _) = csv.DictReader(io.StringIO(done.stdout.decode()))
    assert (first["answered"], first["service_level_20s"]) == ("2", str(1 / 3))
    assert first["service_level_20s_sl2"] == "0.5"


def test_a_table_is_what_people_get(log: Path) -> None:
    done = vane(log)
    assert done.returncode == 0
    heading, first, _ = done.stdout.decode().splitlines()
    assert heading.split()[:3] == ["interval", "queue", "received"]
    assert "33.3 %" in first
    assert b"12 lines: 12 taken, 0 skipped, 0 rejected" in done.stderr
    # The queue is in no queues.yaml; the default terms are taken, and that is said.
    assert b"without terms of their own in queues.yaml (sales)" in done.stderr


BAD = {
    "not_utf8": b"%d|c9|s\xfcles|NONE|FULL" % HOUR,
    "missing_fields": b"%d|c9|sales|Ann|CONNECT" % HOUR,
    "negative_length": b"%d|c9|sales|Ann|CONNECT|-4|b|1" % HOUR,
    "bad_length": b"%d|c9|sales|NONE|ABANDON|1|1|soon" % HOUR,
    "bad_time": b"noon|c9|sales|NONE|FULL",
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_line_is_told_with_file_and_line_counted_and_the_rest_goes_on(
    log: Path, reason: str
) -> None:
    good = rows(log)
    lines = log.read_bytes().splitlines()
    log.write_bytes(b"\n".join([*lines[:3], BAD[reason], *lines[3:]]) + b"\n")
    done = vane(log, "--json")
    assert json.loads(done.stdout) == good
    said = done.stderr.decode()
    assert "13 lines: 12 taken, 0 skipped, 1 rejected" in said
    assert f"rejected         1  {reason}" in said
    assert f"{log}:4: " in said
    assert "expected" in said


def test_a_line_cut_off_at_the_end_of_the_file_is_told(log: Path) -> None:
    log.write_bytes(log.read_bytes() + line(3800, "c7|sales|NONE|ABANDON|1|1").encode())
    done = vane(log)
    assert b"truncated_line" in done.stderr
    assert f"{log}:13: ABANDON: the file ends within the line".encode() in done.stderr


def test_gzip_that_breaks_off_is_told_and_the_other_pieces_are_read(
    tmp_path: Path, log: Path
) -> None:
    broken = tmp_path / "queue_log.1.gz"
    lines = [line(-7200 + n, f"old{n * 7919}|sales|NONE|FULL") for n in range(5_000)]
    whole = gzip.compress("\n".join(lines).encode())
    broken.write_bytes(whole[: len(whole) // 2])
    done = vane(broken, log, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)[-2:] == rows(log)
    assert f"{broken}:".encode() in done.stderr
    assert b"cannot be read on" in done.stderr


def test_time_going_back_is_told_and_the_figures_are_the_same(log: Path) -> None:
    good = rows(log)
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[6:], *lines[:6]]) + "\n")
    done = vane(log, "--json")
    assert json.loads(done.stdout) == good
    assert f"{log}:7".encode() in done.stderr
    assert b"odd              1  time_went_back" in done.stderr


EXPORT = """id,time,callid,queuename,agent,event,data1,data2,data3,data4,data5
1,2025-10-26 02:30:00.000000,c1,sales,NONE,FULL,,,,,
2,2025-10-26 04:30:00.000000,c2,sales,NONE,FULL,,,,,
"""


def test_a_time_shown_twice_is_the_first_where_a_zone_is_given(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    done = vane(path, "--json", "--interval", "1h", "--timezone", "Europe/Berlin")
    starts = [row["interval_start"] for row in json.loads(done.stdout)]
    assert starts == ["2025-10-26T02:00:00+02:00", "2025-10-26T04:00:00+01:00"]
    assert b"time_shown_twice" in done.stderr
    assert f"{path}:2".encode() in done.stderr


def test_times_without_a_zone_are_refused_where_none_is_given(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    done = vane(path, "--json")
    assert json.loads(done.stdout) == []
    assert b"rejected         2  no_zone" in done.stderr
    found = rows(path, "--source-timezone", "Europe/Berlin", "--interval", "1h")
    assert [row["interval_start"] for row in found] == [
        "2025-10-26T00:00:00+00:00",
        "2025-10-26T03:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--timezone", "Mars/Olympus"], "timezone: expected an IANA zone"),
        (["--source-timezone", "Mars/Olympus"], "timezone: expected an IANA zone"),
        (["--interval", "1y"], "interval: expected one of"),
        (["--profile", "nobody"], "--profile: expected one of"),
        (["--profile", "wallboard"], "calls waiting now"),
        (["--threshold", "0"], "--threshold: expected 1 to 3600"),
        (["--threshold", "3"], "expected a threshold not below, got 3"),
        (["--from", "soon"], "expected a date and time"),
        (["--from", "2025-01-02", "--until", "2025-01-01"], "expected an instant after --from"),
        (["--json", "--csv"], "expected --json or --csv"),
        (["-"], "expected - (standard input) alone"),
    ],
)
def test_a_wrong_option_says_what_was_expected(
    log: Path, arguments: list[str], message: str
) -> None:
    done = vane(log, *arguments)
    assert done.returncode == 1
    assert message in done.stderr.decode()


def test_help_shows_how_to_call_it_and_the_other_commands() -> None:
    said = vane("--help").stdout.decode()
    assert "vane kpi /var/log/asterisk/queue_log" in said
    for name in ("explain", "statistics"):
        assert f"  {name}" in said
    assert "--profile" in vane("files", "--help").stdout.decode()
    assert "--of" in vane("statistics", "--help").stdout.decode()
    assert "--month" in vane("explain", "--help").stdout.decode()


def test_it_runs_as_a_command_of_its_own(log: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "kpi", "-", "--csv"],
        input=log.read_bytes(),
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
    )
    assert (done.returncode, done.stdout) == (0, vane(log, "--csv").stdout)


def test_no_argument_is_help_and_no_log_is_an_error(tmp_path: Path) -> None:
    assert b"Usage: vane kpi" in vane().stdout + vane().stderr
    done = vane(tmp_path / "none")
    assert done.returncode == 1
    assert b"expected a log file" in done.stderr


def test_no_callers_number_is_repeated(log: Path) -> None:
    log.write_text(log.read_text() + line(3800, "c7|sales|NONE|4930999888") + "\n")
    done = vane(log, "--json")
    assert b"4930" not in done.stdout + done.stderr.replace(str(log).encode(), b"")
