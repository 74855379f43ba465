"""What is wrong in a configuration file, all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError


class Problems:
    """What is wrong in a file; goes on after each problem, so that all are found."""

    def __init__(self, path: Path) -> None:
        """Find none yet."""
        self.path = path
        self.found: list[ConfigError] = []

    def add(self, line: int, problem: str) -> None:
        """Take note of one."""
        self.found.append(ConfigError(self.path, problem, line=line))

    def tried(self, read: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 - what it reads
        """Return what ``read`` reads of the file, or None and a problem more."""
        try:
            return read(self.path, *args)
        except ConfigError as error:
            self.found.append(error)
            return None

    def raise_all(self) -> None:
        """Raise one error that lists them all, if there are any."""
        if self.found:
            first, *others = self.found
            text = "\n".join([first.problem, *map(str, others)])
            raise ConfigError(self.path, text, line=first.line)
