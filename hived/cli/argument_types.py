"""What arguments of hivectl are read as: numbers, spans and times, with what was expected instead."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

_LONGEST_WAIT_S = 3600.0  # a sweep of a /16 takes minutes
_MOST_ROWS = 1_000_000
_UNITS_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}


def count(text: str) -> int:
    """Return how many are meant, at least one."""
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= _MOST_ROWS:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text[:40]!r}")
    return int(text)


def number(text: str) -> int:
    """Return a number such as lists show."""
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"expected a number such as 3, got {text[:40]!r}")
    return int(text)


def packet(text: str) -> dict[str, float]:
    """Return how many at a time and how often, from 10/5s."""
    size, _, pause = text.partition("/")
    if re.fullmatch(r"[0-9]{1,6}", size) and re.fullmatch(r"[0-9]{1,5}[sm]", pause):
        return {"size": int(size), "interval_seconds": int(pause[:-1]) * _UNITS_S[pause[-1]]}
    raise argparse.ArgumentTypeError(f"expected miners and a pause such as 10/5s or 50/1m, got {text[:40]!r}")


def lifetime(text: str) -> float:
    """Return days or hours, s."""
    return _span(text, "dh", "days or hours such as 90d or 12h")


def duration(text: str) -> float:
    """Return a span, s."""
    return _span(text, "dhms", "a span such as 90s, 5m, 1h or 1d")


def since(text: str) -> Callable[[float], float]:
    """Return what gives the time that is meant from the present one: so long ago, or a time in full."""
    return _moment(text, -1.0)


def until(text: str) -> Callable[[float], float]:
    """Return what gives the time that is meant from the present one: so long from now, or a time in full."""
    return _moment(text, 1.0)


def _moment(text: str, sign: float) -> Callable[[float], float]:
    from hived.records.times import from_text

    try:
        at = from_text(text)
    except (ValueError, OverflowError):
        span_s = _span(text, "dhms", "a span such as 12h, 30m or 7d, or a time such as 2026-01-31T12:00:00Z")
        return lambda now: now + sign * span_s
    return lambda _: at


def _span(text: str, units: str, expected: str) -> float:
    amount, unit = text[:-1], _UNITS_S.get(text[-1:], 0.0)
    if text[-1:] not in units or not amount.isascii() or not amount.isdecimal() or not 0 < int(amount[:9]) <= 36_500:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text[:40]!r}")
    return int(amount) * unit


def seconds(text: str) -> float:
    """Return how long to wait, s."""
    try:
        wait_s = float(text)
    except ValueError:
        wait_s = -1.0
    if not 0 <= wait_s <= _LONGEST_WAIT_S:
        raise argparse.ArgumentTypeError(f"expected seconds from 0 to {_LONGEST_WAIT_S:g}, got {text[:40]!r}")
    return wait_s
