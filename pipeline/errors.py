"""The tree of everything Vane raises on purpose.

    PipelineError
    ├── TransientError            the world may recover: retry at the edge
    │   ├── BrokerUnavailable     no Kafka broker answered
    │   ├── ReceiverBusy          a receiver of alerts asks to be left alone for a while
    │   └── StoreUnavailable      the operational store's database does not answer
    └── TerminalError             retrying cannot help: stop and tell a person
        ├── AccessDenied          the Kafka cluster does not let us in, or not do what we ask
        ├── AlertRefused          a receiver will not take an alert, however often it is sent
        ├── ConfigError           a file in config/ or schemas/ is wrong; names file and line
        ├── InputError            a file given by the user is wrong; names file, line and value
        ├── KeyReused             an idempotency key came again with another command
        ├── MoveRefused           a record at the desk cannot make this move; names what is allowed
        │   └── StaleVersion      somebody else changed the record meanwhile; names who and when
        ├── RecordUnknown         the desk has no such record
        ├── SchemaMismatch        the operational store is of another release, or not there
        ├── GateClosed            a data-quality gate found a critical violation
        ├── StateLost             the log no longer holds what the state needs
        └── ReconcileError        live and batch numbers cannot be compared

Bad *records* are not exceptions: they travel as values (``pipeline.domain.events.Rejected``).
A broken invariant of our own is a plain ``AssertionError`` or ``ValueError``: a bug, so a crash.
"""

from __future__ import annotations

from collections.abc import Sequence


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


class StoreUnavailable(TransientError):  # noqa: N818 - reads as the state it reports
    """The operational store's database does not answer."""


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


class KeyReused(TerminalError):  # noqa: N818 - reads as the state it reports
    """An idempotency key came again with another command."""


class MoveRefused(TerminalError):  # noqa: N818 - reads as the state it reports
    """A record at the desk cannot make this move; the message names what is allowed."""

    def __init__(
        self,
        message: str,
        *,
        by: str | None = None,
        at_ms: int | None = None,
        state: str | None = None,
        version: int | None = None,
        allowed: Sequence[str] = (),
    ) -> None:
        """Say why; where known, who brought the record where it is, when, and what is allowed."""
        self.by = by
        self.at_ms = at_ms
        self.state = state
        self.version = version
        self.allowed = tuple(allowed)
        super().__init__(message)


class StaleVersion(MoveRefused):
    """Somebody else changed the record meanwhile; the message names who and when."""


class RecordUnknown(TerminalError):  # noqa: N818 - reads as the state it reports
    """The desk has no such record."""


class SchemaMismatch(TerminalError):  # noqa: N818 - reads as the state it reports
    """The operational store is of another release, or not there; the message says what to do."""


class GateClosed(TerminalError):  # noqa: N818 - reads as the state it reports
    """A data-quality gate found a critical violation; nothing was published."""


class StateLost(TerminalError):  # noqa: N818 - reads as the state it reports
    """The log no longer holds what the recorded state needs to go on."""


class ReconcileError(TerminalError):
    """Live and batch numbers cannot be compared (not: they differ)."""
