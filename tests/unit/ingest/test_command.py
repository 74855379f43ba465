"""``vane ingest`` on the command line, without a broker."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.codec.adapter import Origin
from pipeline.commands import ingest as command
from pipeline.commands.ingest import app
from pipeline.errors import BrokerUnavailable, ConfigError, InputError
from pipeline.ingest.formats import FORMATS
from pipeline.ingest.produce import Pieces
from pipeline.settings import PROJECT_ROOT
from tests import pbx_streams
from tests.line_reader import LINE_FORMAT, LineAdapter, a_line

RUN = CliRunner()
ROW = (
    b"AA0101\t2\t0\t0\tPS\t990101\t9:00:00\t9:00:10\t-10\t9:00:10\t9:00:20\t10\t"
    b"AGENT\t9:00:20\t9:01:00\t40\tANN\n"
)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Write a tiny file of the bank, one row of it bad."""
    file = tmp_path / "bank.txt"
    file.write_bytes(ROW + b"rubbish\n")
    return file


def run(*arguments: object) -> Result:
    """Run the command."""
    return RUN.invoke(app, [str(argument) for argument in arguments])


def counted(result: Result) -> dict[str, str]:
    """Return the table that the command printed."""
    words = result.output.replace("│", " ").split("\n")
    return {" ".join(w.split()[:-1]): w.split()[-1] for w in words if w.split()[-1:]}


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Let the command know the format of the tests' own; return the options to choose it."""
    monkeypatch.setitem(FORMATS, LINE_FORMAT.name, LINE_FORMAT)
    monkeypatch.setenv("VANE_CUSTOMER_KEY", "secret")
    return ("--format", LINE_FORMAT.name, "--client", "acme", "--dry-run")


def test_help_shows_examples_and_says_that_repeating_is_safe() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "vane ingest --format canonical sim/month" in result.output
    assert "Running it again is safe" in result.output


def test_a_dry_run_counts_and_sends_nothing(bank: Path) -> None:
    result = run("--format", "anonymous-bank", "--client", "bank", "--dry-run", bank)
    assert result.exit_code == 0, result.output
    assert "nothing was sent" in result.output
    counts = counted(result)
    assert counts["read"] == "2"
    assert counts["taken"] == "1"
    assert counts["rejected: bad_row"] == "1"
    assert counts["taken, but odd: negative_vru_time"] == "1"
    assert "acknowledged" not in result.output


@pytest.mark.parametrize("key", ["", "secret"])
def test_a_key_that_everybody_knows_is_warned_of(
    bank: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANE_CUSTOMER_KEY", key)
    result = run("--format", "anonymous-bank", "--client", "bank", "--dry-run", bank)
    assert ("VANE_CUSTOMER_KEY is not set" in result.output) is (not key)


def test_a_file_that_is_sorted_whole_cannot_be_followed(bank: Path) -> None:
    result = run("--format", "anonymous-bank", "--client", "bank", "--follow", bank)
    assert result.exit_code == 2
    assert "is sorted when its file has ended" in " ".join(result.output.replace("│", " ").split())


def test_a_bank_needs_a_client(bank: Path) -> None:
    result = run("--format", "anonymous-bank", bank)
    assert result.exit_code == 2
    assert "--client bank" in result.output


@pytest.mark.parametrize("option", [("--client", "acme"), ("--site", "north")])
def test_canonical_rows_name_their_client_and_site_themselves(
    option: tuple[str, str], bank: Path
) -> None:
    result = run("--format", "canonical", *option, bank)
    assert result.exit_code == 2
    assert "canonical rows name them" in result.output


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    result = run("--format", "canonical", tmp_path / "gone")
    assert isinstance(result.exception, InputError)
    assert "gone: expected a file or folder, found nothing" in str(result.exception)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    result = run("--format", "anonymous-bank", "--client", "bank", tmp_path)
    assert isinstance(result.exception, InputError)
    assert "expected files, found an empty folder" in str(result.exception)


def test_an_absent_broker_is_named_with_what_to_do(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANE_BOOTSTRAP", "127.0.0.1:1")
    result = run("--format", "anonymous-bank", "--client", "bank", bank)
    assert isinstance(result.exception, BrokerUnavailable)
    assert "127.0.0.1:1" in str(result.exception)
    assert "vane kafka start" in str(result.exception)


def test_an_unknown_format_is_refused_with_those_that_are_known(bank: Path) -> None:
    result = run("--format", "canonicl", bank)
    assert result.exit_code == 2
    assert "anonymous-bank, canonical" in result.output
    assert "did you mean canonical?" in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "expected files, folders, or - for standard input"),
        (["-", "--follow"], "is read until it ends without --follow"),
        (["x", "--follow", "--rate", "5"], "expected no --rate with it"),
        (["--connect", "pbx:1", "x"], "expected no PATH, --follow or --rate"),
        (["--connect", "pbx:1"], "expected a format with a live socket"),
        (["x", "--timezone", "Europe/Berlni"], "did you mean Europe/Berlin"),
        (["x", "--timezone", "../etc/passwd"], "expected an IANA time zone"),
    ],
)
def test_what_cannot_go_together_is_refused_before_anything_is_read(
    lines: tuple[str, ...], options: list[str], said: str
) -> None:
    result = run(*lines, *options)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_several_paths_folders_and_gzip_are_read_in_one_run(
    lines: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "log.1").write_bytes(gzip.compress(a_line(1)))
    (tmp_path / "other").write_bytes(a_line(2) + b"rubbish +49 301234567\n")
    result = run(*lines, tmp_path / "folder", tmp_path / "other")
    assert result.exit_code == 0, result.output
    counts = counted(result)
    assert (counts["read"], counts["taken"], counts["rejected: bad_line"]) == ("3", "2", "1")
    assert f"bad_line: other:2 (byte {len(a_line(2))}): expected epoch" in result.output
    assert "301234567" not in result.output
    assert "2 files" in result.output


