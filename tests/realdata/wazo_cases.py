"""Runs cases of wazo-call-logd's own statistics tests on our statistics, cell by cell.

A case holds database rows, calls of the API or of the database layer, and what they answered.
Answers are literals but for ``<expr> ...``, the text of a Python expression: sums, lengths of time
and tomorrow are worked out here; of a name alone, the value is not in the data. ``MEANT`` says what
such names stand for where rows, literals and the case's title leave no doubt.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.codec.statistics_query import parse_query
from pipeline.codec.statistics_rows import Rows, read_rows
from pipeline.domain.interval_statistics import QueueFigures, queue_figures, wait_buckets
from pipeline.domain.statistics_frame import WAZO, Frames, Selection
from pipeline.errors import InputError
from pipeline.offline.statistics import (
    agent_statistics,
    percent,
    queue_statistics,
    queue_wait_statistics,
)

NOW: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
UNKNOWN: Final = object()
EXPR: Final = "<expr> "
Values = Mapping[str, Any]


class Bad(NamedTuple):
    """Parameters of which one is wrong, and what it would have to be to be answered."""

    given: Values
    blamed: str
    good: Values


def _bad(key: str, good: object, *values: object) -> list[Bad]:
    return [Bad({key: value}, key, {key: good}) for value in values]


def _bad_range(start: str, end: str, good: str, **more: object) -> Bad:
    blamed = "interval" if more else "until"
    return Bad({"from": start, "until": end, **more}, blamed, {"until": good})


BAD_PARAMETERS: Final = (
    *_bad("from", "2020-10-05 00:00:00", "soon", True, 12, "2020-10-05"),
    *_bad("until", "2020-10-08 00:00:00", "soon", True, 12, "2020-10-05"),
    *_bad("interval", "day", "never", True, 12, "week"),
    *_bad("day_start_time", "08:00", "noon", False, 8, 8.5, "24:30", "07:60", "8:00"),
    *_bad("day_end_time", "08:00", "noon", False, 8, 8.5, "24:30", "07:60", "8:00"),
    *_bad("day_start_time", "10:00", "2020-10-06 10:00:00"),
    *(
        Bad({"day_start_time": a, "day_end_time": "09:00"}, "day_start_time", {key: good})
        for a, key, good in (
            ("18:00", "day_end_time", "19:00"),
            ("09:00", "day_start_time", "08:59"),
        )
    ),
    _bad_range("2020-10-10T00:00:00", "2020-10-09T23:59:59", "2020-10-10T00:00:01"),
    _bad_range("2020-10-10T00:00:00", "2020-10-10T00:00:00", "2020-10-10T00:00:01"),
    _bad_range("2020-10-10T00:00:00Z", "2020-10-10T00:00:00+01:00", "2020-10-10T00:00:00-01:00"),
    _bad_range(
        *("2020-10-01 00:00:00", "2020-11-01 00:00:01", "2020-11-01 00:00:00"), interval="hour"
    ),
    *_bad("week_days", "1,7", 7, "5,8", "0", "monday", False, "1,,2", ""),
    *_bad("qos_threshold", "10", "few", False, 1.5, -1, "-1", "1.5"),
    *_bad("qos_thresholds", "10,20", "few", False, 1.5, -1, "-1", "10,-1", ""),
    *_bad("timezone", "Europe/Warsaw", "Mars/Olympus", 12),
    Bad({"no_such_parameter": "1"}, "no_such_parameter", {"no_such_parameter": None}),
)
"""What wazo-call-logd's schema refuses (``plugins/support_center/schemas.py``); the cases' own list
of bodies is not in the data."""

MEANT: Final[Mapping[str, Values]] = {
    "test_get_agent_no_params": {
        "conversation_time": 915 + 547 + 128 + 654 + 543 + 321 + 60 + 60 + 60,
        "login_time": 60 * (60 + 45 + 53),
        "pause_time": 15 + 60 * 25,
        "wrapup_time": 60 * 17,
    },
    "test_get_interval_include_limit": {
        "interval": {"from": "2020-10-01 14:00", "until": "2020-10-01 16:00", "qos_threshold": 0},
        "res": 2 + 3,
    },
    "test_get_interval_without_filters": {"res": 1 + 2},
    "test_get_interval_with_start_end_time_follows_timezone": {
        "kwargs": {"start_time": 8, "end_time": 9, "timezone": "Asia/Dubai"},
    },
    "test_get_interval_with_week_days": {
        "kwargs": {"week_days": [1, 2, 3, 4, 5], "qos_threshold": 0},
        "res": 1 + 2,
    },
    "test_get_interval_with_empty_week_days": {"kwargs": {"week_days": []}},
    "test_get_interval_return_specific_qos": {"expected": 50},
    "test_get_interval_return_specific_answered_rate": {"expected": 16.67},
    "test_get_interval_by_queue": {
        "interval": {"from": "2020-10-01 14:00", "until": "2020-10-01 16:00"},
    },
    "test_get_qos_intervals_on_dst_change_adds_number_of_calls": {
        "kwargs": (
            {"start_time": 1, "end_time": 3, "timezone": "America/Montreal", "qos_max": 5},
            {"start_time": 1, "end_time": 3, "timezone": "America/Montreal", "qos_min": 5},
        ),
    },
}


@dataclass
class Outcome:
    """What came of a case: cells compared, and what could not be."""

    compared: int = 0
    wrong: list[str] = field(default_factory=list)
    not_understood: Counter[str] = field(default_factory=Counter)


def run_case(case: Values) -> Outcome:
    """Ask everything that a case asks, and compare every cell of the answers."""
    outcome = Outcome()
    title = case["test"].rpartition(".")[2]
    rows = read_rows(_with_defaults(case["inputs"]))
    assert rows.rejected == []
    asker = _Asker(rows, title, outcome)
    answers = [asker.ask(call, turn) for turn, call in enumerate(case["calls"])]
    turns: Counter[str] = Counter()
    for expectation in case["expected"]:
        subject = expectation["subject"]
        turn = min(turns[subject], len(answers) - 1)
        turns[subject] += 1
        if answers[turn] is not UNKNOWN:
            asker.zone = asker.zones[turn]
            asker.compare(subject, _part(answers[turn], subject), expectation["expected"])
    return outcome


def _part(answer: Any, subject: str) -> Any:
    """Return what an expectation is of: ``results['items'][0]``, ``result.isoformat()`` …"""
    if "items" in subject or subject == "item":
        answer = answer["items"]
    if subject == "result.isoformat()":
        return answer.isoformat()
    return answer[0] if subject.endswith("[0]") or subject == "item" else answer


def _with_defaults(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add what the fixtures behind the rows fill in: names, tenants, and queues of their rows."""
    found: list[dict[str, Any]] = []
    for item in inputs:
        row = {key: _plain(value) for key, value in item["row"].items()}
        tenant = row.setdefault("tenant_uuid", "MASTER_TENANT")
        if item["table"] in {"stat_queue_periodic", "stat_call_on_queue"}:
            queue = {"queue_id": row.get("queue_id", 1), "name": "queue", "tenant_uuid": tenant}
            found.insert(0, {"table": "stat_queue", "row": queue})
        if item["table"] == "stat_queue":
            row = {"queue_id": 1, "name": "queue", **row}
        if item["table"] == "stat_agent_periodic":
            del row["tenant_uuid"]
        found.append({"table": item["table"], "row": row})
    return found


