"""Mutation testing of SQL tells what no unit test notices: on a project of one model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline.settings import PROJECT_ROOT
from tests.sql_mutation.__main__ import MACRO, Judge
from tests.sql_mutation.mutants import mutants
from tests.sql_mutation.project import Project, UnitTest

MODEL = """\
with final as (

    select
        _partition,
        coalesce(first_offset, 0) as first_offset
    from {{ source('params', 'watermarks') }}
    where watermark_ms >= {{ least_ms() }} and _partition < 3

)

select * from final
"""
MACROS = """\
{% macro least_ms() -%}
  {{ return(digits('10')) }}
{%- endmacro %}
{% macro digits(number) -%}
  (5 + {{ number }})
{%- endmacro %}
"""
EDGE = "where watermark_ms >= {{ least_ms() }} and _partition < 3"


def named(before: str, after: str) -> str:
    return f"model_of_one.final: {before} -> {after}"


SURVIVORS = [
    named("coalesce(first_offset, 0) as first_offset", "(first_offset) as first_offset"),
    named("coalesce(first_offset, 0) as first_offset", "coalesce(first_offset, 1) as first_offset"),
    named(EDGE, EDGE.replace("< 3", "<= 3")),
    named(EDGE, EDGE.replace("< 3", "< 4")),
]


def unit_test(*rows: tuple[int, int, int | None], expected: list[tuple[int, int]]) -> UnitTest:
    names = ("_partition", "watermark_ms", "first_offset")
    return UnitTest(
        name="of_one",
        model="model_of_one",
        given={"params.watermarks": [dict(zip(names, row, strict=True)) for row in rows]},
        expected=[{"_partition": p, "first_offset": offset} for p, offset in expected],
        variables={},
    )


WEAK = unit_test((0, 15, 7), (1, 14, 7), (4, 15, 7), expected=[(0, 7)])
STRONG = replace(
    unit_test((0, 15, None), (3, 15, 7), (2, 99, 7), expected=[(0, 0), (2, 7)]), name="stronger"
)


def judge(*tests: UnitTest) -> Judge:
    return Judge(Project({"model_of_one": MODEL}, {"least": MACROS}, list(tests)))


def survivors(of: Judge, name: str, text: str) -> tuple[int, list[str]]:
    judged = [(m, of.verdict(m)) for m in mutants(name, text)]
    said = [(m, v) for m, v in judged if v.says]
    return len(said), [str(m) for m, v in said if v.killed_by is None]


def test_what_no_test_looks_at_survives() -> None:
    of = judge(WEAK)
    assert of.failing() == []
    assert survivors(of, "model_of_one", MODEL) == (7, SURVIVORS)


def test_a_test_of_the_edges_kills_it_and_is_named() -> None:
    of = judge(WEAK, STRONG)
    assert survivors(of, "model_of_one", MODEL) == (7, [])
    (edge,) = (m for m in mutants("model_of_one", MODEL) if str(m) == SURVIVORS[2])
    assert of.verdict(edge).killed_by == "stronger"


def test_a_macro_is_judged_by_the_tests_of_the_models_that_use_it() -> None:
    names = [
        "macro_least.digits: (5 + {{ number }}) -> (6 + {{ number }})",
        "macro_least.digits: (5 + {{ number }}) -> (5 - {{ number }})",
    ]
    assert survivors(judge(WEAK), f"{MACRO}least", MACROS) == (2, [])
    assert survivors(judge(), f"{MACRO}least", MACROS) == (2, names)


def test_a_model_without_a_test_keeps_all_its_mutants() -> None:
    count, alive = survivors(judge(), "model_of_one", MODEL)
    assert (count, len(alive)) == (7, 7)


def test_a_test_that_fails_by_itself_is_named() -> None:
    wrong = replace(WEAK, expected=[{"_partition": 5, "first_offset": 7}])
    assert judge(wrong).failing() == ["of_one"]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"given": {}}, "of_one: gives no rows of params.watermarks"),
        ({"expected": [{"offset": 7}]}, "of_one: model_of_one has no column offset"),
        (
            {"given": {"params.watermarks": [{"partition": 7}]}},
            "of_one: params.watermarks has no column partition",
        ),
    ],
)
def test_a_test_of_what_does_not_exist_is_refused(broken: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judge(replace(WEAK, **broken)).failing()  # type: ignore[arg-type]


CHANGES = {
    "x <= 1": {"x < 1", "x <= 2"},
    "max(x)": {"min(x)"},
    "count(distinct x)": {"count(x)"},
    "count(x)": {"count(*)"},
    "nullif(x, 0)": {"(x)", "nullif(x, 1)"},
    "coalesce(x, y)": {"(x)", "coalesce(y)"},
    "x is not null": {"x is null"},
    "x is distinct from y": {"x is not distinct from y"},
    "lag(x) over (partition by a, b order by c, d desc)": {
        "lead(x) over (partition by a, b order by c, d desc)",
        "lag(x) over (order by c, d desc)",
        "lag(x) over (partition by b order by c, d desc)",
        "lag(x) over (partition by a order by c, d desc)",
        "lag(x) over (partition by a, b order by c desc, d desc)",
        "lag(x) over (partition by a, b order by c, d)",
        "lag(x) over (partition by a, b order by d desc)",
        "lag(x) over (partition by a, b order by c)",
    },
    "case when x then 'a' else 'b' end": {
        "case when true then 'a' else 'b' end",
        "case when false then 'a' else 'b' end",
        "case when x then '?' else 'b' end",
        "case when x then 'a' else '?' end",
    },
    "a and (b or c)": {
        "true and (b or c)",
        "a and true",
        "a and (false or c)",
        "a and (b or false)",
    },
    "x in ('a', 'b')": {"x not in ('a', 'b')", "x in ('?', 'b')", "x in ('a', '?')"},
    "cast(0 as decimal(18, 4))": {"cast(1 as decimal(18, 4))"},
    "count(*) over (rows between unbounded preceding and current row)": set(),
    "{{ total('a + b') }}": {"{{ total('a - b') }}"},
    "{{ names[1:] }} {{ start('x', 900) }}": {"{{ names[1:] }} {{ start('x', 901) }}"},
    "-- x < 1\nx": set(),
}


@pytest.mark.parametrize("sql", CHANGES)
def test_of_an_expression(sql: str) -> None:
    assert {m.source for m in mutants("m", sql)} == CHANGES[sql]


def test_of_clauses() -> None:
    sql = "select x from a left join b using (c, d) where x union all select distinct y from e"
    assert {m.source for m in mutants("m", sql)} == {
        sql.replace("left", "inner"),
        sql.replace("(c, d)", "(c)"),
        sql.replace("(c, d)", "(d)"),
        sql.replace("where x", "where true"),
        sql.replace("union all", "union"),
        sql.replace("distinct ", ""),
    }


def mutate(*names: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sql_mutation", *names],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT_ROOT,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_command_lists_what_is_killed() -> None:
    code, said = mutate("--list", "stg_forecasts")
    assert code == 0, said
    assert "KILLED stg_forecasts.sql:21 by a_forecast_is_what_was_said_last" in said
    assert "stg_forecasts: 1 mutants, 1 killed, 0 equivalent, 0 survived" in said


def test_an_unknown_model_is_refused() -> None:
    code, said = mutate("stg_forecast")
    assert (code, "stg_forecast" in said, "no such model" in said) == (2, True, True)
