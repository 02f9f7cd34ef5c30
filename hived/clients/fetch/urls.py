"""URLs from outside: one strict reading, or Blocked. What could be read in two ways is not read at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, urljoin

from yarl import URL

from hived.errors import Blocked
from hived.records import addresses
from hived.records.hosts import NAME, authority, split_host

MAX_URL_BYTES = 4096  # twice what an artifact's URL may have: paging tokens are long
MAX_SHOWN = 200

_START = re.compile(r"(https?)://([^/?#]*)", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL_SUFFIXES = (  # names that no public server answers for: RFC 6761, 6762, 8375, .internal, and what routers use
    *("local", "localhost", "localdomain", "internal", "intranet", "lan", "home", "home.arpa", "corp", "private"),
)


def parse(raw: str) -> URL:
    """Return `raw` without fragment; Blocked with the reason unless it is plain http(s) with a host in one reading."""
    if len(raw) > MAX_URL_BYTES or len(raw.encode("utf-8", "surrogatepass")) > MAX_URL_BYTES:
        raise Blocked(f"a URL of more than {MAX_URL_BYTES:,} bytes is not fetched")
    if _CONTROL.search(raw):
        raise Blocked("a URL with control characters is not fetched")
    start = _START.match(raw)
    if start is None:
        raise Blocked(f"only http:// and https:// are fetched, not {shown(raw)}")
    host, port = authority(start[2])
    try:
        url = URL(raw).with_fragment(None)
        read = url.raw_host or ""
        plain = url.user is None and url.password is None
    except ValueError:
        raise Blocked(f"{shown(raw)} is not a URL") from None
    if not host.isascii():
        host = _encoded(host, read)
    if not plain or read != host or url.port != (port or _DEFAULT_PORTS[url.scheme]):
        raise Blocked(f"{shown(raw)} can be read in two ways")
    _check_host(host)
    return url.with_path("/") if url == url.origin() else url


def next_hop(base: URL, location: str) -> str:
    """Return where `location` leads from `base`, as text for `parse`; Blocked when it can be read in two ways."""
    location = location.strip(" \t")
    if any("\ud800" <= char <= "\udfff" for char in location):  # bytes that are no UTF-8
        location = quote(location.encode("utf-8", "surrogateescape"), safe="%/?#[]@!$&'()*+,;=:~")
    if _CONTROL.search(location):
        raise Blocked("a redirect with control characters is not followed")
    if "\\" in re.split(r"[?#]", location, maxsplit=1)[0]:
        raise Blocked("a redirect with a backslash can be read in two ways")
    location = location.replace(" ", "%20")
    if _SCHEME.match(location):
        return location
    if location.startswith("//"):
        return f"{base.scheme}:{location}"
    try:
        return urljoin(str(base), location)
    except ValueError:
        raise Blocked("a redirect to something that is no URL is not followed") from None


def is_local_name(host: str) -> bool:
    """Say whether `host` is a name that only a local network knows."""
    return "." not in host or any(host.endswith(f".{suffix}") for suffix in _LOCAL_SUFFIXES)


def on(url: URL, hosts: Sequence[str]) -> tuple[bool, bool]:
    """Say whether `url` is on one of `hosts` (host or host:port), and whether that entry names the port."""
    asked = (url.raw_host or "", url.port)
    entries = [split_host(entry) for entry in hosts]
    return any(host == asked[0] and port in (None, asked[1]) for host, port in entries), asked in entries


def shown(url: str | URL) -> str:
    """Return `url` for logs and messages: no query, no user name, nothing unprintable, at most 200 characters."""
    text = str(url)[: MAX_URL_BYTES * 2]
    cut = re.split(r"[?#]", text, maxsplit=1)
    start, slashes, rest = cut[0].partition("//")
    authority, slash, path = rest.partition("/")
    plain = f"{start}{slashes}{authority.rpartition('@')[2]}{slash}{path}"
    plain = "".join(char if char.isprintable() else "?" for char in plain)
    plain = plain if len(plain) <= MAX_SHOWN else f"{plain[:MAX_SHOWN]}..."
    return plain + ("?..." if len(cut) > 1 and text[len(cut[0])] == "?" else "")


def _encoded(host: str, encoded: str) -> str:
    """Return the ASCII form of an international name; Blocked when a label only looks international.

    Full-width digits, circled letters and ideographic full stops turn into plain ASCII: nobody's real name has them.
    """
    pairs = list(zip(host.split("."), encoded.split("."), strict=False))
    if host.count(".") != encoded.count(".") or not all(
        ours == theirs if ours.isascii() else theirs.startswith("xn--") for ours, theirs in pairs
    ):
        raise Blocked("a host written in look-alike characters is not fetched")
    return encoded


def _check_host(host: str) -> None:
    if addresses.parse(host) is not None:
        return
    if host.endswith("."):
        raise Blocked("a host with a dot at its end is not fetched")
    if not NAME.fullmatch(host):
        raise Blocked("the host is no valid name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise Blocked("an address is written as four decimal numbers, in no other form")
    for label in host.split("."):
        if label.startswith("xn--") and not _is_international(label[4:]):
            raise Blocked("the host is no valid international name")


def _is_international(label: str) -> bool:
    try:
        return not label.encode("ascii").decode("punycode").isascii()
    except (UnicodeError, ValueError, OverflowError):
        return False
