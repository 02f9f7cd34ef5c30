"""Times as texts: RFC 3339 in UTC, to the microsecond, there and back without a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MAX_TEXT = 40  # characters; the longest sensible one has 32


def to_text(at: float) -> str:
    """Return UTC epoch seconds as RFC 3339 with microseconds and Z."""
    return (_EPOCH + timedelta(microseconds=round(at * 1e6))).isoformat(timespec="microseconds")[:-6] + "Z"


def rfc3339(at: float | None) -> str | None:
    """Return UTC epoch seconds as people and programs outside are shown them: with milliseconds and Z."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> float:
    """Return the UTC epoch seconds of an RFC 3339 text with an offset; ValueError for anything else."""
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ValueError("expected a time such as 2026-01-31T12:00:00Z")
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("expected a time with Z or an offset")
    return (at - _EPOCH) / _MICROSECOND / 1e6


_SPANS = ((2 * 86_400.0, 86_400.0, "d"), (2 * 3_600.0, 3_600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))


def span(seconds: float) -> str:
    """Return seconds as "12 s", "5 min", "3 h" or "4 d"."""
    seconds = max(0.0, seconds)
    unit, word = next((unit, word) for least, unit, word in _SPANS if seconds >= least)
    return f"{int(seconds // unit)} {word}"
