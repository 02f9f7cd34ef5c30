"""What a miner can say: bounds of its values, and readers of those that the firmware writes in its own way."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hived.records import units, values
from hived.records.values import number, table

UNKNOWN = "unknown"
"""Stands for a word whose meaning we do not know."""
MAX_TEXT = 256
MAX_BOARDS = 16  # no model has more than 4
MAX_CHIPS = 1024  # on one board; the densest known has 126
MAX_SENSORS = 64  # on one board; 4 are known
MAX_FANS = 32
MAX_POOLS = 32  # three of the owner, then DevFee entries
MAX_INTEGER = 2**63 - 1  # what a SQLite column and the firmware's own int64 can hold
MAX_HASHRATE_HS = 1e18  # ten times what fills a container
MAX_POWER_W = 1e5
MAX_VOLTAGE_MV = 1e5
MAX_FREQUENCY_MHZ = 1e4
MAX_RPM = 100_000
MAX_SECONDS = 1e10
MIN_TEMP_C, MAX_TEMP_C = -60, 250
MAX_URL = 4096  # of a pool; it is cut to MAX_TEXT once its password is out
WARM_C = 20  # no part of a miner is frozen beside one that is as warm
_NO_SENSOR = (0, -1)  # what a firmware tells of a place that it cannot measure
MAX_TABLE_KEYS = 64  # of a settings table kept as it is; the longest known one has 24
MAX_DEPTH = 6

_DAYS = r"(?:(?P<days>[0-9]{1,6}) days?,?\s*)?"
_UPTIME = re.compile(_DAYS + r"(?:(?P<hours>[0-9]{1,6}):(?P<minutes>[0-5]?[0-9])|(?P<only>[0-9]{1,6}) min)")
_AGE = re.compile(_DAYS + r"(?P<hours>[0-9]{1,6}):(?P<minutes>[0-5][0-9]):(?P<seconds>[0-5][0-9])")
_SECRET_NAME = re.compile(r"pass|secret|token|api_?key|(?:^|_)(?:pw|pwd|keys?)(?:_|$)", re.IGNORECASE)
_SCHEME = re.compile(r"\s*(?:[a-z0-9+.-]+://)?", re.IGNORECASE)
_PORT = re.compile(r":[0-9]{1,5}(?=[/?#\s]|$)")


def temperatures(*told: object) -> tuple[float | None, ...]:
    """Return the degrees Celsius that sensors of one place measured; None for those that measured nothing.

    A sensor that fails tells 0, -1 or another frost (-12, S19 capture): not believed beside a warm one, nor where all
    tell nothing but 0 and -1.
    """
    found = [number(value, MIN_TEMP_C, MAX_TEMP_C) for value in told]
    real = [temp for temp in found if temp is not None and temp not in _NO_SENSOR]
    warm = not real or max(real) >= WARM_C
    return tuple(None if warm and temp is not None and temp <= 0 else temp for temp in found)


def rate(value: object, unit: str, factor: float = 1) -> float | None:
    """Return H/s of a value given in `factor` times `unit` ("GH/s")."""
    told = number(value, 0, MAX_HASHRATE_HS)
    return None if told is None else number(units.hashrate(told * factor, unit), 0, MAX_HASHRATE_HS)


def text(value: object) -> str | None:
    """Return a text of a miner, at most MAX_TEXT characters on one line; None when nothing is left of it."""
    return values.text(value, MAX_TEXT)


def word(value: object, known: Mapping[str, str]) -> str | None:
    """Return what a word of a miner means, "unknown" for one that we do not know; None when it tells none."""
    told = text(value)
    return None if told is None else known.get(told.lower(), UNKNOWN)


def endpoint(value: object) -> str | None:
    """Return the address of a pool without the user and password that a URL may carry.

    What they are is seen in the URL as it was written: a text that is cut or cleaned first may lose the @ behind a
    password. An @ in the path of a place that has its port is none of theirs.
    """
    scheme = _SCHEME.match(value) if isinstance(value, str) and len(value) <= MAX_URL else None
    if scheme is None:
        return None
    rest = scheme.string[scheme.end() :]
    _, found, after = rest.rpartition("@")
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if found and ("@" in place or not _PORT.search(place) or _PORT.search(after)):
        rest = after
    return text(scheme[0] + rest)


def uptime(value: object) -> float | None:
    """Return seconds of `0:06`, ` 1:00`, `1 days, 17:02`, `9 days,  3:58` (hours:minutes) or `12 min`."""
    match = _UPTIME.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= MAX_TEXT else None
    return _seconds(match)


def age(value: object) -> float | None:
    """Return seconds of `0:00:14` (hours:minutes:seconds). The firmware's "0" means never, hence None."""
    match = _AGE.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= MAX_TEXT else None
    return _seconds(match)


def _seconds(match: re.Match[str] | None) -> float | None:
    if match is None:
        return None
    part = match.groupdict()
    minutes = int(part["minutes"] or part.get("only") or 0)
    return float(
        int(part["days"] or 0) * 86400 + int(part["hours"] or 0) * 3600 + minutes * 60 + int(part.get("seconds") or 0)
    )


def distinct(ids: Iterable[int | None], first: int) -> list[int]:
    """Return the ids when all are there and differ, else positions from `first`: no index comes twice."""
    given = list(ids)
    known = [item for item in given if item is not None]
    if len(set(known)) == len(given):
        return known
    return list(range(first, first + len(given)))


def plain(value: object, depth: int = MAX_DEPTH) -> Any:
    """Return `value` as bounded JSON data without any member whose name speaks of a secret."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return text(value) or ""
    if depth <= 0:
        return None
    if isinstance(value, list):
        return [plain(item, depth - 1) for item in value[:MAX_TABLE_KEYS]]
    return {
        name: plain(item, depth - 1)
        for key, item in list(table(value).items())[:MAX_TABLE_KEYS]
        if (name := text(key)) and not _SECRET_NAME.search(name)
    }
