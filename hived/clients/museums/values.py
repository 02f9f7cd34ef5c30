"""Typed readers of JSON from outside: each returns a value of the promised type and range, or nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hived.errors import Unreadable

MAX_ID = 2**53 - 1
MIN_YEAR, MAX_YEAR = -1_000_000, 2200
MAX_CURSOR = 8192
MAX_EPOCH_S = 32_503_680_000.0  # the year 3000
OVERLAP_S = 24 * 3600.0  # providers count days, of whichever time zone


def document(body: bytes | str) -> Any:
    """Return the JSON value in `body`, NaN and Infinity as None; Unreadable says why it cannot be read."""
    try:
        return json.loads(body, parse_constant=_nothing)
    except RecursionError:
        raise Unreadable("the answer is nested too deeply") from None
    except UnicodeDecodeError:
        raise Unreadable("the answer is not valid UTF-8") from None
    except ValueError as err:  # also int()'s, for a number of more than 4300 digits
        what = "empty" if not body.strip() else "not JSON, or cut short"
        raise Unreadable(f"the answer is {what} ({str(err)[:80]})") from None


def top_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that `body` is; Unreadable when it is anything else."""
    doc = document(body)
    if not isinstance(doc, dict):
        raise Unreadable("the answer is not a JSON object")
    return doc


def table(value: object) -> dict[str, Any]:
    """Return `value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object, limit: int) -> list[Any]:
    """Return the first `limit` elements of a JSON array, none of anything else."""
    return value[:limit] if isinstance(value, list) else []


def tables(value: object, limit: int) -> list[dict[str, Any]]:
    """Return the JSON objects among the first `limit` elements of an array."""
    return [item for item in items(value, limit) if isinstance(item, dict)]


def integer(value: object, low: int, high: int) -> int | None:
    """Return a whole number within [low, high]; True is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        return None
    return value


def object_id(value: object) -> int | None:
    """Return a provider's number of an object."""
    return integer(value, 0, MAX_ID)


def year(value: object) -> int | None:
    """Return a year; those before the era are negative."""
    return integer(value, MIN_YEAR, MAX_YEAR)


def years(begin: object, end: object) -> tuple[int | None, int | None]:
    """Return a span of years; a span that ends before it begins is none."""
    low, high = year(begin), year(end)
    return (None, None) if low is not None and high is not None and low > high else (low, high)


def cursor(text: str | None) -> dict[str, Any]:
    """Return what a cursor of ours holds; nothing when it is damaged, so that the list begins anew."""
    if not text or len(text) > MAX_CURSOR:
        return {}
    try:
        return table(document(text))
    except Unreadable:
        return {}


def as_cursor(**parts: Any) -> str:
    """Return a cursor that holds the parts."""
    return json.dumps(parts, separators=(",", ":"))


def day_before(since: float | None) -> str | None:
    """Return YYYY-MM-DD of the day before `since` (UTC epoch seconds): asking from then on misses no change."""
    if since is None or not OVERLAP_S < since < MAX_EPOCH_S:
        return None
    return datetime.fromtimestamp(since - OVERLAP_S, UTC).strftime("%Y-%m-%d")


def _nothing(_constant: str) -> None:
    return None