def _plain(value: Any) -> Any:
    is_expression = isinstance(value, str) and value.startswith(EXPR)
    return _worked_out(value, {}, ZoneInfo("UTC")) if is_expression else value


class _Asker:
    """Puts a case's questions, and compares the answers."""

    def __init__(self, rows: Rows, title: str, outcome: Outcome) -> None:
        self.rows, self.title, self.outcome = rows, title, outcome
        self.names = dict(MEANT.get(title, {}))
        self.names["tenant_uuids"] = [] if "empty_tenant" in title else None
        self.zone = ZoneInfo("UTC")
        self.zones: list[ZoneInfo] = []

    def ask(self, call: Values, turn: int) -> Any:
        given = self._arguments(call, turn)
        if given is UNKNOWN:
            self.zones.append(ZoneInfo("UTC"))
            return UNKNOWN
        zone = given.get("timezone") or "UTC"
        self.zones.append(ZoneInfo(zone))
        name = call["call"]
        if name.startswith("calling("):
            return self._refused(name, given)
        kind, _, question = name.removeprefix("self.").rpartition(".")
        args = [self._value(arg) for arg in call["args"]]
        if kind == "dao.queue_stat":
            return _Database(self.rows).ask(question, args, given)
        return self._api(kind.rpartition(".")[2], question, given)

    def _arguments(self, call: Values, turn: int) -> Any:
        given: dict[str, Any] = {}
        for key, value in call["kwargs"].items():
            meant = self._value(value)
            if key == "null":  # **name: the name of a mapping is all that is known
                if value == f"{EXPR}body":
                    continue
                if meant is UNKNOWN:
                    return UNKNOWN
                given |= meant[turn] if isinstance(meant, tuple) else meant
            else:
                given["from" if key == "from_" else key] = meant
        return given

    def _api(self, kind: str, question: str, given: dict[str, Any]) -> Any:
        given = {"profile": "wazo", **given}
        now_ms = int(NOW.timestamp() * 1000)
        if kind == "agent_statistics":
            agent_id = given.pop("agent_id", None)
            if "multitenant" in self.title:
                given["tenant_uuids"] = ["USERS_TENANT"]
            return agent_statistics(self.rows, given, agent_id=agent_id, now_ms=now_ms)
        queue_id = given.pop("queue_id", None)
        if question == "get_qos_by_id":
            return queue_wait_statistics(self.rows, given, queue_id=queue_id, now_ms=now_ms)
        return queue_statistics(self.rows, given, queue_id=queue_id, now_ms=now_ms)

    def _refused(self, name: str, given: dict[str, Any]) -> list[str]:
        """Return the refusals of bad parameters.

        Each must blame the parameter that is wrong and show its value, and be for nothing but that
        value: with a good one in its place the same question is answered.
        """
        kind, _, question = name.removeprefix("calling(self.").partition(")")[0].rpartition(".")
        ask = partial(self._api, kind.rpartition(".")[2], question)
        refusals = []
        for listed in BAD_PARAMETERS:
            # The list sums every queue up whole: the only good interval of it is none.
            is_whole = question == "list" and listed.blamed == "interval"
            bad = listed._replace(good={"interval": None}) if is_whole else listed
            if is_whole and "from" in bad.given:
                continue
            try:
                answer = ask({**given, **bad.given})
            except InputError as error:
                refusals.append(str(error))
                if problem := misses(str(error), bad):
                    self.outcome.wrong.append(problem)
            else:
                self.outcome.wrong.append(f"{dict(bad.given)}: expected a refusal, got {answer!r}")
            answered = ask({**given, **bad.given, **bad.good})
            if set(answered) != {"items", "total"}:
                self.outcome.wrong.append(f"{dict(bad.good)}: expected an answer, got {answered!r}")
        return refusals

    def compare(self, where: str, found: Any, expected: Any) -> None:
        """Compare as hamcrest's ``has_entries`` and ``has_items`` do: what is named must agree."""
        if isinstance(expected, Mapping):
            for key, value in expected.items():
                if key == "**":  # fields of the subject, which of them is not in the data
                    self.outcome.not_understood[value] += 1
                    self.compare(f"{where}.tenant_uuid", found["tenant_uuid"], "MASTER_TENANT")
                elif key == "items":
                    self.compare(f"{where}.items", found["items"], value)
                else:
                    self.compare(f"{where}.{key}", found[key], value)
        elif isinstance(expected, list):
            self._compare_items(where, found, expected)
        elif isinstance(expected, str) and expected.startswith(f"{EXPR}raises("):
            self.outcome.compared += len(found)
        else:
            meant = self._value(expected)
            if meant is UNKNOWN:
                self.outcome.not_understood[expected] += 1
                return
            self.outcome.compared += 1
            if found != meant and not (isinstance(meant, _Length) and meant.size == len(found)):
                self.outcome.wrong.append(f"{where}: expected {meant!r}, found {found!r}")

    def _compare_items(self, where: str, found: list[Any], expected: list[Any]) -> None:
        if not expected:
            self.outcome.compared += 1
            if found:
                self.outcome.wrong.append(f"{where}: expected nothing, found {found!r}")
        for place, item in enumerate(expected):
            near = _nearest(found, item)
            if near is None:
                self.outcome.wrong.append(f"{where}[{place}]: nothing found like {item!r}")
            else:
                self.compare(f"{where}[{place}]", near, item)

    def _value(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith(EXPR):
            return value
        return _worked_out(value, self.names, self.zone)


def misses(told: str, bad: Bad) -> str | None:
    """Return what a refusal fails to say: which parameter, what was expected, what it got."""
    if bad.blamed == "no_such_parameter":
        wanted = ["unknown parameter(s) ['no_such_parameter']", "known: from, until"]
    elif bad.blamed == "interval" and "from" in bad.given:
        wanted = ["interval: expected at most 1 month of hours"]
    else:
        wanted = ["expected", str(bad.given[bad.blamed])]
    is_blamed = told.startswith((f"{bad.blamed}: ", "unknown parameter"))
    missing = [words for words in wanted if words not in told]
    if is_blamed and not missing:
        return None
    return f"{dict(bad.given)}: expected {bad.blamed} and {wanted} to be named, got {told!r}"


def _nearest(found: list[Any], item: Values) -> Any:
    """Return the answer that an expected item is of: of the same interval and the same subject."""
    keys = [key for key in ("from", "until", "queue_id", "agent_id", "min", "max") if key in item]
    literal = [key for key in keys if not str(item[key]).startswith(EXPR)]
    same = [one for one in found if all(one[key] == item[key] for key in literal)]
    # A range of one interval is listed twice, as the interval and as the whole.
    return same[0] if same else None


@dataclass(frozen=True)
class _Length:
    size: int


def _worked_out(text: str, names: Values, zone: ZoneInfo) -> Any:
    """Return the value of an expression, or UNKNOWN."""
    try:
        return _evaluate(ast.parse(text.removeprefix(EXPR), mode="eval").body, names, zone)
    except KeyError:
        return UNKNOWN


def _evaluate(node: ast.expr, names: Values, zone: ZoneInfo) -> Any:  # noqa: PLR0911
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _evaluate(node.left, names, zone) + _evaluate(node.right, names, zone)
    if isinstance(node, ast.Name):
        return node.id if node.id.endswith("_TENANT") else names[node.id]
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        args = [_evaluate(arg, names, zone) for arg in node.args if name != "self._get_tomorrow"]
        if name == "str":
            return args[0]
        if name == "has_length":
            return _Length(args[0])
        if name == "self._get_tomorrow":
            day = NOW.astimezone(zone).date() + timedelta(days=1)
            return datetime.combine(day, datetime.min.time(), tzinfo=zone).isoformat()
        if name == "self.qos":
            return percent(args[1], args[0])
        if name.startswith("timedelta(") and isinstance(node.func, ast.Attribute):
            return _length(node.func.value, names, zone).total_seconds()
    raise KeyError(ast.unparse(node))


def _length(node: ast.expr, names: Values, zone: ZoneInfo) -> timedelta:
    assert isinstance(node, ast.Call)
    return timedelta(**{str(k.arg): _evaluate(k.value, names, zone) for k in node.keywords})


class _Database:
    """Answers as the database layer does: queues that have rows, and nothing else."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def ask(self, question: str, args: list[Any], given: dict[str, Any]) -> Any:
        tenants = given.pop("tenant_uuids", None)
        if question == "find_oldest_time":
            times = [hour.at_ms for hour in self.rows.queue_hours if hour.queue == args[0]]
            return datetime.fromtimestamp(min(times) / 1000, UTC)
        if question == "get_stat_queues":
            return list(self._queues(args[0] if args else tenants))
        if question == "get_stat_queue":
            return next((q for q in self._queues(tenants) if q["queue_id"] == args[0]), None)
        if question == "get_interval":
            return list(self._intervals(args[0], given))
        if question == "get_interval_by_queue":
            return next(i for i in self._intervals(args[0], given) if i["queue_id"] == args[1])
        assert question == "get_qos_interval_by_queue"
        return self._waits(args[0], args[1], given)

    def _queues(self, tenants: list[str] | None) -> Iterator[dict[str, Any]]:
        for queue in self.rows.queues.values():
            if not queue.is_deleted and (tenants is None or queue.tenant in tenants):
                yield {
                    "queue_id": queue.shown_id,
                    "name": queue.name,
                    "tenant_uuid": queue.tenant,
                }

    def _frames(self, given: dict[str, Any]) -> tuple[Frames, int | None]:
        for old, new in (("start_time", "day_start_time"), ("end_time", "day_end_time")):
            if old in given:
                given[new] = f"{given.pop(old):02d}:00"
        query = parse_query({"profile": "wazo", **given})
        selection = Selection(
            zone=query.zone,
            from_ms=0 if query.from_ms is None else query.from_ms,
            until_ms=int(NOW.timestamp() * 1000) if query.until_ms is None else query.until_ms,
            day_hours=query.day_hours,
            week_days=query.week_days,
        )
        return Frames(selection, None, WAZO), query.threshold_ms

    def _intervals(
        self, tenants: list[str] | None, given: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        frames, threshold_ms = self._frames(given)
        for queue in self._queues(tenants):
            queue_id = queue["queue_id"]
            hours = [hour for hour in self.rows.queue_hours if hour.queue == queue_id]
            calls = [call for call in self.rows.calls if call.queue == queue_id]
            if any(frames.of(hour.at_ms) for hour in hours):
                figures = queue_figures(hours, calls, frames, threshold_ms=threshold_ms)[-1]
                yield {"queue_id": queue_id, "queue_name": queue["name"], **_row(figures)} | {
                    "qos": None
                    if threshold_ms is None
                    else percent(figures.answered_within, figures.answered)
                }

    def _waits(
        self, tenants: list[str] | None, queue_id: int, given: dict[str, Any]
    ) -> dict[str, int]:
        low, high = given.pop("qos_min", None) or 0, given.pop("qos_max", None)
        frames, _ = self._frames(given)
        shown = any(queue["queue_id"] == queue_id for queue in self._queues(tenants))
        calls = [call for call in self.rows.calls if shown and call.queue == queue_id]
        edges = [1000 * edge for edge in (low, high) if edge is not None]
        buckets = wait_buckets(calls, frames, edges)[-1]
        bucket = next(b for b in buckets if b.min_ms == 1000 * low and b.max_ms != 0)
        return {"answered": bucket.answered, "abandoned": bucket.abandoned}


def _row(figures: QueueFigures) -> dict[str, Any]:
    """Return the columns of the database layer: a mean to two digits, other names."""
    names = ("total", "answered", "abandoned", "full", "closed", "joinempty", "leaveempty")
    more = ("divert_ca_ratio", "divert_waittime", "timeout", "saturated")
    waited = figures.waited
    return {name: getattr(figures, name) for name in (*names, *more)} | {
        "blocking": figures.blocked,
        "answered_rate": percent(figures.answered, figures.answerable),
        "average_waiting_time": round(figures.wait_ms / 1000 / waited, 2) if waited else None,
    }
