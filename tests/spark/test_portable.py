"""Models say nothing that only DuckDB understands; what differs is a macro with both spellings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.settings import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_like_sql"
OWN_WORDS = {
    r"\bfilter\s*\((?!\s*where\b)": "count(*) filter (is_new)",
    r"\bby name\b": "union all by name",
    r"\bexclude\s*\(": "* exclude (site)",
    r"\breplace\s*\(": "* replace (1 as site)",
    r"\bstruct_pack\b|:=": "struct_pack(at := 1)",
    r"//": "wait_ms // 1000",
    r"\bhugeint\b": "cast(wait_ms as hugeint)",
    r"\bvarchar\b": "cast(null as varchar)",
    r"\bunnest\(": "unnest(cuts)",
    r"\b(un)?pivot\b": "unpivot agent_days",
    r"\blist\(|\blist_(?!of\(|size\(|item\()\w+\(": "list_distinct(offers)",
    r"(?<!_of_)\brange\(": "range(1, 3)",
    r"\blen\(": "len(cuts)",
    r"\b(?!edges\b)\w+\[\w": "cuts[1]",
    r"\b(make_timestamp_ms|epoch_us|epoch_ms|date_diff)\(": "make_timestamp_ms(0)",
    r"\b(quantile_disc|quantile_cont|quantile)\(": "quantile_disc(wait_ms, 0.5)",
    r"\b(arg_min|arg_max)\(": "arg_min(agent, at_ms)",
    r"\b(strpos|starts_with|hash)\(": "starts_with(target, 'queue')",
    r"::": "wait_ms::int",
    r"\bignore nulls\b": "last_value(spell ignore nulls)",
    r"\b(left semi|asof) join\b": "asof join terms",
}
"""What a model may not say, and an example of it."""
DISPATCH = re.compile(r"adapter\.dispatch\('(\w+)'\)")
ONE_ENGINE = re.compile(r"\{% macro (?:duckdb|spark)__.*?\{%- endmacro %\}", re.DOTALL)
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|--[^\n]*", re.DOTALL)


def _own_words(sql: str) -> list[str]:
    text = JINJA.sub("", ONE_ENGINE.sub("", sql))
    return [found.group() for word in OWN_WORDS for found in re.finditer(word, text)]


@pytest.mark.parametrize("example", sorted(OWN_WORDS.values()))
def test_every_word_is_found(example: str) -> None:
    assert _own_words(f"select {example} from legs")


def test_no_model_has_one() -> None:
    files = sorted([*PROJECT.glob("models/**/*.sql"), *PROJECT.glob("macros/*.sql")])
    assert len(files) > 50
    found = {path.name: _own_words(path.read_text()) for path in files}
    assert {name: words for name, words in found.items() if words} == {}


def _macros() -> str:
    return "\n".join(path.read_text() for path in sorted(Path(PROJECT / "macros").glob("*.sql")))


def test_every_dispatched_macro_speaks_both() -> None:
    text = _macros()
    dispatched = set(DISPATCH.findall(text))
    assert dispatched
    for engine in ("duckdb", "spark"):
        assert set(re.findall(rf"macro {engine}__(\w+)\(", text)) == dispatched
