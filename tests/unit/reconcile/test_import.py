"""A client's file is taken whole or not at all; what is wrong is told with file and line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from pipeline.domain.events import customer_ref
from pipeline.errors import ConfigError, InputError
from pipeline.reconcile.imported import import_calls
from pipeline.reconcile.kept import Import
from tests.reconciled import COLUMNS, KEY, MAPPING, QUEUES, at_ms, mapped

HEADER = ",".join(COLUMNS)
GOOD = "c1,13800000001,service,2025-11-05 12:00:00,120,140"


def take(
    folder: Path, text: str | bytes, mapping: str = MAPPING, name: str = "theirs.csv"
) -> tuple[Import, pl.DataFrame]:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    how = mapped(folder, mapping)
    done, rows = import_calls(path, how, queues=sorted(QUEUES), key=KEY, folder=folder / "imports")
    return done, pl.read_parquet(rows)


def refused(folder: Path, text: str | bytes, mapping: str = MAPPING) -> str:
    """Return the word on a file that is refused, of which nothing may be kept."""
    with pytest.raises((InputError, ConfigError)) as caught:
        take(folder, text, mapping)
    assert not (folder / "imports").exists()
    return str(caught.value)


def test_a_row_is_typed_and_its_number_hashed(tmp_path: Path) -> None:
    done, rows = take(tmp_path, f"{HEADER}\n{GOOD}\n")
    assert (done.rows, done.flags) == (1, [])
    row = rows.row(0, named=True)
    assert row["line"] == 2
    assert row["at_ms"] == at_ms("2025-11-05 12:00:00")
    assert (row["talk_ms"], row["handle_ms"], row["hold_ms"]) == (120_000, 140_000, None)
    assert row["number_ref"] == customer_ref(KEY, "13800000001")
    everything = b"".join(p.read_bytes() for p in (tmp_path / "imports").rglob("*") if p.is_file())
    assert b"13800000001" not in everything


def test_an_id_that_holds_the_number_is_hashed(tmp_path: Path) -> None:
    _, rows = take(tmp_path, f"{HEADER}\n{GOOD.replace('c1', 'x-13800000001-7')}\n")
    assert rows["source_id"][0] not in {"x-13800000001-7", None}
    assert len(rows["source_id"][0]) == 24


def test_the_same_file_is_the_same_import_and_stays_as_it_is(tmp_path: Path) -> None:
    first, _ = take(tmp_path, f"{HEADER}\n{GOOD}\n")
    (kept,) = (tmp_path / "imports").iterdir()
    before = {p.name: p.stat().st_mtime_ns for p in kept.iterdir()}
    again, _ = take(tmp_path, f"{HEADER}\n{GOOD}\n")
    assert again == first
    assert {p.name: p.stat().st_mtime_ns for p in kept.iterdir()} == before


def test_by_another_key_it_is_another_import(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n")
    how, folder = mapped(tmp_path), tmp_path / "imports"
    for key in (KEY, b"another"):
        _, rows = import_calls(path, how, queues=sorted(QUEUES), key=key, folder=folder)
        (ref,) = pl.read_parquet(rows)["number_ref"]
        assert ref == customer_ref(key, "13800000001")
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16"])
def test_chinese_encodings_words_and_names(tmp_path: Path, encoding: str) -> None:
    mapping = f"""
client: harbour
grain: leg
encoding: {encoding}
header_row: 2
zone: Asia/Shanghai
time_format: "%Y/%m/%d %H:%M:%S"
duration_unit: hms
columns:
  source_id: 流水号
  number: 主叫号码
  queue: 技能组
  queued_at: [日期, 时间]
  outcome: 结果
  handle: 处理时长
values:
  queue: {{信用卡: cards, 测试: null}}
  outcome: {{已接: answered, 放弃: abandoned}}
