"""Values from another machine, checked one by one: texts without control characters, numbers within reason.

Each function returns the value to go on with, or raises BadValue with a short code that tells the sender why.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hived.records import times

MAX_SEQ = 2**53 - 1  # what JavaScript holds exactly
LATEST = 4_102_444_800.0  # 2100-01-01: no clock of ours is right beyond it
AHEAD_S = 3600.0  # clocks of nodes that never met a time server are wrong by less, or by years

# Control characters but the end of a line, half surrogates, and marks that turn the direction of what follows.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_HIDDEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_HEX = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class BadValue(ValueError):
    """A value that cannot be taken; the text is a short code."""


def clean(text: str) -> str:
    """Return a text without what could steer a terminal, a page or a database."""
    return _SURROGATE.sub("\ufffd", _HIDDEN.sub("", _CONTROL.sub(" ", text)))


def text(value: Any, code: str, most: int = 200) -> str | None:
    """Return a cleaned text on one line, None for null and for nothing but blanks."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most:
        raise BadValue(code)
    return " ".join(clean(value).split()) or None


def word(value: Any, code: str, most: int = 200) -> str:
    """Return a text that must be there."""
    told = text(value, code, most)
    if told is None:
        raise BadValue(code)
    return told


def name(value: Any, code: str) -> str:
    """Return a name as programs write it: lower case, digits and underscores."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise BadValue(code)
    return value


def digest(value: Any, code: str) -> str:
    """Return a SHA-256 in hex."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise BadValue(code)
    return value


def mac(value: Any) -> str:
    """Return a MAC address in lower case with colons."""
    if not isinstance(value, str) or not _MAC.fullmatch(low := value.lower()):
        raise BadValue("mac")
    return low


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
    if not isinstance(value, bool):
        raise BadValue(code)
    return value


def whole(value: Any, code: str, least: int = 0, most: int = MAX_SEQ) -> int:
    """Return a whole number within limits."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadValue(code)
    return value


def number(value: Any, code: str, least: float, most: float) -> float | None:
    """Return a finite number within limits, None for null."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:  # NaN is not
        raise BadValue(code)
    return float(value)


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
        return value if abs(value) <= MAX_SEQ else float(value) if abs(value) < 10**300 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth <= 0:
        raise BadValue(code)
    if isinstance(value, Mapping):
        return {clean(str(k)): tidied(v, code, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [tidied(v, code, depth - 1) for v in value]
    raise BadValue(code)
