"""The domain's fold as machine code, where it has been built: the same source, through mypyc.

``make setup`` builds it where a C compiler is at hand; everything works without. What is built
lies in the environment's packages, apart from the source, with a fingerprint of the source it was
built from: another source, another Python, and the plain modules are used instead.

``use`` has to be called before the modules are imported.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import importlib.util
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.errors import ConfigError

MODULES: Final = (
    *("kpi", "leg", "wait_histogram", "outbound", "refusal", "occurrences", "outcome"),
    *("marks", "closed_legs", "watermark", "running_sums", "queue_state", "live_leg", "cold_legs"),
    *("significance", "alert_subject", "alert_parts", "alert_reading", "alert_evaluation"),
    *("outbox", "fold"),
)
"""What every event goes through. Dated terms and definitions stay plain: they are looked up."""

CHOICES: Final = ("auto", "compiled", "python")
_PACKAGE: Final = Path(__file__).resolve().parent
_LIBRARY: Final = "vane_kernel"
_WHAT: Final = "compiled domain"
_FINGERPRINT: Final = "source.blake2b"
_SUFFIX: Final = str(sysconfig.get_config_var("EXT_SUFFIX"))
"""How a module built for this Python on this system ends."""
_BESIDE: Final = ("__init__.py", "errors.py")
"""What the domain imports besides itself."""

_SETUP: Final = """
from setuptools import setup
from mypyc.build import mypycify
options = ["--config-file=", "--follow-imports=silent"]
files = ["pipeline/domain/" + name + ".py" for name in {modules!r}]
extensions = mypycify(options + files, opt_level="3", group_name={library!r})
setup(name={library!r}, packages=[], py_modules=[], ext_modules=extensions)
"""


def folder() -> Path:
    """Return where the environment keeps the built modules."""
    return Path(sysconfig.get_path("platlib")) / _LIBRARY


def fingerprint(package: Path = _PACKAGE) -> str:
    """Return what built modules must have been made of: sources, Python, machine, how to build."""
    found = hashlib.blake2b(digest_size=16)
    for part in (sys.version, _SUFFIX, platform.machine(), _SETUP, *MODULES):
        found.update(f"{part}\0".encode())
    for source in sorted((package / "domain").glob("*.py")) + [package / n for n in _BESIDE]:
        text = source.read_bytes()
        found.update(f"{source.name} {len(text)}\0".encode() + text)
    return found.hexdigest()


def is_current(place: Path | None = None) -> bool:
    """Say whether built modules are there, every one of them, and of this very source."""
    place = place or folder()
    try:
        mark = (place / _FINGERPRINT).read_bytes()
    except OSError:
        return False
    return mark == fingerprint().encode() and all(file.is_file() for file in _files(place))


def _files(place: Path) -> list[Path]:
    """Return what a build consists of: the library that the modules share, and the modules."""
    return [
        place / f"{_LIBRARY}__mypyc{_SUFFIX}",
        *(place / "domain" / f"{name}{_SUFFIX}" for name in MODULES),
    ]


def load_problem(place: Path | None = None) -> str | None:
    """Load the library that the modules share; return why that failed, None if it did not."""
    where = str(place or folder())
    sys.path.append(where)
    try:
        importlib.import_module(f"{_LIBRARY}__mypyc")
    except ImportError as error:  # built against another C library, say
        sys.path.remove(where)
        return str(error)
    return None


def use(choice: str, place: Path | None = None) -> str:
    """Let the domain be imported from the built modules; return ``compiled`` or ``python``.

    Args:
        choice: ``auto`` takes them if they are current, ``compiled`` insists, ``python`` does not.
        place: where they lie; default: in this environment.

    Raises:
        ConfigError: ``compiled`` is asked for and not there, or it is no choice at all.
    """
    if choice not in CHOICES:
        msg = f"expected one of {', '.join(CHOICES)}, got {choice!r}"
        raise ConfigError("environment variable VANE_KERNEL", msg)
    place = place or folder()
    if choice == "python" or (choice == "auto" and not is_current(place)):
        return "python"
    if not is_current(place):
        msg = "expected built modules of this source, found none; build them with: make kernel"
        raise ConfigError("environment variable VANE_KERNEL", msg)
    early = [name for name in MODULES if f"pipeline.domain.{name}" in sys.modules]
    if early:
        msg = f"too late for the compiled domain: {', '.join(early)} imported already"
        raise AssertionError(msg)
    if (problem := load_problem(place)) is not None:
        if choice == "auto":
            return "python"
        msg = f"expected built modules that load, got: {problem}; build them with: make kernel"
        raise ConfigError("environment variable VANE_KERNEL", msg)
    importlib.import_module("pipeline.domain").__path__.insert(0, str(place / "domain"))
    return "compiled"


def build(place: Path | None = None) -> Iterator[str]:
    """Build the modules, saying what is being done; a second build at a time waits for the first.

    Raises:
        ConfigError: the compiler is missing or failed (its last words are in the message), or the
            folder cannot be written.
    """
    place = place or folder()
    if is_current(place):
        yield f"the compiled domain is current: {place}"
        return
    if importlib.util.find_spec("mypyc") is None:
        msg = "expected the package mypy, which has the compiler mypyc; install it first"
        raise ConfigError(_WHAT, msg)
    try:
        with _alone(place):
            if not is_current(place):  # nobody has built them meanwhile
                yield f"compiling {len(MODULES)} modules of the domain"
                _build(place)
    except OSError as error:
        msg = f"expected a folder that can be written, got: {error}"
        raise ConfigError(_WHAT, msg) from error
    yield f"the compiled domain is ready: {place}"


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f".{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="vane-kernel-") as scratch:
        root = Path(scratch)
        package = root / "pipeline"
        shutil.copytree(_PACKAGE / "domain", package / "domain")
        for name in _BESIDE:
            shutil.copy(_PACKAGE / name, package / name)
        mark = fingerprint(package)  # of what is compiled: the source may change meanwhile
        setup = _SETUP.format(modules=MODULES, library=_LIBRARY)
        (root / "setup.py").write_text(setup, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "setup.py", "build_ext", "--build-lib", "built"],
            cwd=root, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"the compiler said:\n{(done.stdout + done.stderr)[-2000:]}"
            raise ConfigError(_WHAT, msg)
        _install(root / "built", place, mark)


def _install(built: Path, place: Path, mark: str) -> None:
    """Put a build into place whole: whoever looks finds the old one, none, or the new one."""
    fresh, old = (place.with_name(f".{place.name}.{what}") for what in ("new", "old"))
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    (fresh / "domain").mkdir(parents=True)
    library, *modules = _files(fresh)
    shutil.copy(built / library.name, library)
    for module in modules:
        shutil.copy(built / "pipeline" / "domain" / module.name, module)
    (fresh / _FINGERPRINT).write_text(mark, encoding="ascii")
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)