number_prefixes: ["0086"]
"""
    text = (
        "十一月对账\n流水号,主叫号码,技能组,日期,时间,结果,处理时长\n"
        "k1,008613800000001,信用卡,2025/11/5,12:00:00,已接,0:02:37\n"
        "k2,13800000002,测试,2025/11/5,12:00:00,已接,0:00:05\n"
        "k3,13800000003,cards,2025/11/05,12:00:05,放弃,\n"
    )
    done, rows = take(tmp_path, text.encode(encoding), mapping)
    assert rows["line"].to_list() == [3, 5]
    assert rows["queue"].to_list() == ["cards", "cards"]
    assert rows["outcome"].to_list() == ["answered", "abandoned"]
    assert rows["handle_ms"].to_list() == [157_000, None]
    assert rows["at_ms"].to_list() == [at_ms("2025-11-05 12:00:00"), at_ms("2025-11-05 12:00:05")]
    assert rows["number_ref"][0] == customer_ref(KEY, "13800000001")
    assert [(flag.kind, flag.lines) for flag in done.flags] == [("left out by values.queue", [4])]


def test_decimal_commas_and_minutes(tmp_path: Path) -> None:
    mapping = MAPPING + 'decimal: comma\nduration_unit: min\nseparator: ";"\n'
    text = f"{HEADER}\n{GOOD}\n".replace(",", ";").replace("120", "2,0").replace("140", "2,35")
    _, rows = take(tmp_path, text, mapping)
    assert (rows["talk_ms"][0], rows["handle_ms"][0]) == (120_000, 141_000)


def test_lines_are_those_of_the_file_also_after_values_over_several_lines(tmp_path: Path) -> None:
    text = f'{HEADER}\n"c0\nx",1380000,service,2025-11-05 12:00:00,1,1\n\n{GOOD}\n'
    _, rows = take(tmp_path, text)
    assert rows["line"].to_list() == [2, 5]


def test_offsets_count_and_the_zone_is_for_times_without(tmp_path: Path) -> None:
    mapping = MAPPING.replace('"%Y-%m-%d %H:%M:%S"', "iso")
    for written in ("2025-11-05T04:00:00Z", "2025-11-05T12:00:00+08:00", "2025-11-05 12:00"):
        _, rows = take(
            tmp_path, f"{HEADER}\n{GOOD.replace('2025-11-05 12:00:00', written)}\n", mapping
        )
        assert rows["at_ms"][0] == at_ms("2025-11-05 12:00:00"), written


def test_times_that_a_clock_shows_twice_or_skips_are_flagged(tmp_path: Path) -> None:
    mapping = MAPPING.replace("Asia/Shanghai", "Europe/Berlin")
    twice, skipped = "2025-10-26 02:30:00", "2025-03-30 02:30:00"
    rows = [GOOD.replace("2025-11-05 12:00:00", at).replace("c1", at) for at in (twice, skipped)]
    done, read = take(tmp_path, "\n".join([HEADER, *rows, ""]), mapping)
    assert [(flag.kind, flag.lines) for flag in done.flags] == [
        ("time that its clock shows twice", [2]),
        ("time that its clock skips", [3]),
    ]
    # as the clock of Berlin was: +02:00 still, and +01:00 until it was put forward
    instants = [datetime(2025, 10, 26, 0, 30, tzinfo=UTC), datetime(2025, 3, 30, 1, 30, tzinfo=UTC)]
    assert read["at_ms"].to_list() == [round(at.timestamp() * 1000) for at in instants]


def test_epoch_times(tmp_path: Path) -> None:
    for form, value in (("epoch_s", "1762315200"), ("epoch_ms", "1762315200000")):
        mapping = MAPPING.replace('"%Y-%m-%d %H:%M:%S"', form)
        text = f"{HEADER}\n{GOOD.replace('2025-11-05 12:00:00', value)}\n"
        _, rows = take(tmp_path, text, mapping)
        assert rows["at_ms"][0] == 1_762_315_200_000


def test_a_workbook_with_real_times(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "明细"
    book.create_sheet("other")
    sheet.append(["note"])
    sheet.append([*COLUMNS, None])
    at = datetime(2025, 11, 5, 12)  # noqa: DTZ001 - Excel's times have no zone
    sheet.append(["c1", 13800000001, "service", at, 120, 140.0])
    sheet.append([None] * 6)
    path = tmp_path / "theirs.xlsx"
    book.save(path)
    mapping = MAPPING + "sheet: 明细\nheader_row: 2\n"
    _, rows = take(tmp_path, path.read_bytes(), mapping, "theirs.xlsx")
    assert rows.select("line", "at_ms", "handle_ms", "number_ref").rows() == [
        (3, at_ms("2025-11-05 12:00:00"), 140_000, customer_ref(KEY, "13800000001"))
    ]
    with pytest.raises(InputError, match=r"expected a sheet '' .*found \['明细', 'other'\]"):
        take(tmp_path, path.read_bytes(), MAPPING, "theirs.xlsx")


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_parquet_file_with_and_without_zones(tmp_path: Path, zone: str | None) -> None:
    at = datetime(2025, 11, 5, 4 if zone else 12, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "id": ["c1"],
            "number": ["13800000001"],
            "queue": ["service"],
            "start": [at],
            "talk": [120.0],
            "handle": [timedelta(seconds=140)],
        }
    ).with_columns(pl.col("start").dt.replace_time_zone(zone), pl.lit(120_000.0).alias("talk"))
    frame.write_parquet(tmp_path / "made.parquet")
    raw = (tmp_path / "made.parquet").read_bytes()
    for form in ("iso", '"%Y-%m-%d %H:%M:%S"'):
        mapping = MAPPING.replace('"%Y-%m-%d %H:%M:%S"', form) + "duration_unit: ms\n"
        _, rows = take(tmp_path, raw, mapping, "theirs.parquet")
        assert rows["at_ms"][0] == at_ms("2025-11-05 12:00:00")
        assert (rows["talk_ms"][0], rows["handle_ms"][0]) == (120_000, 140_000)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    rows = [
        "c1,1380000001,service,2025-13-05 12:00:00,120,140",
        "c2,1380000002,servicex,2025-11-05 12:00:00,-120,140",
        'c3,1380000003,service,2025-11-05 12:00:00,120,"140,5"',
        "c4,1380000004,service,,120,x",
    ]
    said = refused(tmp_path, "\n".join([HEADER, *rows]))
    assert "6 problems, nothing was imported" in said
    file = tmp_path / "theirs.csv"
    for expected in (
        f"{file}:2: start (queued_at): expected a time as %Y-%m-%d %H:%M:%S",
        "got '2025-13-05 12:00:00'",
        f"{file}:3: queue (queue): expected one of cards, orders, returns, service",
        f"{file}:3: talk (talk): expected a duration of 0 or more, got '-120'",
        f"{file}:4: handle (handle): expected decimals after a point (decimal: point), got '140,5'",
        f"{file}:5: start (queued_at): expected a time, got ''",
    ):
        assert expected in said, expected


def test_a_wrong_header(tmp_path: Path) -> None:
    said = refused(tmp_path, f"{HEADER.replace('talk', 'speak').replace('start', 'id')}\n{GOOD}\n")
    assert f"{tmp_path / 'theirs.csv'}:1: expected a column 'talk' (talk, " in said
    assert "mapping.yaml:11), it is not there" in said
    assert "expected a column 'id' (source_id, " in said
    assert "it is there 2 times" in said
    assert "header: id, number, queue, id, speak, handle" in said


def test_times_without_a_zone(tmp_path: Path) -> None:
    for form in ("iso", '"%Y-%m-%d %H:%M:%S"'):
        mapping = MAPPING.replace("zone: Asia/Shanghai\n", "")
        mapping = mapping.replace('"%Y-%m-%d %H:%M:%S"', form)
        said = refused(tmp_path, f"{HEADER}\n{GOOD}\n", mapping)
        assert said.startswith(f"{tmp_path / 'theirs.csv'}:2: start (queued_at): expected a time")
        assert "or zone: in" in said


def test_mixed_decimal_marks(tmp_path: Path) -> None:
    mapping = MAPPING + "decimal: comma\n"
    text = f'{HEADER}\nc1,1380001,service,2025-11-05 12:00:00,"1,5",2.5\n'
    said = refused(tmp_path, text, mapping)
    assert (
        ":2: handle (handle): expected decimals after a comma (decimal: comma), got '2.5'" in said
    )


def test_a_number_that_excel_has_cut(tmp_path: Path) -> None:
    said = refused(tmp_path, f"{HEADER}\n{GOOD.replace('13800000001', '1.38E+10')}\n")
    assert ":2: number (number): expected all its digits (in Excel, make the column a" in said
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(COLUMNS)
    sheet.append([1.2345678901234567e19, 1, "service", datetime(2025, 11, 5, 12), 1, 1])  # noqa: DTZ001
    book.save(tmp_path / "cut.xlsx")
    with pytest.raises(InputError, match=r":2: id \(source_id\): expected all its digits"):
        take(tmp_path, (tmp_path / "cut.xlsx").read_bytes(), MAPPING, "theirs.xlsx")


def test_an_id_listed_again_is_flagged_with_its_line(tmp_path: Path) -> None:
    done, rows = take(tmp_path, f"{HEADER}\n{GOOD}\n{GOOD}\n")
    assert rows.height == 2
    assert [(flag.kind, flag.count, flag.lines) for flag in done.flags] == [
        ("id listed again", 1, [3])
    ]


def test_a_column_that_is_no_id(tmp_path: Path) -> None:
    rows = [GOOD] * 101
    said = refused(tmp_path, "\n".join([HEADER, *rows]))
    assert ":2: id (source_id): expected an id of a call, got 'c1' on 101 lines" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{HEADER}\n{GOOD},7\n", ":2: expected 6 values, quoted as in RFC 4180, got 7: 'c1,"),
        (f"{HEADER}\n{GOOD}\n\nc2,1\n", ":4: expected 6 values, quoted as in RFC 4180, got 2"),
        (f'{HEADER}\n"c\n1",1,service,2025-11-05 12:00:00,1,1\nc2\n', ":4: expected 6 values"),
        (f'{HEADER}\n"c1,1\n{GOOD}\n', ":2: expected 6 values, quoted"),
        ("", ":1: expected a header, got nothing"),
        (
            f"{HEADER}\nc1,1,服务\n".encode("gbk"),
            ":2: expected utf-8 (encoding: in the mapping; Ch",
        ),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert expected in refused(tmp_path, text)


def test_more_of_a_kind_are_counted(tmp_path: Path) -> None:
    rows = [GOOD.replace("c1", f"c{i}").replace("120", "-1") for i in range(30)]
    said = refused(tmp_path, "\n".join([HEADER, *rows]))
    assert "30 problems" in said
    assert "… and 20 more of this kind" in said


def test_an_import_cut_short_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: pl.DataFrame, file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pl.DataFrame, "write_parquet", fails)
        with pytest.raises(OSError, match="No space"):
            take(tmp_path, f"{HEADER}\n{GOOD}\n")
    assert list((tmp_path / "imports").iterdir()) == []
    take(tmp_path, f"{HEADER}\n{GOOD}\n")


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("grain: leg", "grain: call", 2, "grain: expected one of ['leg', 'contact', 'day_queue']"),
        ("zone: Asia/Shanghai", "zone: Shanghai", 3, "zone: expected an IANA zone"),
        ("  talk: talk", "  talc: talk", 10, "columns: unknown key(s) ['talc']"),
        ("  queued_at: start\n", "", 5, "columns: expected one of queued_at, answered_at, ended"),
        ("  source_id: id\n  number: number\n", "", 5, "expected source_id or number"),
        ("client: harbour\n", "", 1, "expected the key(s) ['client']"),
        ("grain: leg", "grain: leg\ntolerance: {amount: 0.5}", 3, "tolerance.amount: expected str"),
        ("grain: leg", "grain: leg\nvalues: {outcome: {done: answered}}", 3, "values: outcome has"),
        ("grain: leg", "grain: leg\nvalues: {queue: {on: cards}}", 3, "expected on in quotes"),
        ("grain: leg", "grain: day_queue", 5, "columns: expected 'day' where a row is"),
    ],
)
def test_a_mapping_that_is_wrong(
    tmp_path: Path, old: str, new: str, line: int, expected: str
) -> None:
    text = MAPPING.lstrip()
    assert old in text
    with pytest.raises(ConfigError) as caught:
        mapped(tmp_path, text.replace(old, new))
    said = str(caught.value)
    assert expected in said
    assert f"mapping.yaml:{line}: " in said


def test_a_mapping_tells_all_its_problems_at_once(tmp_path: Path) -> None:
    text = MAPPING.replace("grain: leg", "grain: call").replace("queue: queue", "queue: 7")
    with pytest.raises(ConfigError, match="2 problems") as caught:
        mapped(tmp_path, text)
    assert "grain: expected one of" in str(caught.value)
    assert "columns.queue: expected string, got 7" in str(caught.value)


def test_several_queues_and_no_column_for_them(tmp_path: Path) -> None:
    mapping = MAPPING.replace("  queue: queue\n", "")
    assert "columns: expected queue" in refused(tmp_path, f"{HEADER}\n{GOOD}\n", mapping)
