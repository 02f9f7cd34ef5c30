"""Metrics as the message that remote write sends: WriteRequest of Prometheus, in protobuf.

WriteRequest { repeated TimeSeries timeseries = 1; }
TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; }
Label        { string name = 1; string value = 2; }
Sample       { double value = 1; int64 timestamp = 2; }    timestamp in milliseconds
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from hived.records.metrics import PREFIX, Family, pairs

SERIES_AT_ONCE = 2_000
"""As Prometheus sends itself: about 300 KB before they are compressed."""

_VALUE = struct.Struct("<d")
_LABEL, _SERIES, _FIRST, _SECOND = 0x0A, 0x0A, 0x0A, 0x12  # (number << 3) | 2: what follows has a length
_DOUBLE, _INTEGER = 0x09, 0x10


def requests(families: Iterable[Family], at: float, more: Mapping[str, str]) -> Iterator[tuple[int, bytes]]:
    """Yield (series, message) until all is in one. `at`: of every sample, epoch s; `more`: labels of every series."""
    series = _series(families, at, more)
    while some := list(islice(series, SERIES_AT_ONCE)):
        yield len(some), b"".join(some)


def _series(families: Iterable[Family], at: float, more: Mapping[str, str]) -> Iterator[bytes]:
    when = bytes((_INTEGER,)) + _varint(round(at * 1000))
    size = bytes((_SECOND, 1 + _VALUE.size + len(when), _DOUBLE))
    known: dict[str, bytes] = {}
    for family in families:
        for end, (labels, values) in family.samples.items():
            name = _label("__name__", f"{PREFIX}{family.metric.name}{end}")
            for written, value in zip(labels, values, strict=True):
                if value is None:
                    continue
                body = known.get(written)
                if body is None:
                    body = known[written] = _labels(written, more)
                yield _part(_SERIES, b"".join((name, body, size, _VALUE.pack(value), when)))


def _labels(written: str, more: Mapping[str, str]) -> bytes:
    """Labels go in the order of their names, and an empty one is none. "__name__" comes before any letter."""
    every = {**more, **dict(pairs(written))}
    return b"".join(_label(name, value) for name, value in sorted(every.items()) if value)


def _label(name: str, value: str) -> bytes:
    return _part(_LABEL, _part(_FIRST, name.encode()) + _part(_SECOND, value.encode("utf-8", "replace")))


def _part(tag: int, body: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
