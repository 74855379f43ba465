"""Reads the file that says what a source's queues, agents and states are called (``--names``).

Every error names file and line, the value found and what was expected.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipeline.codec.names import Names
from pipeline.config_yaml import Located, check_keys, load_yaml, one_of, take
from pipeline.domain.events import AgentState
from pipeline.errors import ConfigError

_STATES: Final = [str(state) for state in AgentState]


def load_names(path: Path) -> Names:
    """Read native to canonical names; what the file does not list keeps its native name."""
    top = load_yaml(path)
    check_keys(path, top, {"queues", "agents", "states"})
    states = _section(path, top, "states")
    by_lower: dict[str, AgentState] = {}
    for native in states:
        if native.lower() in by_lower:
            problem = f"states: {native!r} stands here twice; capitals do not count"
            raise ConfigError(path, problem, line=states.line_of(native))
        by_lower[native.lower()] = AgentState(one_of(path, states, native, _STATES))
    return Names(
        queues=_names(path, _section(path, top, "queues")),
        agents=_names(path, _section(path, top, "agents")),
        states=by_lower,
    )


def _section(path: Path, top: Located, name: str) -> Located:
    if top.get(name) is None:  # absent, or a heading with nothing below it
        return Located()
    section = take(path, top, name, Located)
    for native in section:
        written = section.not_as_written.get(native)
        if written is not None:  # what is written is what the source says
            problem = (
                f"{name}: expected every native name in quotes where YAML reads it as a number or "
                f"a truth value; {written} was read as {native!r}"
            )
            raise ConfigError(path, problem, line=section.line_of(native))
        if not native:
            raise ConfigError(
                path, f"{name}: expected a native name, got ''", line=section.line_of(native)
            )
    return section


def _names(path: Path, section: Located) -> dict[str, str]:
    names = {}
    for native in section:
        names[native] = take(path, section, native, str)
        if not names[native].strip():
            problem = f"{native}: expected a name, got {names[native]!r}"
            raise ConfigError(path, problem, line=section.line_of(native))
    return names
