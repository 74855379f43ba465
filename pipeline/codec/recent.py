"""What was lately seen, by key, and no more of it than fits: the memory of a stitching adapter."""

from __future__ import annotations

from collections import Counter
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """A mapping that lets go of what has not been touched for longest, and counts it."""

    __slots__ = ("_anomalies", "_code", "_kept", "_most")

    def __init__(self, most: int, anomalies: Counter[str], code: str) -> None:
        """Keep at most ``most`` keys; each one let go is counted as ``code``."""
        self._kept: dict[str, Value] = {}
        self._most = most
        self._anomalies = anomalies
        self._code = code

    def __len__(self) -> int:
        """Return how many keys are kept."""
        return len(self._kept)

    def values(self) -> list[Value]:
        """Return what is kept, touching nothing."""
        return list(self._kept.values())

    def get(self, key: str) -> Value | None:
        """Return what is kept under a key, which is thereby touched."""
        value = self._kept.pop(key, None)
        if value is not None:
            self._kept[key] = value
        return value

    def put(self, key: str, value: Value) -> None:
        """Keep a value; the key untouched for longest goes if there is no room."""
        self._kept.pop(key, None)
        if len(self._kept) >= self._most:
            self._kept.pop(next(iter(self._kept)))
            self._anomalies[self._code] += 1
        self._kept[key] = value

    def drop(self, key: str) -> Value | None:
        """Forget a key whose time is over, uncounted; return what it stood for."""
        return self._kept.pop(key, None)
