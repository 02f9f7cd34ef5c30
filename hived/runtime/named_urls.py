"""URLs with names, as an option."""

from __future__ import annotations

from typing import NamedTuple

from hived.runtime.kinds import MAX_ITEMS, Kind, Wrong, text
from hived.runtime.written import Unusable, Written, entries

MAX_URL = 1000

_name = text("a name", most=32, pattern=r"[a-z0-9][a-z0-9_-]*")
_url = text("a URL", most=MAX_URL, pattern=r"[a-z]+://\S+")


class NamedUrl(NamedTuple):
    """A URL, most of which is secret, and what it is called."""

    name: str
    url: str


def _read(raw: Written) -> tuple[NamedUrl, ...]:
    if raw.kind != "mapping":
        raise Wrong(raw)
    try:
        pairs = list(entries(raw))
    except Unusable as err:
        raise Wrong(raw, str(err)) from None
    if len(pairs) > MAX_ITEMS:
        raise Wrong(raw, f"more than {MAX_ITEMS} entries")
    return tuple(NamedUrl(_named(key), _led(value)) for key, value in pairs)


def _named(key: Written) -> str:
    try:
        return _name.read(key)
    except Wrong:
        raise Wrong(key, "a name has small letters, digits, - and _, at most 32") from None


def _led(value: Written) -> str:
    try:
        return _url.read(value)
    except Wrong:
        raise Wrong(value, f"a URL is one word of at most {MAX_URL} characters") from None


named_urls = Kind("names with URLs such as {phone: 'ntfys://ntfy.sh/topic'}", _read, keyed=True)
