"""What somebody hostile would send in place of something good: the one mutator of all fuzzing tests.

A case is its name and number: the same case is the same bytes on every machine, so the one that a failure names can be
run again. `make test` tries some of them, `LONG=1` as many as docs/security.md says.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from random import Random
from typing import Any

LONG = os.environ.get("LONG") == "1"

_NUMBERS = (
    0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.1, -0.0, 5e-324, 1e308, -1e308,
    float("nan"), float("inf"), 4_102_444_801, 253_402_300_800,
)  # fmt: skip
_NO_CHARACTERS = ("\0", "a\0b", "\ud800", "\udc00\ud800")
_TEXTS = (
    *(_NO_CHARACTERS * 4), "", " ", "\u202e\u2066", "\x1b[31mred\x1b[0m", "\r\nSet-Cookie: a=b",
    "a" * 300, "ä" * 70_000, "%", "%s%n", "%00", "_%", "' OR 1=1 --", '"; DROP TABLE miner; --', "\x85",
    "<script>alert(1)</script>", "javascript:alert(1)", "http://[", "http://a@b#c", "//", "[::1]:99999", "\\",
    "../../etc/passwd", "٣", "1e999", "-0", "0x10", "NaN", "null", "true", "9999-12-31T23:59:59Z",
    "2026-02-30", "2026-11-30T23:59:60+99:99", "ff:ff:ff:ff:ff:ff", "__proto__", "constructor", "{0}", "😀",
)  # fmt: skip
_DEEP: Any = json.loads('{"a":[' * 30 + "]}" * 30)
_OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None] * 2000, {"": {}}, _DEEP)


def count(short: int, long: int) -> int:
    """Return how many cases are tried."""
    return long if LONG else short


class Mutator:
    """One case. `words` are values that mean something where it is sent, such as names that belong to others."""

    def __init__(self, case: str, words: Sequence[Any] = ()) -> None:
        self.random = Random(case)
        self._words = words

    def often(self, share: float) -> bool:
        return self.random.random() < share

    def value(self) -> Any:
        """Return any JSON value."""
        kinds: tuple[Sequence[Any], ...] = (_NUMBERS, _TEXTS, _OTHERS, *((self._words,) * 2 if self._words else ()))
        return deepcopy(self.random.choice(self.random.choice(kinds)))

    def text(self, good: str) -> str:
        """Return a text in place of a good one: another, or that one spoilt."""
        if self.often(0.6):
            return str(self.value())[:5000]
        at = self.random.randint(0, len(good))
        return good[:at] + self.random.choice(_TEXTS)[:300] + good[at + self.random.randint(0, 3) :]

    def document(self, good: Any) -> Any:
        """Return a JSON value of which a few members are gone, others, doubled or under another name."""
        made: Any = json.loads(json.dumps(good))
        for _ in range(self.random.choice((1, 1, 2, 4))):
            places = list(_places(made))
            if not places:
                return self.value()
            container, key = self.random.choice(places)
            self._spoil(container, key)
        return made

    def _spoil(self, container: Any, key: Any) -> None:
        old, how = container[key], self.random.random()
        if how < 0.15:
            del container[key]
        elif how < 0.25 and isinstance(container, dict):
            container[str(self.value())[:300]] = container.pop(key)
        elif how < 0.35 and isinstance(container, list):
            container.extend([old] * self.random.choice((1, 30, 1200)))
        elif how < 0.5 and isinstance(old, str):
            container[key] = self.text(old)
        elif how < 0.6 and isinstance(old, int | float):
            container[key] = self.random.choice((-old, old + 1, old * 1_000_000, str(old)))
        else:
            container[key] = self.value()

    def body(self, good: Any) -> bytes:
        """Return the bytes of a mutated document; now and then bytes that are no document any more."""
        text = json.dumps(self.document(good)).encode()
        how = self.random.random()
        if how < 0.9:
            return text
        if how < 0.97:
            return self.bytes(text)
        at = self.random.randint(0, len(text))
        return (
            text[:at] + self.random.choice((b"[" * 50_000, b'{"a":' * 50_000, b"9" * 5000, b"\xef\xbb\xbf")) + text[at:]
        )

    def bytes(self, good: bytes) -> bytes:
        """Return bytes of which some are others, missing, or there twice."""
        made = bytearray(good)
        for _ in range(self.random.choice((0, 1, 16)) if made else 0):
            made[self.random.randrange(len(made))] = self.random.randrange(256)
        start = self.random.randint(0, len(made))
        end = self.random.choice((start, start + 1, start + 8, len(made)))
        return bytes(made[:start] + self.random.randbytes(self.random.choice((0, 1, 40))) + made[end:])


@contextmanager
def watched(secrets: Collection[str]) -> Iterator[None]:
    """Fail a block in which something logs an error, a trace, or a secret."""
    found: list[str] = []

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            line = self.format(record)
            if record.levelno >= logging.ERROR or record.exc_info or any(secret in line for secret in secrets):
                found.append(f"{record.name}: {line}"[:3000])

    root, watch = logging.getLogger(), Watch()
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(watch)
    assert not found, found[:3]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) of a document; of a long list the first ones."""
    keys: Any = list(value) if isinstance(value, dict) else range(min(len(value), 8)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