def test_a_file_that_cannot_be_read_whole_fails_the_run_after_the_rest(
    lines: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(a_line(1))[:-4])
    (tmp_path / "b").write_bytes(a_line(2))
    result = run(*lines, tmp_path)
    assert isinstance(result.exception, InputError)
    assert "not read to the end:\n  a.gz: expected the end of gzip" in str(result.exception)
    assert counted(result)["taken"] == "2"


def test_standard_input_is_read_as_it_comes_and_gzip_is_told(tmp_path: Path) -> None:
    good = b'{"client":"acme"}\n'
    for data in (good * 2, gzip.compress(good * 2)):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "ingest", "--format", "canonical", "--dry-run", "-"],
            input=data,
            capture_output=True,
            check=True,
            timeout=60,
            cwd=PROJECT_ROOT,
        )
        assert b"taken" in done.stdout
        assert done.stdout.split(b"taken")[1].split()[1] == b"2"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_following_ends_cleanly_at_a_signal_with_its_counts(
    tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "calls"
    log.write_bytes(b'{"client":"acme"}\n{"client":')
    command = ["ingest", "--format", "canonical", "--dry-run", "--follow", str(log)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PROJECT_ROOT,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert "following" in process.stderr.readline()
        time.sleep(0.5)  # some looks
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert out.split("taken")[1].split()[1] == "1"
    assert "10 bytes of an unfinished record were not taken" in err


def test_names_and_zone_reach_the_reader(lines: tuple[str, ...], tmp_path: Path) -> None:
    names = tmp_path / "names.yaml"
    names.write_text("queues:\n  sales: [a]\n")
    result = run(*lines, "--names", names, names)
    assert isinstance(result.exception, ConfigError)
    assert f"{names}:2: sales: expected str" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "source"), [([], "acme.test-lines"), (["--source", "pbx-2"], "pbx-2")]
)
def test_what_is_said_of_the_origin_reaches_the_reader(
    lines: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    source: str,
) -> None:
    seen: list[Origin] = []

    def reader(origin: Origin, _name: str) -> LineAdapter:
        seen.append(origin)
        return LineAdapter(origin)

    monkeypatch.setitem(FORMATS, LINE_FORMAT.name, replace(LINE_FORMAT, reader=reader))
    (tmp_path / "names.yaml").write_text("queues:\n  sales: orders\nstates:\n  Lunch: meal\n")
    (tmp_path / "log").write_bytes(a_line(1))
    more = ["--timezone", "Europe/Berlin", "--names", tmp_path / "names.yaml", "--site", "north"]
    result = run(*lines, *more, *options, tmp_path / "log")
    assert result.exit_code == 0, result.output
    (origin,) = seen
    assert (origin.client, origin.site, origin.source) == ("acme", "north", source)
    assert origin.customer_key == b"secret"
    assert str(origin.zone) == "Europe/Berlin"
    assert origin.names.queue("sales") == "orders"


def a_talk(wrapup: str) -> list[object]:
    return ["--format", "ami", "--client", "acme", "--dry-run", *wrapup.split()]


@pytest.mark.parametrize(("wrapup", "sent"), [("", 7), ("--wrapup 0", 7), ("--wrapup 30", 10)])
def test_a_wrap_up_that_no_message_tells_is_told_by_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrapup: str, sent: int
) -> None:
    """Four events of the leg and three states; with it a wrap-up's start, end and state too."""
    monkeypatch.setenv("VANE_CUSTOMER_KEY", "secret")
    found: list[int] = []

    async def counting(pieces: Pieces) -> None:
        found.append(len([m async for piece in pieces for m in piece or ()]))

    monkeypatch.setattr(command, "count", counting)
    file = tmp_path / "ami.log"
    file.write_bytes(b"\r\n\r\n".join(pbx_streams.a_call()) + b"\r\n\r\n")
    result = run(*a_talk(wrapup), file)
    assert result.exit_code == 0, result.output
    assert found == [sent]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "--format freeswitch --wrapup -1",
            "--wrapup': Input should be greater than",
        ),
        (
            "--format freeswitch --wrapup 30000",
            "--wrapup': Input should be less than or",
        ),
        ("--format queue_log --wrapup 30", "expected it with ami or freeswitch"),
    ],
)
def test_a_wrap_up_out_of_range_or_place_is_refused(
    tmp_path: Path, options: str, expected: str
) -> None:
    result = run(*options.split(), "--client", "acme", tmp_path)
    assert result.exit_code == 2
    assert expected in " ".join(result.output.split())
