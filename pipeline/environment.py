"""Reads environment variables and keeps what is wrong with them, to say all of it at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import ConfigError


class Environment:
    """Variables by kind; each method notes a problem and returns something harmless instead."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Read from these variables."""
        self._env = env
        self.problems: list[ConfigError] = []

    def problem(self, name: str, expected: str) -> None:
        """Note what is wrong with a variable."""
        self.problems.append(ConfigError(f"environment variable {name}", expected))

    def raise_problems(self) -> None:
        """Raise a ConfigError that names everything that is wrong, if anything is."""
        if len(self.problems) == 1:
            raise self.problems[0]
        if self.problems:
            listed = "".join(f"\n  {problem}" for problem in self.problems)
            raise ConfigError("settings", f"{len(self.problems)} problems{listed}")

    def text(self, name: str) -> str:
        """Return the value; one that is not set is empty."""
        return self._env.get(name, "")

    def matching(self, name: str, pattern: re.Pattern[str], expected: str) -> str:
        """Return the value, which may be empty and else has to match."""
        text = self.text(name)
        if text and not pattern.fullmatch(text):
            self.problem(name, f"expected {expected}, got {text!r}")
        return text

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return the value, by default the first of the choices."""
        text = self.text(name) or choices[0]
        if text not in choices:
            self.problem(name, f"expected one of {', '.join(choices)}, got {text!r}")
        return text

    def one_line(self, name: str) -> str:
        """Return a text sent as one line of a protocol; a line's end in it would forge two."""
        text = self.text(name)
        if "\n" in text or "\r" in text:
            self.problem(name, "expected one line, got a line's end")
        return text

    def port(self, name: str, *, default: int) -> int:
        """Return a TCP port."""
        text = self.text(name) or str(default)
        if not text.isdecimal() or not 0 <= int(text) <= 65535:  # noqa: PLR2004 - TCP's range
            self.problem(name, f"expected a port from 0 to 65535, got {text!r}")
            return default
        return int(text)

    def seconds(self, name: str, *, default: float) -> float:
        """Return a number of seconds."""
        text = self.text(name)
        try:
            return float(text) if text else default
        except ValueError:
            self.problem(name, f"expected seconds, got {text!r}")
            return default

    def file(self, name: str) -> Path | None:
        """Return the path of a file, there or not; None where none is named."""
        text = self.text(name)
        return Path(text).resolve() if text else None

    def secret(self, name: str) -> str:
        """Return the variable's value, or what the file holds that ``name_FILE`` names."""
        path = self.file(f"{name}_FILE")
        text = self.text(name)
        if path is None:
            return text
        if text:
            self.problem(f"{name}_FILE", f"expected it or {name}, got both")
            return text
        try:
            found = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "bytes that are no UTF-8"
            what = "password" if name.endswith("PASSWORD") else "secret"
            msg = f"expected a file with a {what} at {str(path)!r}, got: {said}"
            self.problem(f"{name}_FILE", msg)
            return "" if name.endswith("URL") else "unread"
        return found
