"""How long commands tell what they do: steps stay on the screen, their single parts pass by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

_PART: Final = re.compile(r"^\s+(\d+ of \d+ .*?)(?: \.{3,}.*)?$")
"""One of many, as dbt counts its models and tests."""


@contextmanager
def reporting(what: str) -> Iterator[Callable[[str], None]]:
    """Yield a function to report a line with; parts only show on a terminal, and pass by."""
    console = Console(stderr=True, highlight=False)
    with console.status(what) as status:

        def report(line: str) -> None:
            part = _PART.match(line)
            if part:
                status.update(f"{what}: {part.group(1)}")
            else:
                console.print(line, markup=False, soft_wrap=True)

        yield report
