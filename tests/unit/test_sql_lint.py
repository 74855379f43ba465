"""The linter of the dbt project finds what is wrong, in what the models render to as well."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sql_mutation.project import PROJECT

GOOD = """\
with legs as (

    select * from {{ ref('int_leg_facts') }}

),

final as (

    select
        queue,
        {{ total('event_count') }} as event_count
    from legs
    group by queue

)

select * from final
"""
BAD = {
    "CP01": GOOD.replace("select * from final", "SELECT * from final"),
    "LT01": GOOD.replace("group by queue", "group  by queue"),
    "LT04": GOOD.replace("queue,\n        {{", "queue\n        , {{"),
    "LT12": GOOD + "\n",
    "ST03": GOOD.replace("),\n\nfinal", "),\n\nspare as (\n\n    select 1 as one\n\n),\n\nfinal"),
    "AL02": GOOD.replace("}} as event_count", "}} event_count"),
    "PRS": GOOD.replace("from legs\n", "from from legs\n"),
    "JJ01": GOOD.replace("{{ ref(", "{{ref("),
    "TMP": GOOD.replace("total('event_count')", "totals('event_count')"),
}


def lint(folder: Path, model: str) -> tuple[int, str]:
    for name in (".sqlfluff", "lint", "macros"):
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    (folder / "models").mkdir()
    (folder / "models" / "fct_queue.sql").write_text(model)
    done = subprocess.run(
        [sys.executable, "-m", "sqlfluff", "lint", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder.parent,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_model_in_the_house_style_passes(tmp_path: Path) -> None:
    assert lint(tmp_path, GOOD)[0] == 0


@pytest.mark.parametrize("rule", BAD)
def test_a_model_that_breaks_a_rule_fails(rule: str, tmp_path: Path) -> None:
    code, said = lint(tmp_path, BAD[rule])
    assert code != 0
    assert re.search(rf"\| +{rule} \|", said), said


def test_make_lint_lints_the_dbt_project() -> None:
    bare = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    said = subprocess.run(
        ["make", "--dry-run", "lint"],
        cwd=PROJECT.parent,
        env=bare,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "sqlfluff lint --processes 2 dbt_like_sql" in said
