"""The domain's fold as machine code, where it has been built: the same source, through mypyc.

``make setup`` builds it where a C compiler is at hand; everything works without. What is built
lies in the environment's packages, apart from the source, with a fingerprint of the source it was
built from: another source, another Python, and the plain modules are used instead.

``use`` has to be called before the modules are imported.
"""

from __future__ import annotations

import hashlib
import importlib
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.errors import ConfigError

MODULES: Final = (
    *("kpi", "leg", "wait_histogram", "outbound", "refusal", "occurrences", "outcome"),
    *("closed_legs", "watermark", "queue_state", "outbox", "fold"),
)
"""What every event goes through. Dated terms and definitions stay plain: they are looked up."""

CHOICES: Final = ("auto", "compiled", "python")
_PACKAGE: Final = Path(__file__).resolve().parent
_LIBRARY: Final = "vane_kernel"
_FINGERPRINT: Final = "source.blake2b"

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


def fingerprint() -> str:
    """Return what the built modules must have been made of: sources, Python, machine."""
    found = hashlib.blake2b(digest_size=16)
    for part in (sys.version, platform.machine(), *MODULES):
        found.update(part.encode())
    for source in sorted((_PACKAGE / "domain").glob("*.py")):
        found.update(source.read_bytes())
    return found.hexdigest()


def is_current(place: Path | None = None) -> bool:
    """Say whether built modules are there and of this very source."""
    mark = (place or folder()) / _FINGERPRINT
    return mark.is_file() and mark.read_text(encoding="ascii") == fingerprint()


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
    sys.path.append(str(place))  # the library that the modules share
    importlib.import_module("pipeline.domain").__path__.insert(0, str(place / "domain"))
    return "compiled"


def build(place: Path | None = None) -> Iterator[str]:
    """Build the modules, saying what is being done.

    Raises:
        ConfigError: the compiler is missing or failed; its last words are in the message.
    """
    place = place or folder()
    if is_current(place):
        yield f"the compiled domain is current: {place}"
        return
    yield f"compiling {len(MODULES)} modules of the domain"
    with tempfile.TemporaryDirectory(prefix="vane-kernel-") as scratch:
        root = Path(scratch)
        shutil.copytree(_PACKAGE / "domain", root / "pipeline" / "domain")
        for name in ("__init__.py", "errors.py"):
            shutil.copy(_PACKAGE / name, root / "pipeline" / name)
        setup = _SETUP.format(modules=MODULES, library=_LIBRARY)
        (root / "setup.py").write_text(setup, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "setup.py", "build_ext", "--build-lib", "built"],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"the compiler said:\n{(done.stdout + done.stderr)[-2000:]}"
            raise ConfigError("compiled domain", msg)
        _install(root / "built", place)
    yield f"the compiled domain is ready: {place}"


def _install(built: Path, place: Path) -> None:
    fresh = place.with_name(f"{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "domain").mkdir(parents=True)
    for library in built.glob("*.so"):
        shutil.copy(library, fresh / library.name)
    for module in (built / "pipeline" / "domain").glob("*.so"):
        shutil.copy(module, fresh / "domain" / module.name)
    (fresh / _FINGERPRINT).write_text(fingerprint(), encoding="ascii")
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)
