"""Readers of JSON from outside: each returns a value of the promised type and range, or nothing.

For what may be missing. Where a value must be there, or is an error when it is not right, see `untrusted`.
"""

from __future__ import annotations

import json
import math
import re
from functools import partial
from typing import Any

from hived.errors import Unreadable

MAX_WHOLE = 2**53 - 1  # what JavaScript holds exactly
MAX_DIGITS = 400  # of a whole number; a float has at most 309

# Characters that would steer a terminal or a page, but the end of a line; those that nobody sees or that turn the
# direction of what follows (joiners stay: scripts need them); half surrogates, which no database takes.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
SHA256 = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_SURROGATE = re.compile("[\ud800-\udfff]")
# A JSON text to its end, so that nothing within one is taken for a number; or what C and others print for no number.
_ODD = re.compile(r'"(?:[^"\\]|\\.)*+"?|[-+]?\b(?:nan\b(?:\(\w*\))?|inf(?:inity)?\b)', re.IGNORECASE | re.DOTALL)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\')


def document(body: bytes | str) -> Any:
    """Return the JSON value in `body`; Unreadable says why it cannot be read.

    What is wrong with one value costs that value: numbers without end, NaN and infinity in any writing are None, bytes
    that are no UTF-8 become replacement characters, texts may hold control characters and unknown escapes.
    """
    text = body if isinstance(body, str) else body.decode("utf-8-sig", "replace")
    text = text.strip("\0 \t\r\n")  # some servers send the terminator of a C string, too
    try:
        return _loaded(text)
    except RecursionError:
        raise Unreadable("the answer is nested too deeply") from None
    except json.JSONDecodeError as err:
        if not text:
            raise Unreadable("the answer is empty") from None
        why = err.msg.removesuffix(" at")  # some of its messages are made to go before a place
        raise Unreadable(f"the answer is not JSON, or cut short ({why} at character {err.pos})") from None


def _loaded(text: str) -> Any:
    load = partial(json.loads, strict=False, parse_constant=_nothing, parse_float=_finite)
    try:
        return load(text)
    except ValueError:  # that of JSON, or that of int() for more than 4300 digits
        return load(_ODD.sub(_mended, text), parse_int=_whole)


def _mended(found: re.Match[str]) -> str:
    """Return a text without unknown escapes, and null for what is no number."""
    if not found[0].startswith('"'):
        return "null"
    return _ESCAPE.sub(lambda escape: escape[0] if len(escape[0]) > 1 else r"\\", found[0])


def top_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that `body` is; Unreadable when it is anything else."""
    doc = document(body)
    if not isinstance(doc, dict):
        raise Unreadable("the answer is not a JSON object")
    return doc


def top_array(body: bytes) -> list[Any]:
    """Return the JSON array that `body` is; Unreadable when it is anything else."""
    doc = document(body)
    if not isinstance(doc, list):
        raise Unreadable("the answer is not a JSON array")
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


def flag(value: object) -> bool | None:
    """Return a JSON boolean; 0, 1 and "true" are none."""
    return value if isinstance(value, bool) else None


def number(value: object, low: float, high: float) -> float | None:
    """Return a number within [low, high], never a boolean; NaN compares false with all and so falls out."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return None
    return float(value)


def integer(value: object, low: int = 0, high: int = MAX_WHOLE) -> int | None:
    """Return a whole number within [low, high]; 2500.0 is one, True and 2500.5 are none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        return None
    return value


def matching(value: object, pattern: re.Pattern[str]) -> str | None:
    """Return a string that is as the pattern says, from its beginning to its end."""
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def clean(text: str) -> str:
    """Return a text without what could steer a terminal, a page or a database."""
    return _SURROGATE.sub("\ufffd", _HIDDEN.sub("", _CONTROL.sub(" ", text)))


def text(value: object, most: int) -> str | None:
    """Return the first `most` characters of a cleaned string on one line; None when nothing is left of it."""
    if not isinstance(value, str):
        return None
    return " ".join(clean(value[: 4 * most]).split())[:most].rstrip() or None


def retry_after(header: str | None, most_s: float) -> float | None:
    """Return the seconds of a Retry-After, bounded; None when there is none that counts seconds."""
    told = _SECONDS.fullmatch((header or "").strip())
    return None if told is None else min(float(told[0]), most_s)


def _nothing(_constant: str) -> None:
    return None


def _whole(text: str) -> int | None:
    return int(text) if len(text) <= MAX_DIGITS else None


def _finite(text: str) -> float | None:
    told = float(text)
    return told if math.isfinite(told) else None
