"""JSON objects of another version of hived: read as far as they are known, and what is left unread is counted.

A newer program sends fields that this one has never heard of. Nobody can keep them, but somebody should hear of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from hived.records.untrusted import BadValue
from hived.records.values import clean

P = ParamSpec("P")
T = TypeVar("T")

MAX_NAMES = 50  # of one message: whoever sends more is no version of hived
MAX_NAME = 100
OTHERS = "..."


class Unread:
    """The fields of one message that were not understood, and how often each was there."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.bad = 0
        """How many of them are known, but held a value that cannot be taken."""

    def note(self, path: str, *, bad: bool = False) -> None:
        """Count one; `path` names it from the top of the message: "latest.status.fans.noise_db"."""
        name = clean(path[:MAX_NAME])
        if name not in self.counts and len(self.counts) >= MAX_NAMES:
            name = OTHERS
        self.counts[name] = self.counts.get(name, 0) + 1
        self.bad += bad


class Fields:
    """One object of a message. A field that was asked for is known; `end` counts all others."""

    def __init__(self, value: Any, unread: Unread, path: str = "") -> None:
        self._document: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        self._unread, self._path = unread, path
        self._known: set[str] = set()

    def get(self, name: str) -> Any:
        """Return a value as it came, None when there is none."""
        self._known.add(name)
        return self._document.get(name)

    def take(
        self, name: str, read: Callable[Concatenate[Any, str, P], T], default: T, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return a value as `read` understands it. One that it refuses is counted and costs itself alone."""
        value = self.get(name)
        if value is None:
            return default
        try:
            return read(value, name, *args, **kwargs)
        except BadValue:
            self._unread.note(self._path + name, bad=True)
            return default

    def part(self, name: str, read: Callable[[Fields], T]) -> T | None:
        """Return the object in a field as `read` understands it, None for null; BadValue when that refuses it."""
        value = self.get(name)
        return None if value is None else self._read(name, value, read)

    def take_part(self, name: str, read: Callable[[Fields], T]) -> T | None:
        """Return the object in a field as `read` understands it. One that it refuses is counted, and None."""
        try:
            return self.part(name, read)
        except BadValue:
            self._unread.note(self._path + name, bad=True)
            return None

    def take_parts(self, name: str, read: Callable[[Fields], T], most: int) -> list[T]:
        """Return the objects of a list as `read` understands them. One that it refuses, or too many, is counted."""
        values, found = self.get(name), []
        if values is None:
            return []
        for value in values[:most] if isinstance(values, list) else ():
            try:
                found.append(self._read(name, value, read))
            except BadValue:
                self._unread.note(self._path + name, bad=True)
        if not isinstance(values, list) or len(values) > most:
            self._unread.note(self._path + name, bad=True)
        return found

    @property
    def bad(self) -> int:
        """How many values of the whole message could not be taken so far."""
        return self._unread.bad

    def end(self) -> None:
        """Count what nobody asked for."""
        unknown = [name for name in self._document if name not in self._known]
        for name in unknown[:MAX_NAMES]:
            self._unread.note(self._path + name)
        if len(unknown) > MAX_NAMES:
            self._unread.note(OTHERS)

    def _read(self, name: str, value: Any, read: Callable[[Fields], T]) -> T:
        if not isinstance(value, Mapping):
            raise BadValue(name)
        inner = Fields(value, self._unread, f"{self._path}{name}.")
        found = read(inner)
        inner.end()
        return found
