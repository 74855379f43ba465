"""The tree of everything Vane raises on purpose.

    PipelineError
    ├── TransientError            the world may recover: retry at the edge
    │   ├── BrokerUnavailable     no Kafka broker answered
    │   └── ReceiverBusy          a receiver of alerts asks to be left alone for a while
    └── TerminalError             retrying cannot help: stop and tell a person
        ├── AccessDenied          the Kafka cluster does not let us in, or not do what we ask
        ├── AlertRefused          a receiver will not take an alert, however often it is sent
        ├── ConfigError           a file in config/ or schemas/ is wrong; names file and line
        ├── InputError            a file given by the user is wrong; names file, line and value
        ├── MoveRefused           a record at the desk cannot make this move; names what is allowed
        ├── GateClosed            a data-quality gate found a critical violation
        ├── StateLost             the log no longer holds what the state needs
        └── ReconcileError        live and batch numbers cannot be compared

Bad *records* are not exceptions: they travel as values (``pipeline.domain.events.Rejected``).
A broken invariant of our own is a plain ``AssertionError`` or ``ValueError``: a bug, so a crash.
"""

from __future__ import annotations


class PipelineError(Exception):
    """Base of all errors raised on purpose; ``str()`` of it is fit to show to a user."""


class TransientError(PipelineError):
    """The world may recover; retrying at the edge is right."""


class BrokerUnavailable(TransientError):  # noqa: N818 - reads as the state it reports
    """No Kafka broker answered at the given address."""


class ReceiverBusy(TransientError):  # noqa: N818 - reads as the state it reports
    """A receiver of alerts asks to be left alone for a while."""

    def __init__(self, message: str, *, after_s: float) -> None:
        """Say so, and for how many seconds."""
        self.after_s = after_s
        super().__init__(message)


class TerminalError(PipelineError):
    """Retrying cannot help; a person has to change something."""


class AccessDenied(TerminalError):  # noqa: N818 - reads as the state it reports
    """The Kafka cluster does not let us in, or does not allow what we ask of it."""


class AlertRefused(TerminalError):  # noqa: N818 - reads as the state it reports
    """A receiver will not take an alert, however often it is sent."""


class ConfigError(TerminalError):
    """A file of the project's configuration is wrong."""

    def __init__(self, path: object, problem: str, *, line: int | None = None) -> None:
        """Name the file, the line where known, and what was expected."""
        self.path = str(path)
        self.line = line
        self.problem = problem
        where = f"{self.path}:{line}" if line is not None else self.path
        super().__init__(f"{where}: {problem}")


class InputError(TerminalError):
    """A file or argument given by the user is wrong."""


class MoveRefused(TerminalError):  # noqa: N818 - reads as the state it reports
    """A record at the desk cannot make this move; the message names what is allowed."""


class GateClosed(TerminalError):  # noqa: N818 - reads as the state it reports
    """A data-quality gate found a critical violation; nothing was published."""


class StateLost(TerminalError):  # noqa: N818 - reads as the state it reports
    """The log no longer holds what the recorded state needs to go on."""


class ReconcileError(TerminalError):
    """Live and batch numbers cannot be compared (not: they differ)."""
