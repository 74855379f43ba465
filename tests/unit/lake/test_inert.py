"""Cells of a CSV that a spreadsheet would compute."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.lake.inert import inert


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", "  =1"])
def test_a_text_that_begins_a_formula_gets_an_apostrophe(text: str) -> None:
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("value", ["", " ", "a=1", "投诉", -5, 1.5, None, True, "1-2"])
def test_all_else_stays_as_it_is(value: Any) -> None:
    assert inert(value) is value
