"""Who may ask: nobody by a name that DNS could have been bent to, no page of another site."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hived.api.http import responses

READING = frozenset({"GET", "HEAD", "OPTIONS"})

# Suffixes that no public name server can answer for (RFC 6762, 8375, ICANN's .internal, the usual ones of routers).
_LOCAL_SUFFIXES = ("lan", "home", "home.arpa", "internal", "localdomain", "intranet")

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")

PICTURES = web.RequestKey("pictures", tuple[str, ...])
"""Where the document that a request asks for may have pictures from, beside ourselves; absent: from nowhere."""


def policy(*pictures: str) -> str:
    """Return the content security policy of a document that may have pictures from these sources too."""
    images = " ".join(("'self'", "data:", *pictures))
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "hived",  # which versions of what we are made of is nobody's business
}


def own_names(node_name: str) -> frozenset[str]:
    """Return the host names under which this node may be asked, lower case without a dot at the end."""
    names = {"localhost"}
    for name in (node_name, socket.gethostname()):
        low = name.lower().rstrip(".")
        first = low.partition(".")[0]
        names |= {low, first, *(f"{first}.{suffix}" for suffix in _LOCAL_SUFFIXES)}
    return frozenset(name for name in names if name)


def guard(names: frozenset[str]) -> Middleware:
    """Return the middleware that refuses foreign names and foreign pages."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = _refused(request, names)
        return refused if refused is not None else await handler(request)

    return guarded


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Give every reply the headers that bind a browser."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    if PICTURES in request:
        response.headers["Content-Security-Policy"] = policy(*request[PICTURES])


def _refused(request: web.Request, names: frozenset[str]) -> web.Response | None:
    host = request.headers.get("Host", "").lower()
    if len(request.headers.getall("Host", [])) != 1 or not is_ours(host, names):
        return responses.error(403, f"this is not {host[:80]!r}: use the address, NAME.local or the host's name")
    if request.method in READING:
        return None
    if not _is_bearer(request) and _is_of_another_site(request, host):
        return responses.error(403, "this request was made by a page of another site")
    if request.body_exists and request.content_type != responses.JSON_TYPE:
        return responses.error(415, "send JSON, with Content-Type: application/json")
    return None


def _is_bearer(request: web.Request) -> bool:
    """Tell whether a request proves itself by a header: no page of another site can make a browser add it."""
    return request.headers.get("Authorization", "")[:7].lower() == "bearer "


def _is_of_another_site(request: web.Request, host: str) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin.lower()).netloc != host:
        return True
    return request.headers.get("Sec-Fetch-Site", "none").lower() not in ("same-origin", "none")


def is_ours(host: str, names: frozenset[str]) -> bool:
    """Tell whether a Host header names this node: an address, localhost, *.local, or one of the names.

    A page elsewhere can make its own name lead to us (DNS rebinding) and would then pass for the same site; these are
    names that nobody else can hold.
    """
    name = name_of(host)
    if name in names or name.endswith(".local"):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def name_of(host: str) -> str:
    """Return the name or address in a Host header, "" when it is none."""
    match = _HOST.fullmatch(host.lower())
    return match["name"].rstrip(".") if match is not None else ""
