"""Judges in a process of its own, because Great Expectations takes seconds to import.

It imports while its caller does other work (``summon``), and stays for the caller's next gates.
Questions and verdicts go through pipes; the process ends when its caller does, however that ends.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import IO, Any, Final, cast

from pipeline.errors import TerminalError
from pipeline.quality import gate
from pipeline.quality.gate import Verdict
from pipeline.quality.rules import Suite

_COMMAND: Final = [sys.executable, "-m", "pipeline.quality.judge"]
_summoned: list[subprocess.Popen[bytes]] = []


def summon() -> None:
    """Let the judge begin to import, so that it is ready when a gate is reached."""
    if _summoned and _summoned[0].poll() is None:
        return
    _dismiss()
    _summoned.append(
        subprocess.Popen(  # noqa: S603 - our own command
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for the caller; its end is the judge's
        )
    )


def judge(suite: Suite, metrics: Mapping[str, Any]) -> Verdict:
    """Judge metrics as ``gate.judge`` does.

    Raises:
        TerminalError: the process ended before it had come to a verdict.
    """
    summon()
    process = _summoned[0]
    questions, verdicts = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    try:
        pickle.dump((suite, dict(metrics)), questions)
        questions.flush()
        return cast("Verdict", pickle.load(verdicts))  # noqa: S301 - our own process
    except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
        code = process.wait()
        msg = (
            f"the gate on {suite.name} was not judged, nothing was published: "
            f"Great Expectations' process ended with {code}"
        )
        raise TerminalError(msg) from error
    except BaseException:  # a verdict nobody has read must not answer the next question
        _dismiss()
        raise


def _dismiss() -> None:
    while _summoned:
        process = _summoned.pop()
        process.terminate()  # it may be in the middle of its import, and nobody waits for that
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()


atexit.register(_dismiss)


def _serve(questions: IO[bytes], verdicts: IO[bytes]) -> None:
    """Answer until the caller has gone."""
    gate.load()
    while True:
        try:
            suite, metrics = pickle.load(questions)  # noqa: S301 - our own caller
        except EOFError:
            return
        pickle.dump(gate.judge(suite, metrics), verdicts)
        verdicts.flush()


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not print into a verdict
    _serve(sys.stdin.buffer, out)
