"""Which files a path means, in which order, and their bytes as unpacked.

A rotated log is read oldest first: ``queue_log-20251101``, ``queue_log.2.gz``, ``queue_log.1``,
``queue_log``. Whether a file is packed is told by its first bytes, not by its name.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from pipeline.errors import InputError

CHUNK: Final = 262_144
GZIP: Final = b"\x1f\x8b"
_OTHER_KINDS: Final = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
_LONGEST_MAGIC: Final = max(map(len, _OTHER_KINDS))
_PACKED: Final = re.compile(r"\.(?:gz|bz2|xz|zst|zip|Z)$", re.IGNORECASE)
_KIND: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
_NUMBER: Final = re.compile(r"\.(\d{1,6})$")
_DATE: Final = re.compile(
    r"[.\-_]((?:19|20)\d\d-?[01]\d-?[0-3]\d(?:[-_T]?\d\d(?:[-:]?\d\d){0,2})?(?:-\d{9,10})?|1\d{9})$"
)
_DIGITS: Final = re.compile(r"(\d+)")

Natural = tuple[tuple[int, int, str], ...]


class Rotation(NamedTuple):
    """Where a file stands among those that one log was rotated into; sorts oldest first."""

    folder: Natural
    log: Natural
    is_live: bool
    date: str
    newness: int

    @property
    def family(self) -> tuple[Natural, Natural]:
        """Return what all files of one log have in common."""
        return self.folder, self.log


def rotation_of(path: Path) -> Rotation:
    """Read a file's place from its name: ``x`` is live; ``x.1``, ``x-20251101.gz`` are rotated."""
    name = _PACKED.sub("", path.name)
    number = _NUMBER.search(name)
    name = _NUMBER.sub("", name) if number else name
    kind = _KIND.search(name)
    if kind and _DATE.search(name[: kind.start()]):  # calls-20251101.csv
        name, ending = name[: kind.start()], kind[0]
    else:
        ending = ""
    date = _DATE.search(name)
    name = _DATE.sub("", name) if date else name
    return Rotation(
        folder=_natural(str(path.parent)),
        log=_natural(name + ending),
        is_live=not number and not date and name + ending == path.name,
        date="" if date is None else re.sub(r"\D", "", date[1]),
        newness=-int(number[1]) if number else 1,
    )


def find_files(folder: Path) -> list[Path]:
    """Return all files below a folder, each log oldest first; hidden ones are left out."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    files = [path for path in found if path.is_file()]
    if not files:
        msg = f"{folder}: expected files, found an empty folder"
        raise InputError(msg)
    return sorted(files, key=lambda path: (rotation_of(path), path.name))


class Input(NamedTuple):
    """A file, and what it is called in counts, errors and dead letters."""

    file: Path
    name: str


def inputs_of(
    paths: Iterable[Path], find: Callable[[Path], list[Path]] = find_files
) -> list[Input]:
    """Return the files that paths mean, in the order given; one named twice is read once.

    Raises:
        InputError: a path is not there, or a folder holds nothing to read.
    """
    inputs: dict[tuple[int, int], Input] = {}
    for path in paths:
        if not path.exists():
            msg = f"{path}: expected a file or folder, found nothing"
            raise InputError(msg)
        is_folder = path.is_dir()
        for file in find(path) if is_folder else [path]:
            status = file.stat()
            name = str(file.relative_to(path)) if is_folder else file.name
            inputs.setdefault((status.st_dev, status.st_ino), Input(file, name))
    return list(inputs.values())


class Unpacker:
    """Bytes as stored to bytes as meant: gzip is unpacked, text is passed on."""

    def __init__(self, name: str) -> None:
        """Begin an input; ``name`` is for errors."""
        self._name = name
        self._head = b""
        self._is_known = False
        self._gzip: zlib._Decompress | None = None

    @property
    def is_gzip(self) -> bool:
        """Say whether the input turned out to be packed."""
        return self._gzip is not None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take stored bytes; raises InputError where they are damaged or of another kind."""
        if not self._is_known:
            self._head += data
            if len(self._head) < _LONGEST_MAGIC:
                return
            data, self._head = self._head, b""
            self._begin(data)
        if self._gzip is None:
            yield data
        else:
            yield from self._unpack(data)

    def rest(self) -> Iterator[bytes]:
        """Give what was held back of an input too short to tell its kind by."""
        if not self._is_known:
            data, self._head, self._is_known = self._head, b"", True
            yield data

    def check_end(self) -> None:
        """Raise InputError where the input ended in the middle of gzip data."""
        if self._gzip is not None and not self._gzip.eof:
            msg = f"{self._name}: expected the end of gzip data, found that of the file; "
            raise InputError(msg + "what it held up to there was read")

    def _begin(self, data: bytes) -> None:
        self._is_known = True
        for magic, kind in _OTHER_KINDS.items():
            if data.startswith(magic):
                msg = f"{self._name}: expected text in UTF-8, plain or in gzip, found {kind}"
                raise InputError(msg)
        if data.startswith(GZIP):
            self._gzip = zlib.decompressobj(wbits=31)

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._gzip is None or self._gzip.eof:
                data = data.lstrip(b"\0")  # padding, as tapes and some tools leave it
                if not data:
                    return
                self._gzip = zlib.decompressobj(wbits=31)
            try:
                text = self._gzip.decompress(data, CHUNK)
            except zlib.error as error:
                msg = f"{self._name}: expected gzip, found damaged data ({error}); "
                raise InputError(msg + "what it held up to there was read") from error
            if text:
                yield text
            data = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail


def unpacked(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield a file's bytes as unpacked, in pieces."""
    unpacker = Unpacker(name)
    while data := file.read(CHUNK):
        yield from unpacker.feed(data)
    yield from unpacker.rest()
    unpacker.check_end()


def _natural(text: str) -> Natural:
    """Return what sorts ``part-2`` before ``part-10``."""
    parts = _DIGITS.split(text)
    return tuple((1, int(p), "") if i % 2 else (0, 0, p) for i, p in enumerate(parts))
