"""Values from another machine, checked one by one: texts without control characters, numbers within reason.

Each function returns the value to go on with, or raises BadValue with a short code that tells the sender why.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hived.records import times, values
from hived.records.net import as_mac
from hived.records.values import MAX_WHOLE, clean

T = TypeVar("T")

LATEST = 4_102_444_800.0  # 2100-01-01: no clock of ours is right beyond it

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_EPOCH = re.compile(r"[A-Za-z0-9]{1,64}")


class BadValue(ValueError):
    """A value that cannot be taken; the text is a short code."""


def _there(value: T | None, code: str) -> T:
    if value is None:
        raise BadValue(code)
    return value


def text(value: Any, code: str, most: int = 200) -> str | None:
    """Return a cleaned text on one line, None for null and for nothing but blanks."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise BadValue(code)
    return " ".join(clean(value).split()) or None


def word(value: Any, code: str, most: int = 200) -> str:
    """Return a text that must be there."""
    return _there(text(value, code, most), code)


def name(value: Any, code: str) -> str:
    """Return a name as programs write it: lower case, digits and underscores."""
    return _there(values.matching(value, _NAME), code)


def epoch(value: Any) -> str:
    """Return the name of one incarnation of a node's database."""
    return _there(values.matching(value, _EPOCH), "epoch")


def digest(value: Any, code: str) -> str:
    """Return a SHA-256 in hex."""
    return _there(values.matching(value, values.SHA256), code)


def mac(value: Any) -> str:
    """Return a MAC address in lower case with colons."""
    return _there(as_mac(value) if isinstance(value, str) else None, "mac")


def ip(value: Any) -> str | None:
    """Return an address as it is usually written, None for null."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 64:
        raise BadValue("ip")
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise BadValue("ip") from None


def flag(value: Any, code: str) -> bool:
    return _there(values.flag(value), code)


def whole(value: Any, code: str, least: int = 0, most: int = MAX_WHOLE) -> int:
    """Return a whole number within limits."""
    return _there(values.integer(value, least, most), code)


def number(value: Any, code: str, least: float, most: float) -> float | None:
    """Return a finite number within limits, None for null."""
    return None if value is None else _there(values.number(value, least, most), code)


def time(value: Any, code: str, now: float | None = None) -> float:
    """Return the epoch seconds of an RFC 3339 text between 1970 and 2100; one after `now` becomes `now`."""
    try:
        at = times.from_text(value)
    except (ValueError, OverflowError):
        raise BadValue(code) from None
    if not 0 <= at <= LATEST:
        raise BadValue(code)
    return at if now is None else min(at, now)


def link(value: Any, most: int = 2048) -> str | None:
    """Return a http(s) URL without a user name, None for anything else: a picture may be missing, never a script."""
    if not isinstance(value, str) or not 0 < len(value.encode("utf-8", "replace")) <= most:
        return None
    if clean(value) != value or re.search(r"[\s\\<>\"']", value):
        return None
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return None
    return value if parts.scheme.lower() in ("http", "https") and host and "@" not in parts.netloc else None


def document(value: Any, code: str, *, most_bytes: int, depth: int) -> dict[str, Any]:
    """Return a cleaned JSON object of bounded size and depth."""
    if not isinstance(value, Mapping):
        raise BadValue(code)
    tidy = tidied(value, code, depth)
    assert isinstance(tidy, dict)
    bounded(tidy, code, most_bytes)
    return tidy


def bounded(value: Any, code: str, most_bytes: int) -> None:
    """Raise BadValue for a JSON value that takes more bytes in UTF-8."""
    if len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")) > most_bytes:
        raise BadValue(code)


def tidied(value: Any, code: str, depth: int) -> Any:
    """Return a JSON value with its texts cleaned; a number that JSON does not have becomes null."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_WHOLE else float(value) if abs(value) < 10**300 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth <= 0:
        raise BadValue(code)
    if isinstance(value, Mapping):
        return {clean(str(k)): tidied(v, code, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [tidied(v, code, depth - 1) for v in value]
    raise BadValue(code)
